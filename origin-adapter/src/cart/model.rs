//! One cart, whatever the shop: the shape of UCP's cart (integers in minor units, ISO 4217), without ids
//! that would let their holder at the cart.

use bytes::Bytes;
use serde::{Serialize, Serializer};

use crate::adapter::digest;
use crate::money::Currency;

/// A cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Cart {
    #[serde(serialize_with = "code")]
    pub(crate) currency: Currency,
    pub(crate) line_items: Vec<Line>,
    pub(crate) totals: Vec<Total>,
    pub(crate) messages: Vec<Message>,
    /// Where the shopper goes on: the shop's own checkout.
    pub(crate) continue_url: &'static str,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Line {
    pub(crate) id: String,
    pub(crate) item: Item,
    pub(crate) quantity: u32,
    pub(crate) totals: Vec<Total>,
}

/// What is on a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Item {
    /// What `POST /_v/cart/items` calls `item_id`.
    pub(crate) id: String,
    pub(crate) title: String,
    /// Of one, in minor units.
    pub(crate) price: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) image_url: Option<String>,
}

/// One sum: `subtotal`, `discount` (negative), `fulfillment`, `tax`, `total`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Total {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    /// In minor units.
    pub(crate) amount: i64,
}

/// Something that the shop has to say about the cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Message {
    #[serde(rename = "type")]
    kind: &'static str,
    code: &'static str,
    content: String,
    path: String,
    severity: &'static str,
}

impl Cart {
    pub(crate) fn empty(currency: Currency, continue_url: &'static str) -> Self {
        Self {
            currency,
            line_items: Vec::new(),
            totals: vec![Total::new("subtotal", 0), Total::new("total", 0)],
            messages: Vec::new(),
            continue_url,
        }
    }

    pub(crate) fn line(&self, id: &str) -> Option<&Line> {
        self.line_items.iter().find(|line| line.id == id)
    }

    /// How many of an item there are, over all lines.
    pub(crate) fn count(&self, item_id: &str) -> u32 {
        self.line_items
            .iter()
            .filter(|line| line.item.id == item_id)
            .fold(0, |count, line| count.saturating_add(line.quantity))
    }

    pub(crate) fn body(&self) -> Bytes {
        // A struct of strings and integers cannot fail to serialise.
        Bytes::from(serde_json::to_vec(self).unwrap_or_default())
    }
}

/// The entity tag of a cart's body: equal bytes, equal cart.
pub(crate) fn etag(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    format!("\"{}\"", &digest(&text)[..16])
}

impl Total {
    pub(crate) fn new(kind: &'static str, amount: i64) -> Self {
        Self { kind, amount }
    }
}

impl Message {
    /// An error that the shopper can mend on one line.
    pub(crate) fn about_line(at: usize, code: &'static str, text: &str) -> Self {
        Self {
            kind: "error",
            code,
            content: text.to_owned(),
            path: format!("$.line_items[{at}]"),
            severity: "recoverable",
        }
    }
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serialize_with takes"
)]
fn code<S: Serializer>(currency: &Currency, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(currency.code())
}
