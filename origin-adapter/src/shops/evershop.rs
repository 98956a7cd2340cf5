//! `EverShop` 2: its cart, through its storefront API.
//!
//! * The shopper is known by the cookie `sid`, which the shop's own pages use too: what is added through
//!   `/_v/cart` is in the cart page, and the other way round. Only page views set it, the API never does.
//! * A cart is read by GraphQL. An error there is a missing field under status 200.
//! * Quantities change by differences (`increase`, `decrease`) only.
//! * A signed-in customer has one cart on all devices, and the lock is on the session: two devices of one
//!   customer can still overlap.
//! * Refusals are 400 or 500 with a sentence; the sentence is all that tells them apart.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Call, CartShop, Change, Session, Shop, Unreadable};
use crate::cart::model::{Cart, Item, Line, Message, Total};
use crate::money::Currency;
use crate::problem::Problem;

const COOKIE: &str = "sid";
const ITEMS: &str = "/api/cart/mine/items";
const CHECKOUT: &str = "/checkout";
const QUERY: &str = "{ myCart { currency subTotal { value } discountAmount { value } \
    shippingFeeExclTax { value } totalTaxAmount { value } grandTotal { value } \
    items { uuid productSku productName thumbnail productUrl qty finalPrice { value } \
    lineTotal { value } errors } } }";

/// One of them.
#[derive(Debug)]
pub(super) struct EverShop {
    currency: Currency,
}

impl EverShop {
    pub(super) fn new(currency: Currency) -> Self {
        Self { currency }
    }
}

impl Shop for EverShop {
    fn name(&self) -> &'static str {
        "evershop"
    }

    fn cart(&self) -> Option<&dyn CartShop> {
        Some(self)
    }
}

impl CartShop for EverShop {
    fn empty(&self) -> Cart {
        Cart::empty(self.currency, CHECKOUT)
    }

    fn session(&self, headers: &HeaderMap) -> Option<Session> {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .find_map(session)
    }

    fn openings(&self) -> &'static [&'static str] {
        // Any page opens a session; this one has 150 bytes instead of 250 thousand.
        &["/robots.txt", "/"]
    }

    fn opened(&self, headers: &HeaderMap) -> Option<(Session, HeaderValue)> {
        headers
            .get_all(header::SET_COOKIE)
            .iter()
            .find_map(|value| {
                let pair = value.to_str().ok()?.split(';').next()?;
                Some((session(pair)?, value.clone()))
            })
    }

    fn read(&self) -> Call {
        Call {
            method: Method::POST,
            path: "/api/graphql".into(),
            body: Some(json(&serde_json::json!({ "query": QUERY }))),
            reads: true,
        }
    }

    fn parse_cart(&self, body: &[u8]) -> Result<Cart, Unreadable> {
        let answer: Answer<'_> =
            serde_json::from_slice(body).map_err(|error| Unreadable(error.to_string()))?;
        match answer.data.my_cart {
            Some(cart) => cart.read(),
            None => Ok(self.empty()),
        }
    }

    fn change(&self, change: Change<'_>) -> Call {
        let (method, path, body) = match change {
            Change::Add { item_id, quantity } => (
                Method::POST,
                ITEMS.to_owned(),
                Some(serde_json::json!({ "sku": item_id, "qty": quantity })),
            ),
            Change::Set { line, quantity } => {
                let action = if quantity > line.quantity {
                    "increase"
                } else {
                    "decrease"
                };
                let by = quantity.abs_diff(line.quantity);
                (
                    Method::PATCH,
                    format!("{ITEMS}/{}", line.id),
                    Some(serde_json::json!({ "action": action, "qty": by })),
                )
            }
            Change::Remove { line } => (Method::DELETE, format!("{ITEMS}/{}", line.id), None),
        };
        Call {
            method,
            path,
            body: body.as_ref().map(json),
            reads: false,
        }
    }

    fn refusal(&self, status: StatusCode, body: &[u8]) -> Option<Problem> {
        if status == StatusCode::TOO_MANY_REQUESTS {
            let text = "The shop asks to slow down.";
            return Some(Problem::new(status, "rate_limited", text).retry_after(10));
        }
        let refused: Refused = serde_json::from_slice(body).ok()?;
        let message = refused.error.message;
        let (status, code) = match message.as_str() {
            "Product not found" => (StatusCode::UNPROCESSABLE_ENTITY, "item_unavailable"),
            "We do not have enough stock" | "This product is out of stock" => {
                (StatusCode::CONFLICT, "out_of_stock")
            }
            "Item not found" | "Invalid cart" => (StatusCode::NOT_FOUND, "line_not_found"),
            "Invalid quantity" => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_request"),
            _ if status.is_client_error() => (StatusCode::UNPROCESSABLE_ENTITY, "item_unavailable"),
            _ => return None,
        };
        Some(Problem::new(status, code, message))
    }
}

