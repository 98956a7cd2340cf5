//! Bodies from a visitor and from siblings.

use std::future::{Future, poll_fn};
use std::pin::Pin;

use bytes::Bytes;
use vitrine_edge::platform::{Body, BodyError};
use wasip3::http::types::{ErrorCode, Request, Response, Trailers};
use wasip3::http_compat::{IncomingRequestBody, IncomingResponseBody};
use wasip3::wit_bindgen::{FutureReader, FutureWriter, StreamReader, StreamResult};
use wasip3::wit_future;

/// Most bytes taken over at once. Each time costs the same, whatever it brings: a page of 100 KB comes in two or three.
const PIECE: usize = 64 << 10;

pub(crate) enum Incoming {
    /// Nothing of it has been read.
    Request(IncomingRequestBody),
    /// Nothing of it has been read.
    Response(IncomingResponseBody),
    /// A piece is being read. What is asked for again after a pause is this very piece.
    Reading(Pin<Box<dyn Future<Output = Read>>>),
    Ended,
}

pub(crate) enum Read {
    Piece(Vec<u8>, Open),
    End(Result<Option<Trailers>, ErrorCode>),
}

/// A body that is being read.
pub(crate) struct Open {
    stream: StreamReader<u8>,
    trailers: FutureReader<Result<Option<Trailers>, ErrorCode>>,
    /// Tells the sender, by being dropped, that nothing more is wanted.
    received: FutureWriter<Result<(), ErrorCode>>,
}

impl Incoming {
    /// The visitor's request, if nothing of its body has been read: the host passes it on by itself.
    pub(crate) fn take_request(&mut self) -> Option<Request> {
        match self {
            Self::Request(body) => body.take_unstarted(),
            _ => None,
        }
    }

    /// A sibling's response, if nothing of its body has been read.
    pub(crate) fn take_response(&mut self) -> Option<Response> {
        match self {
            Self::Response(body) => body.take_unstarted(),
            _ => None,
        }
    }

    fn open(&mut self) -> Option<Open> {
        let (received, reader) = wit_future::new(|| Ok(()));
        let (stream, trailers) = match (self.take_request(), self.take_response()) {
            (Some(request), _) => Request::consume_body(request, reader),
            (_, Some(response)) => Response::consume_body(response, reader),
            _ => return None,
        };
        Some(Open {
            stream,
            trailers,
            received,
        })
    }
}

impl Open {
    async fn read(mut self) -> Read {
        let (result, piece) = self.stream.read(Vec::with_capacity(PIECE)).await;
        match result {
            // Trailers carry nothing for a browser, but say whether what came was all.
            StreamResult::Dropped if piece.is_empty() => {
                let end = self.trailers.await;
                drop(self.received);
                Read::End(end)
            }
            _ => Read::Piece(piece, self),
        }
    }
}

impl Body for Incoming {
    async fn chunk(&mut self) -> Result<Option<Bytes>, BodyError> {
        loop {
            let Self::Reading(reading) = self else {
                *self = match self.open() {
                    Some(open) => Self::Reading(Box::pin(open.read())),
                    None => return Ok(None),
                };
                continue;
            };
            match poll_fn(|context| reading.as_mut().poll(context)).await {
                Read::Piece(piece, open) => {
                    *self = Self::Reading(Box::pin(open.read()));
                    if !piece.is_empty() {
                        return Ok(Some(piece.into()));
                    }
                }
                Read::End(end) => {
                    *self = Self::Ended;
                    return match end {
                        Ok(_) => Ok(None),
                        Err(error) => Err(BodyError(error.to_string())),
                    };
                }
            }
        }
    }
}
