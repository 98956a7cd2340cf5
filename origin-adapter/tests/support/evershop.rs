//! An origin that behaves like `EverShop`'s cart: cookie `sid` from page views only, GraphQL reads, relative
//! changes, refusals as sentences, and updates that get lost when two overlap.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Value, json};
use vitrine_origin_adapter::platform::SendError;

use super::{Reply, Sent, reply};

/// Between what a request reads and what it writes.
const WORK_MS: u64 = 40;
const STOCK: i64 = 100;

/// What happens to the next change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Fine,
    /// It is carried out, and the connection breaks before the answer.
    AnswerLost,
    /// The connection breaks before it is carried out.
    Lost,
    /// Nobody listens.
    Refused,
    /// It is not carried out, and a page says so that no program understands.
    Bewildered,
}

type Lines = Vec<(String, String, i64)>;

#[derive(Default)]
pub(crate) struct Shop {
    carts: RefCell<BTreeMap<String, Lines>>,
    sessions: Cell<u32>,
    fates: RefCell<Vec<Fate>>,
    pub(crate) garbled: Cell<bool>,
    lines: Cell<u32>,
}

impl Shop {
    pub(crate) fn new() -> Rc<Self> {
        Rc::default()
    }

    /// The fates of the next changes, in order; then all is fine.
    pub(crate) fn fates(&self, fates: &[Fate]) {
        *self.fates.borrow_mut() = fates.to_vec();
    }

    pub(crate) fn quantity(&self, sid: &str, sku: &str) -> i64 {
        let carts = self.carts.borrow();
        carts
            .get(sid)
            .into_iter()
            .flatten()
            .filter(|line| line.1 == sku)
            .map(|line| line.2)
            .sum()
    }

    pub(crate) fn put(&self, sid: &str, sku: &str, quantity: i64) -> String {
        let mut carts = self.carts.borrow_mut();
        let lines = carts.entry(sid.to_owned()).or_default();
        self.lines.set(self.lines.get() + 1);
        let id = format!("line-{}", self.lines.get());
        lines.push((id.clone(), sku.to_owned(), quantity));
        id
    }

    pub(crate) fn answer(self: &Rc<Self>, sent: &Sent) -> Reply {
        let path = sent.uri.path();
        let cookie = sent
            .headers
            .get("cookie")
            .map_or("", |value| value.to_str().unwrap());
        let sid = cookie.strip_prefix("sid=").unwrap_or("none").to_owned();
        match (sent.method.as_str(), path) {
            ("GET", _) => {
                self.sessions.set(self.sessions.get() + 1);
                let cookie = format!("sid=new-{}; Path=/; HttpOnly", self.sessions.get());
                reply(
                    200,
                    &[("set-cookie", "theme=dark"), ("set-cookie", &cookie)],
                    "User-agent: *",
                )
            }
            ("POST", "/api/graphql") => self.read(&sid),
            ("POST", "/api/cart/mine/items") => {
                let body: Value = serde_json::from_str(&sent.body).unwrap();
                let sku = body["sku"].as_str().unwrap().to_owned();
                if !sku.starts_with("SKU") {
                    return refusal(400, "Product not found");
                }
                let quantity = self.quantity(&sid, &sku) + body["qty"].as_i64().unwrap();
                if quantity > STOCK {
                    return refusal(500, "We do not have enough stock");
                }
                self.change(sid, None, sku, quantity)
            }
            (method @ ("PATCH" | "DELETE"), path) => {
                let id = path.rsplit('/').next().unwrap();
                let carts = self.carts.borrow();
                let line = carts
                    .get(&sid)
                    .and_then(|lines| lines.iter().find(|line| line.0 == id))
                    .cloned();
                drop(carts);
                let Some((id, sku, now)) = line else {
                    return refusal(500, "Item not found");
                };
                let quantity = if method == "DELETE" {
                    0
                } else {
                    let body: Value = serde_json::from_str(&sent.body).unwrap();
                    let by = body["qty"].as_i64().unwrap();
                    if body["action"] == "increase" {
                        now + by
                    } else {
                        (now - by).max(0)
                    }
                };
                self.change(sid, Some(id), sku, quantity)
            }
            other => panic!("EverShop has no {other:?}"),
        }
    }

    /// Writes what was computed when the request came in: a change in between is lost.
    fn change(
        self: &Rc<Self>,
        sid: String,
        id: Option<String>,
        sku: String,
        quantity: i64,
    ) -> Reply {
        let mut fates = self.fates.borrow_mut();
        let fate = if fates.is_empty() {
            Fate::Fine
        } else {
            fates.remove(0)
        };
        drop(fates);
        let shop = Rc::clone(self);
        let write: Box<dyn FnOnce()> = Box::new(move || {
            let mut carts = shop.carts.borrow_mut();
            let lines = carts.entry(sid.clone()).or_default();
            let at = lines
                .iter()
                .position(|line| id.as_ref().map_or(line.1 == sku, |id| line.0 == *id));
            match at {
                Some(at) if quantity == 0 => drop(lines.remove(at)),
                Some(at) => lines[at].2 = quantity,
                None => {
                    drop(carts);
                    shop.put(&sid, &sku, quantity);
                }
            }
        });
        let broken = Err(SendError::Broken("reset".into()));
        let mut answer = reply(200, &[], r#"{"data":{"item":{}}}"#);
        answer.after_ms = WORK_MS;
        match fate {
            Fate::Fine => answer.effect = Some(write),
            Fate::AnswerLost => (answer.effect, answer.outcome) = (Some(write), broken),
            Fate::Lost => answer.outcome = broken,
            Fate::Refused => answer.outcome = Err(SendError::NoConnection("refused".into())),
            Fate::Bewildered => return reply(500, &[], "<h1>Oops</h1>"),
        }
        answer
    }

    fn read(&self, sid: &str) -> Reply {
        if self.garbled.get() {
            return reply(200, &[], r#"{"data":{}}"#);
        }
        let carts = self.carts.borrow();
        let Some(lines) = carts.get(sid) else {
            return reply(200, &[], r#"{"data":{"myCart":null}}"#);
        };
        let total: i64 = lines.iter().map(|line| line.2 * 1999).sum();
        let dollars =
            |cents: i64| json!({ "value": serde_json::Number::from_f64(cents as f64 / 100.0) });
        let items: Vec<Value> = lines
            .iter()
            .map(|(id, sku, quantity)| {
                json!({
                    "uuid": id, "productSku": sku, "productName": "A cup", "thumbnail": null,
                    "productUrl": "/cup", "qty": quantity, "finalPrice": dollars(1999),
                    "lineTotal": dollars(1999 * quantity), "errors": [],
                })
            })
            .collect();
        let cart = json!({ "data": { "myCart": {
            "currency": "USD", "subTotal": dollars(total), "discountAmount": dollars(0),
            "shippingFeeExclTax": dollars(0), "totalTaxAmount": dollars(0), "grandTotal": dollars(total),
            "items": items,
        } } });
        reply(200, &[], &cart.to_string())
    }
}

fn refusal(status: u16, message: &str) -> Reply {
    reply(
        status,
        &[],
        &json!({ "error": { "status": status, "message": message } }).to_string(),
    )
}
