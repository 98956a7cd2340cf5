//! What the parser's handlers share while a page streams: where in the document they are, and the passes.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use lol_html::html_content::{ContentType, Element, EndTag};
use lol_html::{HandlerResult, Selector};

use http::{HeaderName, HeaderValue};

use super::super::page::{Exception, Page};
use super::super::passes::{Contract, Decision, Edit, Pass, Receipt, opt_outs};
use super::super::tag::{Picture, Tag};
use super::{Outcome, PassReport, selectors};

/// Whether every pass sees an element.
fn is_common(name: &str) -> bool {
    matches!(
        name,
        "base" | "iframe" | "img" | "link" | "meta" | "script" | "style" | "title"
    )
}

/// Whether a browser does not act on what it finds in an element.
fn is_inert(name: &str) -> bool {
    matches!(name, "template" | "svg" | "math")
}

/// The element in which the parser and a browser can read the same text differently.
const AMBIGUOUS: &str = "select";

/// Whether they read an element in there so.
fn is_read_in_two_ways(name: &str) -> bool {
    matches!(
        name,
        "title"
            | "style"
            | "iframe"
            | "xmp"
            | "noembed"
            | "noframes"
            | "noscript"
            | "plaintext"
            | "textarea"
    )
}

/// Longest inline script that passes are shown, in bytes. Of a longer one they see the beginning.
const MAX_INLINE_SCRIPT: usize = 256 << 10;

/// The browser looks for a `<meta charset>` in this many first bytes of a document.
const CHARSET_PRESCAN: usize = 1024;

/// What a selector match is remembered as.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mark {
    /// Left alone by some passes: the index of the exception.
    Exception(usize),
    /// A selector of a pass: pass index and selector index.
    Selector(usize, usize),
}

/// A pass, and what has become of it.
pub(super) struct Slot {
    name: &'static str,
    contract: &'static Contract,
    pass: Option<Box<dyn Pass>>,
    receipt: Receipt,
    /// Names of elements that the pass sees beside the common ones.
    elements: &'static [&'static str],
    reads_inline_scripts: bool,
    /// Exceptions that name the pass, by index.
    exceptions: Vec<usize>,
}

impl Slot {
    pub(super) fn new(name: &'static str, contract: &'static Contract, decision: Decision) -> Self {
        let mut receipt = Receipt::default();
        let pass = match decision {
            Decision::Apply(pass) => Some(pass),
            Decision::Skip(reason) => {
                receipt.stop(reason);
                None
            }
        };
        Self {
            name,
            contract,
            elements: pass.as_ref().map_or(&[], |pass| pass.elements()),
            reads_inline_scripts: pass
                .as_ref()
                .is_some_and(|pass| pass.reads_inline_scripts()),
            exceptions: Vec::new(),
            pass,
            receipt,
        }
    }

    /// Lets the pass act, if it is still at it, and takes its time. What it finds out for the others is the
    /// page's from then on.
    fn act<R>(
        &mut self,
        page: &mut Page,
        act: impl FnOnce(&mut dyn Pass, &Page, &mut Receipt) -> R,
    ) -> Option<R> {
        if let Some(optimiser) = page.other_optimiser
            && self.contract.edits.contains(&Edit::MovesScripts)
        {
            self.end(|| format!("another optimiser is at work: {optimiser}"));
        }
        let pass = self.pass.as_mut()?;
        let begun = page.facts.clock.as_ref().map(|clock| clock.0());
        let result = act(pass.as_mut(), page, &mut self.receipt);
        if let (Some(clock), Some(begun)) = (&page.facts.clock, begun) {
            let took = clock.0().saturating_sub(begun);
            *self.receipt.micros.get_or_insert(0) += took;
        }
        page.other_optimiser = page.other_optimiser.or(self.receipt.other_optimiser);
        Some(result)
    }

    /// Ends the pass, if it is still at it.
    fn end<S: Into<Cow<'static, str>>>(&mut self, reason: impl FnOnce() -> S) {
        if self.pass.take().is_some() {
            self.receipt.stop(reason());
        }
    }

    pub(super) fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    pub(super) fn report(&self) -> PassReport {
        let outcome = match &self.receipt {
            Receipt {
                applied: 0,
                stopped: Some(reason),
                ..
            } => Outcome::Skipped(reason.clone()),
            receipt => Outcome::Applied(receipt.applied),
        };
        PassReport {
            pass: self.name,
            outcome,
            notes: self.receipt.notes.clone(),
            bytes: self.receipt.bytes,
            micros: self.receipt.micros,
        }
    }
}

