//! What goes back to the visitor: a head, and a body that is pulled piece by piece. A door only pumps.

use bytes::Bytes;
use http::Response;

use crate::audit::sampled::Sample;
use crate::context::Closing;
use crate::encoding::{Decoder, Encoder};
use crate::html::Rewriter;
use crate::ledger;
use crate::platform::{Body, BodyError, Platform};

/// A response for the visitor.
pub type Answer<P> = Response<AnswerBody<P>>;

/// The body of an [`Answer`].
pub enum AnswerBody<P: Platform> {
    /// None.
    Empty,
    /// Bytes at hand.
    Full(Bytes),
    /// Exactly what a sibling sends. A host may splice it through without looking.
    Passed(P::Body),
    /// What a sibling sends, changed or watched on the way.
    Piped(Box<Pipe<P>>),
}

impl<P: Platform> AnswerBody<P> {
    /// Waits for the next piece. `Ok(None)` is the only proper end; after an `Err` the door breaks the
    /// connection off, so that what was sent is never taken for the whole.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, BodyError> {
        match self {
            Self::Empty => Ok(None),
            Self::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                *self = Self::Empty;
                Ok(Some(bytes).filter(|bytes| !bytes.is_empty()))
            }
            Self::Passed(body) => body.chunk().await,
            Self::Piped(pipe) => pipe.chunk().await,
        }
    }

    /// Reads the body to its end, for what that sets off, and tells how long it was.
    pub(crate) async fn drain(mut self) -> Result<u64, BodyError> {
        let mut bytes = 0;
        while let Some(piece) = self.chunk().await? {
            bytes += piece.len() as u64;
        }
        Ok(bytes)
    }
}

impl<P: Platform> std::fmt::Debug for AnswerBody<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Empty => "Empty",
            Self::Full(_) => "Full",
            Self::Passed(_) => "Passed",
            Self::Piped(_) => "Piped",
        })
    }
}

/// Keeps the bytes that were sent, for what follows when all of them were.
pub(crate) struct Collect {
    bytes: Vec<u8>,
    limit: usize,
    expected: Option<u64>,
    then: Box<dyn FnOnce(Bytes)>,
}

impl Collect {
    /// `then` is called with the whole body, unless it is longer than `limit`, breaks off, or has another
    /// length than `expected`.
    pub(crate) fn new(
        limit: u32,
        expected: Option<u64>,
        then: impl FnOnce(Bytes) + 'static,
    ) -> Self {
        Self {
            bytes: Vec::new(),
            limit: limit as usize,
            expected,
            then: Box::new(then),
        }
    }

    /// False when the body has become too long to keep.
    fn take(&mut self, piece: &[u8]) -> bool {
        if self.bytes.len() + piece.len() > self.limit {
            return false;
        }
        self.bytes.extend_from_slice(piece);
        true
    }

    fn complete(self) {
        if self
            .expected
            .is_none_or(|expected| expected == self.bytes.len() as u64)
        {
            (self.then)(Bytes::from(self.bytes));
        }
    }
}

/// Gives a collection a piece, or up.
fn take(collection: &mut Option<Collect>, piece: &[u8]) {
    if collection
        .as_mut()
        .is_some_and(|collect| !collect.take(piece))
    {
        *collection = None;
    }
}

/// Takes from a rewriter that has seen a whole page what is to be remembered.
pub(crate) type Learn = Box<dyn FnOnce(&Rewriter)>;

/// Where a piece comes from.
enum Source<B> {
    /// A sibling.
    Body(B),
    /// Nobody any more; what is held back is still to be sent.
    Ended,
    /// Nobody, and nothing is held back.
    Finished,
}

/// A body on its way through: decoded, rewritten, encoded and watched, as far as each is there.
pub struct Pipe<P: Platform> {
    /// Pieces read ahead, to see whether the body is what its label says.
    ahead: Vec<Bytes>,
    source: Source<P::Body>,
    pub(crate) decode: Option<Decoder>,
    pub(crate) rewrite: Option<Box<Rewriter>>,
    pub(crate) encode: Option<Encoder>,
    pub(crate) collect: Option<Collect>,
    /// Keeps what came, decoded and before it is rewritten.
    pub(crate) keep: Option<Collect>,
    /// What follows from what the passes have seen, once they have seen the page to its end.
    pub(crate) learn: Option<Learn>,
    /// The page before and after, for the second parser.
    pub(crate) sample: Option<Sample>,
    pub(crate) closing: Option<Closing<P>>,
    /// Whether waiting for the source shows as a pending future.
    pauses_visible: bool,
    /// Whether the encoder holds bytes that the visitor could already use.
    holding: bool,
    started: bool,
}

impl<P: Platform> Pipe<P> {
    pub(crate) fn new(platform: &P, ahead: Vec<Bytes>, source: P::Body) -> Self {
        Self::over(platform, ahead, Source::Body(source))
    }

    /// A pipe over bytes at hand.
    pub(crate) fn of_bytes(platform: &P, bytes: Bytes) -> Self {
        Self::over(platform, vec![bytes], Source::Ended)
    }

