use super::*;

fn shop() -> EverShop {
    EverShop::new(Currency::parse("USD").unwrap())
}

/// The answer's shape, with the numbers as they come: integers, floats, sums of floats.
const CART: &str = r#"{"data":{"myCart":{"currency":"EUR","subTotal":{"value":89.97},
  "discountAmount":{"value":8.997},"shippingFeeExclTax":{"value":5},"totalTaxAmount":{"value":16.340000000000003},
  "grandTotal":{"value":102.313},"items":[
    {"uuid":"1ee65d2e-5aac-4e4b-9bd6-8edd7e62444c","productSku":"CUP","productName":"A \"cup\"",
     "thumbnail":"/assets/cup.jpg","productUrl":"/cup","qty":3,"finalPrice":{"value":29.99},
     "lineTotal":{"value":89.97},"errors":["We do not have enough stock"]},
    {"uuid":"b","productSku":"GIFT","productName":null,"thumbnail":null,"productUrl":null,"qty":1,
     "finalPrice":{"value":0},"lineTotal":{"value":0},"errors":null}]}}}"#;

#[test]
fn a_cart_is_read_into_minor_units() {
    let cart = shop().parse_cart(CART.as_bytes()).unwrap();
    assert_eq!(cart.currency.code(), "EUR");
    let totals: Vec<_> = cart
        .totals
        .iter()
        .map(|total| (total.kind, total.amount))
        .collect();
    assert_eq!(
        totals,
        [
            ("subtotal", 8997),
            ("discount", -900),
            ("fulfillment", 500),
            ("tax", 1634),
            ("total", 10231)
        ]
    );
    let cup = &cart.line_items[0];
    assert_eq!(
        (
            cup.item.id.as_str(),
            cup.item.title.as_str(),
            cup.item.price
        ),
        ("CUP", "A \"cup\"", 2999)
    );
    assert_eq!((cup.quantity, cup.totals[0].amount), (3, 8997));
    assert_eq!(cart.line_items[1].item.title, "GIFT");
    let body = String::from_utf8(cart.body().to_vec()).unwrap();
    assert!(
        body.contains(r#""messages":[{"type":"error","code":"out_of_stock""#),
        "{body}"
    );
    assert!(body.contains(r#""path":"$.line_items[0]""#));
}

#[test]
fn no_cart_is_an_empty_cart_and_no_answer_is_an_error() {
    assert_eq!(
        shop().parse_cart(br#"{"data":{"myCart":null}}"#).unwrap(),
        shop().empty()
    );
    for odd in [
        &br#"{"data":{}}"#[..],
        br#"{"errors":[{"message":"no"}]}"#,
        b"<html>",
        br#"{"data":{"myCart":{"currency":"EUR"}}}"#,
    ] {
        assert!(shop().parse_cart(odd).is_err());
    }
}

#[test]
fn the_session_is_found_among_other_cookies() {
    let mut headers = HeaderMap::new();
    headers.append(
        header::COOKIE,
        HeaderValue::from_static("asid=admin; theme=1"),
    );
    headers.append(
        header::COOKIE,
        HeaderValue::from_static("x=sid=no;  sid=s%3Aabc.d%2Be"),
    );
    assert_eq!(
        shop().session(&headers).unwrap().cookie,
        "sid=s%3Aabc.d%2Be"
    );
    headers.clear();
    headers.append(header::COOKIE, HeaderValue::from_static("sid=; asid=1"));
    assert_eq!(shop().session(&headers), None);
}

#[test]
fn quantities_change_by_their_difference() {
    let cart = shop().parse_cart(CART.as_bytes()).unwrap();
    let line = &cart.line_items[0];
    let body = |quantity| {
        let call = shop().change(Change::Set { line, quantity });
        assert_eq!(
            (call.method, call.path.as_str()),
            (
                Method::PATCH,
                "/api/cart/mine/items/1ee65d2e-5aac-4e4b-9bd6-8edd7e62444c"
            )
        );
        assert!(!call.reads);
        serde_json::from_slice::<serde_json::Value>(&call.body.unwrap()).unwrap()
    };
    assert_eq!(
        body(5),
        serde_json::json!({ "action": "increase", "qty": 2 })
    );
    assert_eq!(
        body(1),
        serde_json::json!({ "action": "decrease", "qty": 2 })
    );
}

#[test]
fn an_item_id_cannot_leave_its_place_in_the_body() {
    let call = shop().change(Change::Add {
        item_id: "a\",\"qty\":99,\"x\":\"",
        quantity: 1,
    });
    let body: serde_json::Value = serde_json::from_slice(&call.body.unwrap()).unwrap();
    assert_eq!(
        body,
        serde_json::json!({ "sku": "a\",\"qty\":99,\"x\":\"", "qty": 1 })
    );
}

#[test]
fn refusals_are_told_apart_by_their_sentence() {
    let refusal = |status: u16, message: &str| {
        let body =
            serde_json::json!({ "error": { "status": status, "message": message } }).to_string();
        let problem = shop().refusal(StatusCode::from_u16(status).unwrap(), body.as_bytes());
        problem.map(|problem| (problem.status.as_u16(), problem.code))
    };
    assert_eq!(
        refusal(400, "Product not found"),
        Some((422, "item_unavailable"))
    );
    assert_eq!(
        refusal(500, "We do not have enough stock"),
        Some((409, "out_of_stock"))
    );
    assert_eq!(
        refusal(500, "Item not found"),
        Some((404, "line_not_found"))
    );
    assert_eq!(
        refusal(400, "Something else"),
        Some((422, "item_unavailable"))
    );
    assert_eq!(
        refusal(500, "connect ECONNREFUSED"),
        None,
        "may have had an effect"
    );
    assert_eq!(shop().refusal(StatusCode::BAD_GATEWAY, b"<html>"), None);
    let slow = shop().refusal(StatusCode::TOO_MANY_REQUESTS, b"").unwrap();
    assert_eq!((slow.code, slow.retry_after_s), ("rate_limited", Some(10)));
}