/// What the handlers share.
pub(super) struct Stream {
    pub(super) page: Page,
    pub(super) slots: Vec<Slot>,
    pub(super) script: InlineScript,
    /// Bytes before the document's first tag, where the parser begins.
    pub(super) preamble: usize,
    /// Why passes see nothing from here on.
    pub(super) given_up: Option<&'static str>,
    /// Names of elements that some pass sees beside the common ones.
    elements: Vec<&'static str>,
    /// What selectors have said of the element at hand.
    here: Here,
    /// How many open elements opt out.
    opt_outs: usize,
    /// How many open elements each exception covers.
    excepted: Vec<usize>,
    /// How many elements are open whose content a browser does not act on.
    inert: usize,
    /// Open elements in which the parser and a browser can read the same text differently.
    ambiguous: usize,
    picture: Option<Picture>,
}

/// What selectors have said of one element.
#[derive(Default)]
struct Here {
    /// Where its tag begins.
    offset: usize,
    /// Selectors of passes that matched it: pass index and selector index.
    matched: Vec<(usize, usize)>,
    /// Exceptions that cover it, where it has no content.
    excepted: Vec<usize>,
}

impl Here {
    /// Forgets what was said of an element before the one whose tag begins there: not every element that a
    /// selector matches is one that passes see.
    fn be_at(&mut self, element: &Element<'_, '_>) {
        let offset = element.source_location().bytes().start;
        if self.offset != offset {
            self.offset = offset;
            self.matched.clear();
            self.excepted.clear();
        }
    }
}

type Shared = Rc<RefCell<Stream>>;

/// How a handler tells the parser to stop: the rest of the page passes as it is.
#[derive(Debug, thiserror::Error)]
#[error("no pass acts on the rest of the page")]
pub(super) struct Rest;

impl Stream {
    pub(super) fn new(mut page: Page, mut slots: Vec<Slot>) -> Self {
        end_redundant(&mut slots);
        for slot in &mut slots {
            let names_slot =
                |exception: &Exception| exception.passes.iter().any(|p| p == slot.name);
            let exceptions = page.facts.exceptions.iter().enumerate();
            slot.exceptions = exceptions
                .filter(|(_, exception)| names_slot(exception))
                .map(|(index, _)| index)
                .collect();
            slot.act(&mut page, |pass, page, receipt| pass.begin(page, receipt));
        }
        let script = InlineScript {
            wanted: slots.iter().any(|slot| slot.reads_inline_scripts),
            ..InlineScript::default()
        };
        let elements = slots.iter().flat_map(|slot| slot.elements);
        Self {
            elements: elements.copied().collect(),
            excepted: vec![0; page.facts.exceptions.len()],
            page,
            slots,
            script,
            preamble: 0,
            given_up: None,
            here: Here::default(),
            opt_outs: 0,
            inert: 0,
            ambiguous: 0,
            picture: None,
        }
    }

    /// Whether no pass would change the page, and nobody looks at it.
    pub(super) fn is_idle(&self) -> bool {
        let observed = self.page.facts.observed;
        let mut passes = self.slots.iter().filter_map(|slot| slot.pass.as_ref());
        !passes.any(|pass| observed || pass.changes())
    }

    fn acts_in_body(&self) -> bool {
        let mut passes = self.slots.iter().filter_map(|slot| slot.pass.as_ref());
        passes.any(|pass| pass.acts_in_body())
    }

    /// Ends every pass, for one reason.
    pub(super) fn skip_all(&mut self, reason: &'static str) {
        for slot in &mut self.slots {
            slot.end(|| reason);
        }
    }

    /// The document has ended, or rewriting has.
    pub(super) fn finish(&mut self) {
        if self.page.in_head {
            self.skip_all("the head never ended");
        }
    }

    /// The document has ended, and passes have seen it to its end.
    pub(super) fn document_end(&mut self) {
        for slot in &mut self.slots {
            slot.act(&mut self.page, |pass, page, receipt| {
                pass.document_end(page, receipt);
            });
        }
        self.finish();
    }