    fn over(platform: &P, ahead: Vec<Bytes>, source: Source<P::Body>) -> Self {
        Self {
            ahead,
            source,
            decode: None,
            rewrite: None,
            encode: None,
            collect: None,
            keep: None,
            learn: None,
            sample: None,
            closing: None,
            pauses_visible: platform.capabilities().pauses_visible,
            holding: false,
            started: false,
        }
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, BodyError> {
        loop {
            let piece = match self.next().await {
                Next::Pause => Ok(Some(self.flush().into())),
                Next::Piece(Ok(Some(piece))) => self.push(piece).map(Some),
                Next::Piece(Ok(None)) => self.finish().map(|rest| rest.map(Bytes::from)),
                Next::Piece(Err(error)) => Err(error),
            };
            match piece {
                Ok(Some(piece)) if piece.is_empty() => {}
                Ok(Some(piece)) => {
                    self.watch(&piece);
                    return Ok(Some(piece));
                }
                Ok(None) => {
                    self.close(None);
                    return Ok(None);
                }
                Err(error) => {
                    self.source = Source::Finished;
                    self.close(Some(&error));
                    return Err(error);
                }
            }
        }
    }

    /// The next piece, or a pause if the origin makes one while the encoder holds something back.
    async fn next(&mut self) -> Next {
        if !self.ahead.is_empty() {
            return Next::Piece(Ok(Some(self.ahead.remove(0))));
        }
        let Source::Body(source) = &mut self.source else {
            return Next::Piece(Ok(None));
        };
        let mut next = std::pin::pin!(source.chunk());
        if self.holding {
            return match futures::poll!(&mut next) {
                std::task::Poll::Ready(piece) => Next::Piece(piece),
                std::task::Poll::Pending => Next::Pause,
            };
        }
        Next::Piece(next.await)
    }

    fn push(&mut self, piece: Bytes) -> Result<Bytes, BodyError> {
        self.count_in(piece.len());
        let mut bytes = match &mut self.decode {
            Some(decode) => decode
                .write(&piece)
                .map_err(|error| BodyError(error.to_string()))?
                .into(),
            None => piece,
        };
        take(&mut self.keep, &bytes);
        if let Some(rewrite) = &mut self.rewrite {
            let before = bytes;
            bytes = rewrite.write(&before).into();
            self.keep(&before, &bytes);
        }
        let Some(encode) = &mut self.encode else {
            return Ok(bytes);
        };
        if bytes.is_empty() {
            return Ok(bytes);
        }
        let mut coded = encode.write(&bytes);
        self.holding = true;
        // The first piece carries the head, with what the browser fetches next: it does not wait.
        if !self.started || !self.pauses_visible {
            self.started = true;
            coded.extend(self.flush());
        }
        Ok(coded.into())
    }

    fn flush(&mut self) -> Vec<u8> {
        self.holding = false;
        self.encode.as_mut().map(Encoder::flush).unwrap_or_default()
    }

    /// What is left when the source has ended; `None` when nothing is.
    fn finish(&mut self) -> Result<Option<Vec<u8>>, BodyError> {
        if let Source::Finished = std::mem::replace(&mut self.source, Source::Finished) {
            return Ok(None);
        }
        self.holding = false;
        let mut rest = match self.decode.take() {
            Some(decode) => decode
                .finish()
                .map_err(|error| BodyError(error.to_string()))?,
            None => Vec::new(),
        };
        take(&mut self.keep, &rest);
        if let Some(mut rewrite) = self.rewrite.take() {
            let mut rewritten = rewrite.write(&rest);
            rewritten.extend(rewrite.end());
            self.keep(&rest, &rewritten);
            if let Some(sample) = &mut self.sample {
                sample.end(&rewrite);
            }
            self.note_passes(&rewrite);
            if let Some(learn) = self.learn.take() {
                learn(&rewrite);
            }
            rest = rewritten;
        }
        if let Some(mut encode) = self.encode.take() {
            let mut coded = encode.write(&rest);
            coded.extend(encode.finish());
            rest = coded;
        }
        Ok(Some(rest))
    }

    /// Keeps a piece of a sampled page, as long as it is not too long.
    fn keep(&mut self, before: &[u8], after: &[u8]) {
        if let Some(sample) = &mut self.sample
            && !sample.take(before, after)
        {
            self.sample = None;
        }
    }

    fn watch(&mut self, piece: &[u8]) {
        if let Some(closing) = &mut self.closing {
            *closing.entry.bytes_out.get_or_insert(0) += piece.len() as u64;
        }
        take(&mut self.collect, piece);
    }

    fn close(&mut self, error: Option<&BodyError>) {
        let collected = [self.collect.take(), self.keep.take()];
        if error.is_none() {
            collected.into_iter().flatten().for_each(Collect::complete);
        }
        if let (Some(sample), None) = (self.sample.take(), error) {
            sample.complete();
        }
        if let Some(mut closing) = self.closing.take() {
            if let Some(error) = error {
                closing.entry.error = Some(error.to_string());
            }
            closing.record();
        }
    }

    fn count_in(&mut self, bytes: usize) {
        if let Some(closing) = &mut self.closing {
            *closing.entry.bytes_in.get_or_insert(0) += bytes as u64;
        }
    }

    fn note_passes(&mut self, rewrite: &Rewriter) {
        if let Some(closing) = &mut self.closing {
            closing.entry.passes = ledger::passes(rewrite);
            closing.entry.error = rewrite
                .bailed_out()
                .map(|reason| format!("rewriting stopped: {reason}"));
        }
    }
}

impl<P: Platform> Drop for Pipe<P> {
    /// The visitor left before the end: the ledger says so.
    fn drop(&mut self) {
        if let Some(mut closing) = self.closing.take() {
            if let Some(rewrite) = self.rewrite.take() {
                closing.entry.passes = ledger::passes(&rewrite);
            }
            closing.entry.error = Some("the visitor left before the end".into());
            closing.record();
        }
    }
}

enum Next {
    Pause,
    Piece(Result<Option<Bytes>, BodyError>),
}
