//! The streaming rewriter: the one place that touches `lol_html`.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use http::{HeaderName, HeaderValue};
use lol_html::errors::RewritingError;
use lol_html::html_content::Element;
use lol_html::{
    AsciiCompatibleEncoding, ElementContentHandlers, HtmlRewriter, MemorySettings, OutputSink,
    Settings,
};

use super::image_preload::ImagePreload;
use super::page::{Page, PageFacts};
use super::passes::Config;
use super::passes::css::Linked;
use super::sniff::{Sniffer, Verdict};

mod encoding;
mod selectors;
mod stream;

use stream::{Rest, Slot, Stream};

/// What the rewriter may use.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most memory the parser may hold, in bytes: unfinished tags and the stack of open elements.
    ///
    /// ### Default
    /// 1 MiB: an inline image of 700 KB still parses, and a guest with 64 MiB is never in danger.
    pub memory: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: 1 << 20 }
    }
}

/// Bytes given to the parser at once. It copies a whole piece behind an unfinished tag, so this bounds
/// that copy.
const PIECE: usize = 16 << 10;

/// Bytes that a piece is expected to grow by at most: room for them is made before it is read.
const HEADROOM: usize = 1 << 10;

/// What became of a pass on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It ran, and changed this many places.
    Applied(u32),
    /// It did nothing, and why.
    Skipped(Cow<'static, str>),
}

/// One pass's account of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassReport {
    /// The pass.
    pub pass: &'static str,
    /// What became of it.
    pub outcome: Outcome,
    /// Particulars for `explain`: which element, which rule, why it was left.
    pub notes: Vec<String>,
    /// Bytes that it added to the page, less those that it took away.
    pub bytes: i64,
    /// Microseconds that it took, where time was taken (see [`PageFacts::clock`]).
    pub micros: Option<u64>,
}

/// Streams one page through the passes.
pub struct Rewriter {
    phase: Phase,
    stream: Rc<RefCell<Stream>>,
    output: Rc<RefCell<Vec<u8>>>,
    limits: Limits,
    /// The document is a page, and passes have seen of it.
    begun: bool,
    bailed_out: Option<String>,
}

enum Phase {
    /// The first tag has not come yet.
    Sniffing(Sniffer),
    Rewriting(Box<HtmlRewriter<'static, Output>>),
    /// Everything passes as it is.
    Raw,
}

/// Where the parser writes to.
struct Output(Rc<RefCell<Vec<u8>>>);

impl OutputSink for Output {
    fn handle_chunk(&mut self, chunk: &[u8]) {
        self.0.borrow_mut().extend_from_slice(chunk);
    }
}

impl Rewriter {
    /// Decides, for each pass, whether it applies to the page.
    pub fn new(config: &Config, facts: PageFacts) -> Self {
        Self::with_limits(config, facts, Limits::default())
    }

    /// Like [`Rewriter::new`], with limits of one's own.
    pub fn with_limits(config: &Config, facts: PageFacts, limits: Limits) -> Self {
        let content_type = encoding::ContentType::of(&facts.headers);
        let slots = config
            .decide(&facts)
            .into_iter()
            .map(|(name, contract, decision)| Slot::new(name, contract, decision))
            .collect();
        let mut stream = Stream::new(Page::new(facts), slots);
        let phase = match content_type.obstacle() {
            Some(reason) => {
                stream.skip_all(reason);
                Phase::Raw
            }
            None if stream.is_idle() => {
                stream.skip_all("no pass would change the page");
                Phase::Raw
            }
            None => Phase::Sniffing(Sniffer::new()),
        };
        Self {
            phase,
            stream: Rc::new(RefCell::new(stream)),
            output: Rc::default(),
            limits,
            begun: false,
            bailed_out: None,
        }
    }

    /// Whether the page is, or may yet be, changed. Where this is false before the head of the response is
    /// sent, the body passes byte for byte and every header may stay. It may turn false with the first
    /// bytes ([`Rewriter::write`]), which tell a page from a fragment.
    pub fn active(&self) -> bool {
        self.begun || !matches!(self.phase, Phase::Raw)
    }