/// A cookie pair, if it is the shopper's session.
fn session(pair: &str) -> Option<Session> {
    let (name, value) = pair.trim().split_once('=')?;
    (name == COOKIE && !value.is_empty()).then(|| Session {
        cookie: format!("{COOKIE}={value}"),
    })
}

fn json(value: &serde_json::Value) -> Bytes {
    Bytes::from(value.to_string())
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    #[serde(borrow, deserialize_with = "present")]
    my_cart: Option<ShopCart<'a>>,
}

/// `null` is a shopper without a cart. No field at all, which this refuses, is a query that failed.
fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShopCart<'a> {
    currency: String,
    #[serde(borrow)]
    sub_total: Price<'a>,
    #[serde(borrow)]
    discount_amount: Price<'a>,
    #[serde(borrow)]
    shipping_fee_excl_tax: Price<'a>,
    #[serde(borrow)]
    total_tax_amount: Price<'a>,
    #[serde(borrow)]
    grand_total: Price<'a>,
    #[serde(borrow)]
    items: Option<Vec<ShopItem<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShopItem<'a> {
    uuid: String,
    product_sku: String,
    product_name: Option<String>,
    thumbnail: Option<String>,
    product_url: Option<String>,
    qty: u32,
    #[serde(borrow)]
    final_price: Price<'a>,
    #[serde(borrow)]
    line_total: Price<'a>,
    errors: Option<Vec<String>>,
}

/// A number as the shop wrote it.
#[derive(Deserialize)]
struct Price<'a> {
    #[serde(borrow)]
    value: &'a RawValue,
}

impl Price<'_> {
    fn minor_units(&self, currency: Currency) -> Result<i64, Unreadable> {
        let digits = self.value.get();
        currency
            .minor_units(digits)
            .ok_or_else(|| Unreadable(format!("{digits} is not an amount")))
    }
}

impl ShopCart<'_> {
    fn read(self) -> Result<Cart, Unreadable> {
        let currency = Currency::parse(&self.currency)
            .ok_or_else(|| Unreadable(format!("{} is not a currency", self.currency)))?;
        let mut cart = Cart::empty(currency, CHECKOUT);
        cart.totals = self.totals(currency)?;
        for item in self.items.unwrap_or_default() {
            let at = cart.line_items.len();
            let errors = item.errors.iter().flatten();
            cart.messages
                .extend(errors.map(|text| Message::about_line(at, code_of(text), text)));
            cart.line_items.push(item.read(currency)?);
        }
        Ok(cart)
    }

    fn totals(&self, currency: Currency) -> Result<Vec<Total>, Unreadable> {
        let mut totals = vec![Total::new(
            "subtotal",
            self.sub_total.minor_units(currency)?,
        )];
        let optional = [
            ("discount", -self.discount_amount.minor_units(currency)?),
            (
                "fulfillment",
                self.shipping_fee_excl_tax.minor_units(currency)?,
            ),
            ("tax", self.total_tax_amount.minor_units(currency)?),
        ];
        totals.extend(
            optional
                .into_iter()
                .filter(|(_, amount)| *amount != 0)
                .map(|(kind, amount)| Total::new(kind, amount)),
        );
        totals.push(Total::new("total", self.grand_total.minor_units(currency)?));
        Ok(totals)
    }
}

impl ShopItem<'_> {
    fn read(self, currency: Currency) -> Result<Line, Unreadable> {
        Ok(Line {
            id: self.uuid,
            item: Item {
                title: self
                    .product_name
                    .unwrap_or_else(|| self.product_sku.clone()),
                id: self.product_sku,
                price: self.final_price.minor_units(currency)?,
                url: self.product_url,
                image_url: self.thumbnail,
            },
            quantity: self.qty,
            totals: vec![Total::new(
                "subtotal",
                self.line_total.minor_units(currency)?,
            )],
        })
    }
}

fn code_of(text: &str) -> &'static str {
    if text.contains("stock") {
        "out_of_stock"
    } else {
        "item_unavailable"
    }
}

#[derive(Deserialize)]
struct Refused {
    error: RefusedError,
}

#[derive(Deserialize)]
struct RefusedError {
    message: String,
}

#[cfg(test)]
mod tests;
