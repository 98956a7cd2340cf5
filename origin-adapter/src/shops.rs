//! The kinds of shop. Each is one file, and one line in [`open`].
//!
//! A shop is pure: it writes requests and reads answers. Deadlines, locks, retries and idempotency are the
//! same for all and live elsewhere.

mod evershop;
mod generic;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::adapter::SettingsError;
use crate::cart::model::{Cart, Line};
use crate::money::Currency;
use crate::problem::Problem;
use crate::settings::{Kind, Settings};

/// Opens the shop that the settings name.
pub(crate) fn open(settings: &Settings) -> Result<Box<dyn Shop>, SettingsError> {
    let currency = Currency::parse(&settings.currency)
        .ok_or_else(|| SettingsError::Currency(settings.currency.clone()))?;
    Ok(match settings.shop {
        Kind::Generic => Box::new(generic::Generic),
        Kind::Evershop => Box::new(evershop::EverShop::new(currency)),
    })
}

/// A kind of shop.
pub(crate) trait Shop {
    /// Its name in settings, logs and errors.
    fn name(&self) -> &'static str;

    /// Its cart, where Vitrine can speak to it.
    fn cart(&self) -> Option<&dyn CartShop> {
        None
    }
}

/// Whose cart it is, in the shop's own terms. Never logged, never part of a store's key in the clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    /// The `Cookie` header that the shop knows the shopper by.
    pub(crate) cookie: String,
}

/// One request to the shop's own API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// JSON, where there is any.
    pub(crate) body: Option<Bytes>,
    /// The call changes nothing, whatever its method: it may be sent again.
    pub(crate) reads: bool,
}

/// A change of one cart. The lines are as they were just read, under the cart's lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change<'a> {
    /// So many more of an item.
    Add { item_id: &'a str, quantity: u32 },
    /// This many on a line; more than none, and not what it has.
    Set { line: &'a Line, quantity: u32 },
    /// The line goes.
    Remove { line: &'a Line },
}

/// The shop's answer is not what its API is known to say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the shop's answer is not a cart: {0}")]
pub(crate) struct Unreadable(pub(crate) String);

/// How a kind of shop speaks about carts.
pub(crate) trait CartShop {
    /// The cart of a shopper who has none yet.
    fn empty(&self) -> Cart;

    /// The shopper's session among the cookies of their request.
    fn session(&self, cookies: &HeaderMap) -> Option<Session>;

    /// Paths of which a GET opens a session, the cheapest first.
    fn openings(&self) -> &'static [&'static str];

    /// The session that an answer opened, and the `Set-Cookie` to pass on to the shopper.
    fn opened(&self, headers: &HeaderMap) -> Option<(Session, HeaderValue)>;

    /// Asks for the cart.
    fn read(&self) -> Call;

    /// Reads the answer to [`Self::read`].
    fn parse_cart(&self, body: &[u8]) -> Result<Cart, Unreadable>;

    /// Asks for a change.
    fn change(&self, change: Change<'_>) -> Call;

    /// What an answer other than 2xx to a change means, where that is known: the change was refused and had
    /// no effect.
    fn refusal(&self, status: StatusCode, body: &[u8]) -> Option<Problem>;
}
