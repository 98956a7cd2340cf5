//! A request body on its way in, which a component may leave unread.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::runtime::Handle;
use wasmtime_wasi_http::Error;

use super::limits;

/// The body of a client's request.
///
/// A component that answers before it has read everything drops the rest. Most clients read the answer only when they
/// have sent all, and take a connection that ends before for a failure; so the rest is read and thrown away, as far as
/// the limits go.
pub(crate) struct Upload {
    inner: Option<Incoming>,
    /// The client sends the body anyway: it has begun, or waits for nobody's leave.
    comes: bool,
}

impl Upload {
    pub(crate) fn new(headers: &HeaderMap, inner: Incoming) -> Self {
        Self {
            inner: Some(inner),
            comes: !headers.contains_key(header::EXPECT),
        }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.comes = true;
        match &mut self.inner {
            Some(inner) => Pin::new(inner)
                .poll_frame(cx)
                .map(|frame| frame.map(|result| result.map_err(Error::from))),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner
            .as_ref()
            .map_or_else(SizeHint::default, Incoming::size_hint)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let rest = self
            .inner
            .take()
            .filter(|rest| self.comes && !rest.is_end_stream());
        // Without a runtime the process is about to end.
        if let (Some(rest), Ok(runtime)) = (rest, Handle::try_current()) {
            runtime.spawn(tokio::time::timeout(limits::UNREAD_TIME, drain(rest)));
        }
    }
}

async fn drain(mut rest: Incoming) {
    let mut left = limits::UNREAD_BYTES;
    while let Some(Ok(frame)) = rest.frame().await {
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(bytes) {
            Some(fewer) => left = fewer,
            None => return,
        }
    }
}
