//! A shopper of a shop that behaves like `EverShop`.

use std::rc::Rc;

use vitrine_origin_adapter::Adapter;
use vitrine_origin_adapter::settings::Kind;

use super::evershop::Shop;
use super::{Answer, Host, Pieces, adapter, ask, request, with_body};

pub(crate) const SID: &str = "sid=abc";

pub(crate) fn open() -> (Adapter, Host, Rc<Shop>) {
    let shop = Shop::new();
    let origin = Rc::clone(&shop);
    let host = Host::new(move |sent| origin.answer(sent));
    (adapter(|s| s.shop = Kind::Evershop), host, shop)
}

pub(crate) fn json_request(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> http::Request<vitrine_origin_adapter::platform::Payload<Pieces>> {
    let mut request = with_body(request(method, path, headers), body);
    request
        .headers_mut()
        .insert("content-type", "application/json".parse().unwrap());
    request
}

pub(crate) async fn add(
    adapter: &Adapter,
    host: &Host,
    key: &str,
    sku: &str,
    quantity: u32,
) -> Answer {
    let body = format!(r#"{{"item_id":"{sku}","quantity":{quantity}}}"#);
    let headers = [("cookie", SID), ("idempotency-key", key)];
    ask(
        adapter,
        host,
        json_request("POST", "/_v/cart/items", &headers, &body),
    )
    .await
}

pub(crate) async fn put(adapter: &Adapter, host: &Host, line: &str, quantity: u32) -> Answer {
    let body = format!(r#"{{"quantity":{quantity}}}"#);
    ask(
        adapter,
        host,
        json_request(
            "PUT",
            &format!("/_v/cart/items/{line}"),
            &[("cookie", SID)],
            &body,
        ),
    )
    .await
}

pub(crate) fn read(adapter: &Adapter, host: &Host) -> Answer {
    host.run(ask(
        adapter,
        host,
        request("GET", "/_v/cart", &[("cookie", SID)]),
    ))
}
