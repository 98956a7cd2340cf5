//! `/_v/cart`
use http::{Request, Response, StatusCode};
use crate::adapter::{Adapter, Visitor};
use crate::platform::{Payload, Platform};
use crate::problem::Problem;

pub(crate) async fn respond<P: Platform>(
    adapter: &Adapter,
    _platform: &P,
    _visitor: &Visitor,
    _request: Request<Payload<P::Body>>,
) -> Response<Payload<P::Body>> {
    Problem::new(
        StatusCode::NOT_IMPLEMENTED,
        "cart_not_supported",
        format!("Shops of the kind `{}` have no cart API.", adapter.shop().name()),
    )
    .response()
}
