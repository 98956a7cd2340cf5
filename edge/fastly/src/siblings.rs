//! The calls that Spin chains from `edge` to its siblings, as function calls.

use bytes::Bytes;
use http::{Request, Response};
use vitrine_edge::platform::{FetchError, Payload, Service};

use crate::body::Incoming;

/// `edge` asks the shop, through the adapter.
pub(crate) async fn origin(
    request: Request<Payload<Incoming>>,
) -> Result<Response<Incoming>, FetchError> {
    let request = request.map(|payload| match payload {
        Payload::Empty => Incoming::Full(Bytes::new()),
        Payload::Full(bytes) => Incoming::Full(bytes),
        Payload::Stream(body) => body,
    });
    crate::adapter::fetch(request)
        .await
        .map_err(|reason| FetchError::Unreachable(Service::Origin, reason))
}

/// `edge` asks for better bytes.
pub(crate) async fn optimizer(
    request: Request<Payload<Incoming>>,
) -> Result<Response<Incoming>, FetchError> {
    let broken = |reason| FetchError::Unreachable(Service::Optimizer, reason);
    let (head, payload) = request.into_parts();
    let source = match payload {
        Payload::Empty => Bytes::new(),
        Payload::Full(bytes) => bytes,
        Payload::Stream(mut body) => {
            let mut source = Vec::new();
            // One byte past the limit is enough for the optimizer to see that there is too much.
            while source.len() <= vitrine_optimizer::limits::SOURCE_BYTES {
                match body.next().map_err(broken)? {
                    Some(piece) => source.extend_from_slice(&piece),
                    None => break,
                }
            }
            Bytes::from(source)
        }
    };
    let answer = vitrine_optimizer::respond(&Request::from_parts(head, source));
    Ok(answer.map(Incoming::Full))
}
