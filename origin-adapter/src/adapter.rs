//! From request to answer.

use std::time::Duration;

use http::{Request, Response, header};
use sha2::{Digest, Sha256};
use url::Url;

use crate::breaker::Breaker;
use crate::platform::{Deadlines, Payload, Platform};
use crate::retry::Budget;
use crate::settings::Settings;
use crate::shops::{self, Shop};
use crate::{cart, fonts, operator, pages};

/// Everything under this path comes from the visitor and is answered here; the rest comes from the edge and
/// goes to the shop.
const CART: &str = "/_v/cart";
const OPERATOR: &str = "/_v/adapter";
/// Under this path the edge asks for Google's fonts. No visitor's request has it: the edge answers for the
/// reserved prefix itself, and the manifest leads only the two above here.
pub(crate) const FONTS: &str = "/_v/fonts";

/// Who sent a request that did not come through the edge, as the host saw it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Visitor {
    /// The address of the visitor's connection, without a port.
    pub client: String,
    /// `http` or `https`.
    pub scheme: String,
    /// Host and port that the visitor asked for.
    pub authority: String,
}

/// The adapter for one shop: its settings, and what an instance remembers between requests.
pub struct Adapter {
    settings: Settings,
    origin: Url,
    font_sheets: Url,
    font_files: Url,
    shop: Box<dyn Shop>,
    pub(crate) pages: Breaker,
    pub(crate) carts: Breaker,
    pub(crate) fonts: Breaker,
    pub(crate) budget: Budget,
}

/// Why settings cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// `origin.url` is not an address.
    #[error("origin.url is not scheme, host and port: {0}")]
    Url(String),
    /// One of the addresses of Google's fonts is not an address.
    #[error("origin.font_sheets and origin.font_files are not scheme, host and port: {0}")]
    Fonts(String),
    /// `origin.currency` is not a currency.
    #[error("origin.currency is not an ISO 4217 code: {0}")]
    Currency(String),
}

impl Adapter {
    /// Opens the adapter.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let origin =
            place(&settings.url).ok_or_else(|| SettingsError::Url(settings.url.clone()))?;
        let fonts = |url: &String| place(url).ok_or_else(|| SettingsError::Fonts(url.clone()));
        let shop = shops::open(&settings)?;
        let name = digest(origin.as_str());
        let breaker = |kind| {
            Breaker::new(
                kind,
                &name,
                settings.breaker_failures,
                settings.breaker_open_ms,
            )
        };
        Ok(Self {
            pages: breaker("pages"),
            carts: breaker("cart"),
            fonts: breaker("fonts"),
            font_sheets: fonts(&settings.font_sheets)?,
            font_files: fonts(&settings.font_files)?,
            budget: Budget::new(),
            origin,
            shop,
            settings,
        })
    }

    /// Answers one request. `visitor` is who sent it; it matters only where no edge stands in between.
    pub async fn handle<P: Platform>(
        &self,
        platform: &P,
        visitor: &Visitor,
        request: Request<Payload<P::Body>>,
    ) -> Response<Payload<P::Body>> {
        let path = request.uri().path();
        let mut response = if is_below(path, CART) {
            cart::respond(self, platform, visitor, request).await
        } else if is_below(path, OPERATOR) {
            operator::respond(self, platform, request.method(), path).await
        } else if is_below(path, FONTS) {
            fonts::respond(self, platform, request).await
        } else {
            pages::respond(self, platform, request).await
        };
        if let Payload::Full(body) = response.body() {
            let length = body.len().into();
            response
                .headers_mut()
                .insert(header::CONTENT_LENGTH, length);
        }
        response
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn origin(&self) -> &Url {
        &self.origin
    }

    pub(crate) fn font_sheets(&self) -> &Url {
        &self.font_sheets
    }

    pub(crate) fn font_files(&self) -> &Url {
        &self.font_files
    }

    pub(crate) fn shop(&self) -> &dyn Shop {
        self.shop.as_ref()
    }

    /// Deadlines of pages, assets and images.
    pub(crate) fn deadlines(&self) -> Deadlines {
        let ms = |ms: u32| Duration::from_millis(u64::from(ms));
        Deadlines {
            connect: ms(self.settings.connect_timeout_ms),
            first_byte: ms(self.settings.first_byte_timeout_ms),
            between_bytes: ms(self.settings.between_bytes_timeout_ms),
        }
    }
}

/// Scheme, host and port, and nothing else.
fn place(url: &str) -> Option<Url> {
    Url::parse(url)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .filter(|url| url.path() == "/" && url.query().is_none() && url.username().is_empty())
}

fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A name for something that a store's key must not show.
pub(crate) fn digest(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    let first: [u8; 16] = std::array::from_fn(|at| hash[at]);
    format!("{:032x}", u128::from_be_bytes(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(change: impl FnOnce(&mut Settings)) -> Result<Adapter, SettingsError> {
        let mut settings = Settings::default();
        change(&mut settings);
        Adapter::new(settings)
    }

    #[test]
    fn an_origin_is_scheme_host_and_port_and_nothing_else() {
        for url in [
            "http://shop.example",
            "https://shop.example:8443/",
            "http://[::1]:3000",
        ] {
            assert!(opened(|s| s.url = url.into()).is_ok(), "{url}");
        }
        for url in [
            "",
            "shop.example",
            "ftp://shop.example",
            "http://",
            "http://a/path",
            "http://a?q",
            "http://u:p@a",
        ] {
            let error = opened(|s| s.url = url.into()).err();
            assert_eq!(error, Some(SettingsError::Url(url.into())));
        }
    }

    #[test]
    fn a_currency_is_checked_when_the_adapter_opens() {
        let error = opened(|s| s.currency = "euro".into()).err();
        assert_eq!(error, Some(SettingsError::Currency("euro".into())));
    }

    #[test]
    fn only_whole_path_segments_are_the_adapters_own() {
        assert!(is_below("/_v/cart", CART) && is_below("/_v/cart/items", CART));
        assert!(!is_below("/_v/cartoon", CART) && !is_below("/x/_v/cart", CART));
    }
}
