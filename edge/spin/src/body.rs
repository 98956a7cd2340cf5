//! Bodies from a visitor and from siblings.

use std::pin::Pin;

use bytes::Bytes;
use http_body::Body as _;
use vitrine_edge::platform::{Body, BodyError};
use wasip3::http_compat::{IncomingRequestBody, IncomingResponseBody};

pub(crate) enum Incoming {
    Request(IncomingRequestBody),
    Response(IncomingResponseBody),
}

impl Body for Incoming {
    async fn chunk(&mut self) -> Result<Option<Bytes>, BodyError> {
        loop {
            let frame = std::future::poll_fn(|context| match self {
                Self::Request(body) => Pin::new(body).poll_frame(context),
                Self::Response(body) => Pin::new(body).poll_frame(context),
            });
            match frame.await {
                None => return Ok(None),
                Some(Err(error)) => return Err(BodyError(error.to_string())),
                // Trailers carry nothing for a browser.
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(piece) if !piece.is_empty() => return Ok(Some(piece)),
                    _ => {}
                },
            }
        }
    }
}
