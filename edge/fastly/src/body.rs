//! Bodies in, piece by piece.

use std::io::BufRead;

use bytes::Bytes;
use vitrine_edge::platform::{Body, BodyError};

/// A body from a visitor or a backend, or one made by a component in this module.
pub(crate) enum Incoming {
    /// Read from the host as it arrives.
    Host(fastly::Body),
    /// At hand.
    Full(Bytes),
}

impl Incoming {
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, String> {
        match self {
            Self::Host(body) => {
                let piece = body.fill_buf().map_err(|error| error.to_string())?;
                let piece = Bytes::copy_from_slice(piece);
                body.consume(piece.len());
                Ok((!piece.is_empty()).then_some(piece))
            }
            Self::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                Ok((!bytes.is_empty()).then_some(bytes))
            }
        }
    }
}

impl Body for Incoming {
    async fn chunk(&mut self) -> Result<Option<Bytes>, BodyError> {
        self.next().map_err(BodyError)
    }
}