    /// What passes add to the head of the response. Asked once, before the head is sent.
    pub fn response_headers(&mut self) -> Vec<(HeaderName, HeaderValue)> {
        self.stream.borrow_mut().response_headers()
    }

    /// Takes a piece of the body and returns what can be sent now. Never fails: after a bail-out the rest
    /// passes as it is.
    pub fn write(&mut self, chunk: &[u8]) -> Vec<u8> {
        if matches!(self.phase, Phase::Raw) {
            return chunk.to_vec();
        }
        self.output.borrow_mut().reserve(chunk.len() + HEADROOM);
        match &mut self.phase {
            Phase::Raw => {}
            Phase::Sniffing(sniffer) => {
                let verdict = sniffer.push(chunk);
                self.follow(&verdict);
            }
            Phase::Rewriting(_) => self.rewrite(chunk),
        }
        std::mem::take(&mut self.output.borrow_mut())
    }

    /// Ends the body and returns its last bytes.
    pub fn end(&mut self) -> Vec<u8> {
        match std::mem::replace(&mut self.phase, Phase::Raw) {
            Phase::Raw => {}
            Phase::Sniffing(mut sniffer) => {
                self.emit(&sniffer.take_all());
                self.stream
                    .borrow_mut()
                    .skip_all("not a full page: it has no tag");
            }
            Phase::Rewriting(parser) => match parser.end() {
                Ok(()) => {
                    let mut stream = self.stream.borrow_mut();
                    match stream.given_up {
                        // Given up behind the last tag that is looked at.
                        Some(reason) => {
                            self.bailed_out = Some(reason.to_owned());
                            stream.finish();
                        }
                        None => stream.document_end(),
                    }
                }
                Err(error) => self.stop(&error),
            },
        }
        std::mem::take(&mut self.output.borrow_mut())
    }

    /// One report per registered pass, in order.
    pub fn reports(&self) -> Vec<PassReport> {
        self.stream
            .borrow()
            .slots
            .iter()
            .map(Slot::report)
            .collect()
    }

    /// Hinted addresses that the page, seen to its end, no longer has.
    pub fn stale(&self) -> Vec<String> {
        let stream = self.stream.borrow();
        let stale = stream.slots.iter().flat_map(|slot| &slot.receipt().stale);
        stale.cloned().collect()
    }

    /// The preloads of images that the page, seen to its end, needs, where they are others than was known of it.
    pub fn preloads(&self) -> Option<Vec<ImagePreload>> {
        let stream = self.stream.borrow();
        stream
            .slots
            .iter()
            .find_map(|slot| slot.receipt().preloads.clone())
    }

    /// Style sheets of the shop that the page links.
    pub fn sheets(&self) -> Vec<Linked> {
        let stream = self.stream.borrow();
        let sheets = stream.slots.iter().flat_map(|slot| &slot.receipt().sheets);
        sheets.cloned().collect()
    }

    /// What shows that the page takes payments, if something does.
    pub fn payment(&self) -> Option<String> {
        let stream = self.stream.borrow();
        stream
            .slots
            .iter()
            .find_map(|slot| slot.receipt().payment.clone())
    }

    /// The page's scripts, where they were listed (see [`PageFacts::observed`]).
    pub fn scripts(&self) -> Vec<String> {
        let stream = self.stream.borrow();
        let scripts = stream.slots.iter().flat_map(|slot| &slot.receipt().scripts);
        scripts.cloned().collect()
    }

    /// Why rewriting was given up within the page, if it was.
    pub fn bailed_out(&self) -> Option<&str> {
        self.bailed_out.as_deref()
    }