    /// What passes add to the head of the response.
    pub(super) fn response_headers(&mut self) -> Vec<(HeaderName, HeaderValue)> {
        let headers = self.slots.iter_mut().filter_map(|slot| {
            slot.act(&mut self.page, |pass, page, receipt| {
                pass.response_headers(page, receipt)
            })
        });
        headers.flatten().collect()
    }

    /// Every selector to be marked before passes see an element.
    pub(super) fn marks(&self) -> Vec<(Rc<Selector>, Mark)> {
        let mut marks = Vec::new();
        if self.acts_in_body() {
            for (index, exception) in self.page.facts.exceptions.iter().enumerate() {
                let selector = selectors::parsed(&exception.selector);
                marks.extend(selector.map(|s| (s, Mark::Exception(index))));
            }
        }
        for (index, slot) in self.slots.iter().enumerate() {
            let selectors = slot.pass.as_ref().map(|pass| pass.selectors());
            for (number, selector) in selectors.into_iter().flatten().enumerate() {
                let parsed = selectors::parsed(&selector);
                marks.extend(parsed.map(|s| (s, Mark::Selector(index, number))));
            }
        }
        marks
    }

    /// Remembers that a selector matched the element that passes are about to see.
    pub(super) fn mark(shared: &Shared, element: &mut Element<'_, '_>, mark: Mark) {
        let mut stream = shared.borrow_mut();
        stream.here.be_at(element);
        match mark {
            Mark::Selector(pass, selector) => stream.here.matched.push((pass, selector)),
            Mark::Exception(index) => {
                let shared = Rc::clone(shared);
                if let Some(handlers) = element.end_tag_handlers() {
                    stream.excepted[index] += 1;
                    handlers.push(Box::new(move |_: &mut EndTag<'_>| {
                        shared.borrow_mut().excepted[index] -= 1;
                        Ok(())
                    }));
                } else {
                    stream.here.excepted.push(index);
                }
            }
        }
    }

    /// Sees every start tag.
    pub(super) fn element(shared: &Shared, element: &mut Element<'_, '_>) -> HandlerResult {
        let mut stream = shared.borrow_mut();
        let stream = &mut *stream;
        stream.here.be_at(element);
        if stream.given_up.is_some() {
            return Err(Box::new(Rest));
        }
        if !stream.page.in_head && !stream.acts_in_body() {
            return Err(Box::new(Rest));
        }
        let name = element.tag_name();
        if stream.inert == 0 && stream.page.in_head && !belongs_in_head(&name) {
            let inserted = stream.head_end();
            if !inserted.is_empty() {
                element.before(&inserted, ContentType::Html);
            }
        }
        stream.enter(shared, element, &name);
        if stream.given_up.is_some() {
            return Err(Box::new(Rest));
        }
        if stream.inert > 0 {
            return Ok(());
        }
        stream.learn(shared, element, &name);
        let asks_to_be_left = opt_outs::is_asked_by(element);
        if asks_to_be_left {
            stream.opt_out(shared, element);
        }
        let is_common = is_common(&name);
        let picture = stream.picture;
        let here = &stream.here;
        let opted_out = asks_to_be_left || stream.opt_outs > 0;
        let mut tag = Tag::new(element, &name, &here.matched, opted_out, picture);
        tag.asks_to_be_left = asks_to_be_left;
        stream.page.charset_settled |= stream.preamble + tag.offset() >= CHARSET_PRESCAN;
        if !is_common
            && !asks_to_be_left
            && here.matched.is_empty()
            && !stream.elements.contains(&&*name)
        {
            return Ok(());
        }
        for (index, slot) in stream.slots.iter_mut().enumerate() {
            let wanted = is_common
                || asks_to_be_left
                || slot.elements.contains(&name.as_str())
                || here.matched.iter().any(|(pass, _)| *pass == index);
            if !wanted || slot.pass.is_none() {
                continue;
            }
            tag.pass = index;
            tag.grown = 0;
            tag.opted_out = opted_out
                || slot
                    .exceptions
                    .iter()
                    .any(|e| stream.excepted[*e] > 0 || here.excepted.contains(e));
            slot.act(&mut stream.page, |pass, page, receipt| {
                pass.start_tag(&mut tag, page, receipt);
            });
            slot.receipt.bytes += tag.grown;
            if let Some(reason) = slot.receipt.halted {
                stream.given_up = Some(reason);
                return Err(Box::new(Rest));
            }
        }
        stream.page.charset_settled |= tag.names_charset();
        Ok(())
    }

    /// An element opts out: everything in it does too.
    fn opt_out(&mut self, shared: &Shared, element: &mut Element<'_, '_>) {
        if let Some(handlers) = element.end_tag_handlers() {
            self.opt_outs += 1;
            let shared = Rc::clone(shared);
            handlers.push(Box::new(move |_: &mut EndTag<'_>| {
                shared.borrow_mut().opt_outs -= 1;
                Ok(())
            }));
        }
    }

    /// Keeps track of the elements that change how their content is read.
    fn enter(&mut self, shared: &Shared, element: &mut Element<'_, '_>, name: &str) {
        if self.ambiguous > 0 && is_read_in_two_ways(name) {
            self.given_up = Some("ambiguous markup: a text element in <select>");
            return;
        }
        let counter: fn(&mut Self) -> &mut usize = match name {
            name if is_inert(name) => |stream| &mut stream.inert,
            AMBIGUOUS => |stream| &mut stream.ambiguous,
            _ => return,
        };
        let Some(handlers) = element.end_tag_handlers() else {
            return;
        };
        *counter(self) += 1;
        let shared = Rc::clone(shared);
        let own = name.to_owned();
        handlers.push(Box::new(move |tag: &mut EndTag<'_>| {
            let stream = &mut *shared.borrow_mut();
            let is_own = tag.name() == own;
            // A browser closes a template by its own end tag only; any other leaves it open.
            if is_own || own != "template" {
                *counter(stream) -= 1;
            }
            if !is_own && matches!(own.as_str(), "svg" | "math") {
                // The parser goes on reading foreign markup, which a browser may have left.
                stream
                    .given_up
                    .get_or_insert("ambiguous markup: foreign content without its end");
            }
            Ok(())
        }));
    }

    /// Takes from an element what later decisions need.
    fn learn(&mut self, shared: &Shared, element: &mut Element<'_, '_>, name: &str) {
        match name {
            // What is inserted behind it stands in the body.
            "html" if self.page.in_head => on_end(element, shared, |stream, _| {
                if stream.page.in_head {
                    stream.given_up.get_or_insert("the head never ended");
                }
            }),
            "head" if self.page.in_head => on_end(element, shared, |stream, tag| {
                if stream.inert == 0 && stream.page.in_head && stream.given_up.is_none() {
                    let inserted = stream.head_end();
                    if !inserted.is_empty() {
                        tag.before(&inserted, ContentType::Html);
                    }
                }
            }),
            "base" if self.page.base.is_none() => {
                let href = element.get_attribute("href");
                if let Some(raw) = href {
                    self.page
                        .rebase(&super::super::tag::decode_references(&raw));
                }
            }
            "meta" if self.page.in_head => self.learn_policy(element),
            "script" if self.script.wanted && may_run_inline(element) => {
                self.script.open(element.source_location().bytes().end);
                on_end(element, shared, |stream, tag| {
                    stream.inline_script(tag.source_location().bytes().start);
                });
            }
            // A browser drops nearly everything in it, but keeps blanks: even those of a dropped script.
            "frameset" => self.given_up = Some("a page of frames"),
            "picture" => {
                self.picture = Some(Picture::default());
                on_end(element, shared, |stream, _| stream.picture = None);
            }
            "source" => {
                if let Some(picture) = &mut self.picture {
                    picture.art_directed |= ["media", "width", "height"]
                        .iter()
                        .any(|name| element.has_attribute(name));
                    picture.scripted |= ["data-src", "data-srcset"]
                        .iter()
                        .any(|name| element.has_attribute(name));
                }
            }
            _ => {}
        }
    }

    fn learn_policy(&mut self, meta: &Element<'_, '_>) {
        let is_policy = meta
            .get_attribute("http-equiv")
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("content-security-policy"));
        if let Some(content) = meta.get_attribute("content").filter(|_| is_policy) {
            let content = super::super::tag::decode_references(&content);
            self.page.csp.add_meta(&content);
        }
    }

    /// The head ends here. Returns what to insert.
    fn head_end(&mut self) -> String {
        let mut inserted = String::new();
        for slot in &mut self.slots {
            let markup = slot.act(&mut self.page, |pass, page, receipt| {
                pass.head_end(page, receipt)
            });
            let markup = markup.flatten().unwrap_or_default();
            slot.receipt.bytes += markup.len() as i64;
            inserted.push_str(&markup);
        }
        debug_assert!(inserted.is_ascii(), "what we insert is ASCII");
        self.page.in_head = false;
        inserted
    }

    fn inline_script(&mut self, end: usize) {
        let text = self.script.close(end);
        for slot in self
            .slots
            .iter_mut()
            .filter(|slot| slot.reads_inline_scripts)
        {
            slot.act(&mut self.page, |pass, page, receipt| {
                pass.inline_script(&text, page, receipt);
            });
            self.given_up = self.given_up.or(slot.receipt.halted);
        }
    }
}

