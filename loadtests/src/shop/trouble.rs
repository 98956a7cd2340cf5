//! Bodies that pause, break off or never end, as a fault asks.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http::{Response, header};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;

use super::Shop;
use super::faults::Body as Trouble;
use super::serve::Body;

enum Step {
    Send(Bytes),
    /// Writes down when the bytes before this step were handed over.
    Note,
    Wait(Duration),
    Break,
}

/// Replaces a body by the troubled one. A break keeps the stated length, so that a client can tell.
pub(crate) fn apply(
    shop: &Arc<Shop>,
    number: u64,
    answer: Response<Bytes>,
    trouble: Trouble,
) -> Response<Body> {
    let (mut parts, whole) = answer.into_parts();
    let middle = whole.len() / 2;
    let (first, rest) = match trouble {
        Trouble::SlowHead(_) => split(&whole, head_end(&whole)),
        _ => split(&whole, middle),
    };
    let steps = match trouble {
        Trouble::Whole => vec![Step::Send(whole)],
        Trouble::SlowHead(wait) | Trouble::Half(wait) => {
            parts.headers.remove(header::CONTENT_LENGTH);
            vec![
                Step::Note,
                Step::Send(first),
                Step::Wait(wait),
                Step::Note,
                Step::Send(rest),
            ]
        }
        Trouble::Truncate => vec![
            Step::Send(first),
            Step::Wait(Duration::from_millis(20)),
            Step::Break,
        ],
        Trouble::Stall => vec![Step::Note, Step::Send(first), Step::Wait(Duration::MAX)],
    };
    let state = (steps.into_iter(), Arc::clone(shop), number);
    let pieces = stream::unfold(state, |(mut steps, shop, number)| async move {
        loop {
            let frame = match steps.next()? {
                Step::Note => {
                    shop.log.sent(number);
                    continue;
                }
                Step::Wait(Duration::MAX) => std::future::pending().await,
                Step::Wait(wait) => {
                    tokio::time::sleep(wait).await;
                    continue;
                }
                Step::Send(bytes) => Ok(Frame::data(bytes)),
                Step::Break => Err(io::Error::other("broken off on demand")),
            };
            return Some((frame, (steps, shop, number)));
        }
    });
    Response::from_parts(parts, StreamBody::new(pieces).boxed_unsync())
}

fn split(whole: &Bytes, at: usize) -> (Bytes, Bytes) {
    (whole.slice(..at), whole.slice(at..))
}

/// Where the document's `<head>` starts to have content, or the first kilobyte of anything else.
fn head_end(whole: &Bytes) -> usize {
    const MARK: &[u8] = b"</title>";
    let found = whole
        .windows(MARK.len())
        .take(4096)
        .position(|window| window == MARK);
    found.map_or(whole.len().min(1024), |at| at + MARK.len())
}