    fn follow(&mut self, verdict: &Verdict) {
        let Phase::Sniffing(sniffer) = &mut self.phase else {
            return;
        };
        match *verdict {
            Verdict::Undecided { passed } => {
                let passed = sniffer.take(passed);
                self.emit(&passed);
                self.stream.borrow_mut().preamble += passed.len();
            }
            Verdict::NotAPage(reason) => {
                let held = sniffer.take_all();
                self.emit(&held);
                self.stream.borrow_mut().skip_all(reason);
                self.phase = Phase::Raw;
            }
            Verdict::Page { start, utf8_bom } => {
                let before = sniffer.take(start);
                let rest = sniffer.take_all();
                self.emit(&before);
                self.stream.borrow_mut().preamble += before.len();
                self.begun = true;
                self.phase = Phase::Rewriting(Box::new(self.parser(utf8_bom)));
                self.rewrite(&rest);
            }
        }
    }

    fn rewrite(&mut self, bytes: &[u8]) {
        let mut pieces = bytes.chunks(PIECE);
        while let Phase::Rewriting(parser) = &mut self.phase
            && let Some(piece) = pieces.next()
        {
            self.stream.borrow_mut().script.begin(piece);
            let result = parser.write(piece);
            self.stream.borrow_mut().script.finish();
            if let Err(error) = result {
                // The parser has written out everything it was given; it must not be used again.
                self.stop(&error);
                self.phase = Phase::Raw;
            }
        }
        for piece in pieces {
            self.emit(piece);
        }
    }

    fn emit(&self, bytes: &[u8]) {
        self.output.borrow_mut().extend_from_slice(bytes);
    }

    /// The parser has stopped within the page: as asked, or because it had to.
    fn stop(&mut self, error: &RewritingError) {
        let mut stream = self.stream.borrow_mut();
        self.bailed_out = match error {
            RewritingError::ContentHandlerError(error) if error.is::<Rest>() => {
                stream.given_up.map(str::to_owned)
            }
            RewritingError::MemoryLimitExceeded(_) => Some("memory limit".to_owned()),
            other => Some(other.to_string()),
        };
        if self.bailed_out.is_none() {
            // No pass acts on the rest: what they have seen is all that they look at.
            stream.document_end();
        }
        stream.finish();
    }

    fn parser(&self, utf8_bom: bool) -> HtmlRewriter<'static, Output> {
        let (encoding, from_meta) = {
            let mut stream = self.stream.borrow_mut();
            let declared = encoding::ContentType::of(&stream.page.facts.headers);
            let settled = utf8_bom || declared.charset().is_some();
            stream.page.charset_settled = settled;
            let encoding = if utf8_bom { None } else { declared.charset() };
            (
                encoding.unwrap_or_else(AsciiCompatibleEncoding::utf_8),
                !settled,
            )
        };
        let mut settings = Settings::new()
            .with_strict(false)
            .with_encoding(encoding)
            .with_adjust_charset_on_meta_tag(from_meta)
            .with_graceful_bail_out_on_content_handler_error(true)
            .with_memory_settings(
                MemorySettings::new()
                    .with_max_allowed_memory_usage(self.limits.memory)
                    .with_preallocated_parsing_buffer_size(self.limits.memory.min(1024))
                    .with_graceful_bail_out_on_memory_limit_exceeded(true),
            );
        let marks = self.stream.borrow().marks();
        for (selector, mark) in &marks {
            let (mark, stream) = (*mark, Rc::clone(&self.stream));
            settings = settings.append_element_content_handler((
                Cow::Borrowed(&**selector),
                ElementContentHandlers::default().element(move |element: &mut Element<'_, '_>| {
                    Stream::mark(&stream, element, mark);
                    Ok(())
                }),
            ));
        }
        let every = selectors::parsed("*");
        if let Some(every) = &every {
            let stream = Rc::clone(&self.stream);
            settings = settings.append_element_content_handler((
                Cow::Borrowed(&**every),
                ElementContentHandlers::default().element(move |element: &mut Element<'_, '_>| {
                    Stream::element(&stream, element)
                }),
            ));
        }
        HtmlRewriter::new(settings, Output(Rc::clone(&self.output)))
    }
}