/// Ends the passes that have nothing to do beside those that run.
fn end_redundant(slots: &mut [Slot]) {
    for at in 0..slots.len() {
        let Some(pass) = &slots[at].pass else {
            continue;
        };
        let others = slots.iter().enumerate();
        let others: Vec<&Contract> = others
            .filter(|(other, slot)| *other != at && slot.pass.is_some())
            .map(|(_, slot)| slot.contract)
            .collect();
        if let Some(reason) = pass.redundant(&others) {
            slots[at].end(|| reason);
        }
    }
}

fn on_end(
    element: &mut Element<'_, '_>,
    shared: &Shared,
    then: impl FnOnce(&mut Stream, &mut EndTag<'_>) + 'static,
) {
    if let Some(handlers) = element.end_tag_handlers() {
        let shared = Rc::clone(shared);
        handlers.push(Box::new(move |tag: &mut EndTag<'_>| {
            then(&mut shared.borrow_mut(), tag);
            Ok(())
        }));
    }
}

/// Whether a script element has a text that a browser may run: it has no address, and is not a data block.
fn may_run_inline(script: &Element<'_, '_>) -> bool {
    let is_json = |kind: String| kind.to_ascii_lowercase().contains("json");
    !script.has_attribute("src") && !script.get_attribute("type").is_some_and(is_json)
}

/// Whether a start tag leaves the head open.
fn belongs_in_head(name: &str) -> bool {
    matches!(
        name,
        "html"
            | "head"
            | "title"
            | "base"
            | "basefont"
            | "bgsound"
            | "link"
            | "meta"
            | "style"
            | "script"
            | "noscript"
            | "noframes"
            | "template"
    )
}

/// Collects the text of inline scripts from the document's own bytes.
///
/// The parser's text handlers are not used: they decode and encode again, and what is not valid in the
/// encoding comes out changed.
#[derive(Debug, Default)]
pub(super) struct InlineScript {
    /// Whether a pass reads inline scripts.
    pub(super) wanted: bool,
    /// The bytes that the parser is reading, and where in its input they begin.
    piece: Vec<u8>,
    piece_start: usize,
    /// Where in the parser's input the uncollected text of the open script begins.
    open_from: Option<usize>,
    text: Vec<u8>,
}

impl InlineScript {
    /// The parser is about to read these bytes.
    pub(super) fn begin(&mut self, piece: &[u8]) {
        self.piece.clear();
        if self.wanted {
            self.piece.extend_from_slice(piece);
        }
    }

    /// The parser has read them.
    pub(super) fn finish(&mut self) {
        let end = self.piece_start + self.piece.len();
        if let Some(from) = self.open_from {
            self.collect(from, end);
            self.open_from = Some(end);
        }
        self.piece_start = end;
    }

    fn open(&mut self, from: usize) {
        self.text.clear();
        self.open_from = Some(from);
    }

    fn close(&mut self, end: usize) -> Vec<u8> {
        if let Some(from) = self.open_from.take() {
            if end >= from {
                self.collect(from, end);
            } else if self.text.len() < MAX_INLINE_SCRIPT {
                // The end tag began in the previous piece.
                self.text
                    .truncate(self.text.len().saturating_sub(from - end));
            }
        }
        std::mem::take(&mut self.text)
    }

    fn collect(&mut self, from: usize, end: usize) {
        let start = from.saturating_sub(self.piece_start);
        let end = end.saturating_sub(self.piece_start);
        let bytes = self.piece.get(start..end).unwrap_or_default();
        let room = MAX_INLINE_SCRIPT.saturating_sub(self.text.len());
        self.text.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}
