//! Whether a response is a full HTML page, decided from its first tag.
//!
//! Fragments (XHR, Turbo, section APIs), AMP and XML are answered byte for byte. What stands before the
//! first tag is never changed, so it is passed on at once; only a first tag that is not complete yet is
//! held back.

/// Longest first tag that is waited for, in bytes. `<html>` with a framework's attributes stays far below.
const MAX_FIRST_TAG: usize = 8 << 10;

/// What the bytes so far say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Not yet known. The first `passed` bytes cannot be changed by any pass.
    Undecided { passed: usize },
    /// A page: rewriting starts `start` bytes in, at its first tag.
    Page { start: usize, utf8_bom: bool },
    /// Anything else, and why.
    NotAPage(&'static str),
}

/// Reads the beginning of a response. Feed it pieces; it keeps only what it needs.
#[derive(Debug, Default)]
pub(super) struct Sniffer {
    /// Bytes not passed on yet.
    held: Vec<u8>,
    at_start: bool,
    utf8_bom: bool,
    doctype: bool,
    /// Within a comment or another construct that runs to this terminator.
    inside: Option<&'static [u8]>,
}

impl Sniffer {
    pub(super) fn new() -> Self {
        Self {
            at_start: true,
            ..Self::default()
        }
    }

    /// Adds bytes. The verdict's offsets count from the first held byte.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Verdict {
        self.held.extend_from_slice(bytes);
        let mut at = 0;
        loop {
            match self.step(at) {
                Step::On(next) => at = next,
                Step::Wait if self.held.len() - at > MAX_FIRST_TAG => {
                    return Verdict::NotAPage("the first tag is too long");
                }
                Step::Wait => return Verdict::Undecided { passed: at },
                Step::Page => {
                    return Verdict::Page {
                        start: at,
                        utf8_bom: self.utf8_bom,
                    };
                }
                Step::NotAPage(why) => return Verdict::NotAPage(why),
            }
        }
    }

    /// Takes the first `count` held bytes.
    pub(super) fn take(&mut self, count: usize) -> Vec<u8> {
        let rest = self.held.split_off(count.min(self.held.len()));
        std::mem::replace(&mut self.held, rest)
    }

    /// Takes everything held.
    pub(super) fn take_all(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }

    fn step(&mut self, at: usize) -> Step {
        let rest = self.held.get(at..).unwrap_or_default();
        if rest.is_empty() {
            return Step::Wait;
        }
        if let Some(terminator) = self.inside {
            return match find(rest, terminator) {
                Some(found) => {
                    self.inside = None;
                    Step::On(at + found + terminator.len())
                }
                // The terminator may be split: its first bytes stay.
                None if rest.len() >= terminator.len() => {
                    Step::On(at + rest.len() - (terminator.len() - 1))
                }
                None => Step::Wait,
            };
        }
        if self.at_start {
            return self.step_start(at);
        }
        let spaces = rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
        if spaces > 0 {
            return Step::On(at + spaces);
        }
        if rest[0] != b'<' {
            return if self.doctype {
                // Text right after the doctype: a page with an implied body.
                Step::Page
            } else {
                Step::NotAPage("not a full page: it begins with text")
            };
        }
        self.step_markup(at)
    }

    fn step_start(&mut self, at: usize) -> Step {
        const UTF8: &[u8] = b"\xEF\xBB\xBF";
        let rest = self.held.get(at..).unwrap_or_default();
        if rest.len() < 2 {
            return if matches!(rest[0], 0xEF | 0xFE | 0xFF) {
                Step::Wait
            } else {
                self.at_start = false;
                Step::On(at)
            };
        }
        if rest.starts_with(b"\xFE\xFF") || rest.starts_with(b"\xFF\xFE") {
            return Step::NotAPage("UTF-16");
        }
        if rest.starts_with(UTF8) {
            self.at_start = false;
            self.utf8_bom = true;
            return Step::On(at + UTF8.len());
        }
        if UTF8.starts_with(rest) {
            return Step::Wait;
        }
        self.at_start = false;
        Step::On(at)
    }

    fn step_markup(&mut self, at: usize) -> Step {
        const COMMENT: &[u8] = b"<!--";
        let rest = self.held.get(at..).unwrap_or_default();
        match rest.get(1) {
            None => Step::Wait,
            Some(b'!') => {
                if rest.len() < COMMENT.len() && COMMENT.starts_with(rest) {
                    return Step::Wait;
                }
                if rest.starts_with(COMMENT) {
                    return self.step_comment(at);
                }
                match find(rest, b">") {
                    Some(end) => {
                        self.doctype |= is_html_doctype(&rest[..end]);
                        Step::On(at + end + 1)
                    }
                    None => Step::Wait,
                }
            }
            Some(b'?' | b'/') => {
                self.inside = Some(b">");
                Step::On(at + 2)
            }
            Some(_) => self.step_tag(at),
        }
    }

    fn step_comment(&mut self, at: usize) -> Step {
        let rest = self.held.get(at..).unwrap_or_default();
        // `<!-->` and `<!--->` are whole comments.
        for whole in [&b"<!-->"[..], b"<!--->"] {
            if rest.starts_with(whole) {
                return Step::On(at + whole.len());
            }
        }
        if rest.len() < 6 {
            return Step::Wait;
        }
        self.inside = Some(b"-->");
        Step::On(at + 4)
    }

    fn step_tag(&self, at: usize) -> Step {
        let rest = self.held.get(at..).unwrap_or_default();
        let name: Vec<u8> = rest[1..]
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric() || **b == b'-')
            .map(u8::to_ascii_lowercase)
            .collect();
        if name.len() + 1 == rest.len() {
            return Step::Wait;
        }
        match name.as_slice() {
            b"html" => match end_of_tag(rest) {
                None => Step::Wait,
                Some(end) if is_amp(&rest[5..end]) => Step::NotAPage("AMP"),
                Some(_) => Step::Page,
            },
            b"head" | b"body" => Step::Page,
            b"" if !self.doctype => Step::NotAPage("not a full page: it begins with text"),
            _ if self.doctype => Step::Page,
            _ => Step::NotAPage("not a full page: its first tag is not <html>"),
        }
    }
}

enum Step {
    /// Look again, from here.
    On(usize),
    Wait,
    Page,
    NotAPage(&'static str),
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(haystack, needle)
}

fn is_html_doctype(declaration: &[u8]) -> bool {
    let text = String::from_utf8_lossy(declaration).to_ascii_lowercase();
    text.strip_prefix("<!doctype")
        .is_some_and(|rest| rest.trim_start().starts_with("html"))
}

/// Offset of the `>` that ends a tag, outside quotes.
fn end_of_tag(tag: &[u8]) -> Option<usize> {
    let mut quote = None;
    let mut after_equals = false;
    for (i, &b) in tag.iter().enumerate() {
        match (quote, b) {
            (Some(q), _) if b == q => quote = None,
            (None, b'"' | b'\'') if after_equals => quote = Some(b),
            (None, b'>') => return Some(i),
            _ => {}
        }
        after_equals = b == b'=' || (after_equals && b.is_ascii_whitespace());
    }
    None
}

/// Whether the attributes of `<html>` mark an AMP document (of any of its formats).
fn is_amp(attributes: &[u8]) -> bool {
    const BOLT: &[u8] = "\u{26A1}".as_bytes();
    let text = attributes.to_ascii_lowercase();
    text.split(u8::is_ascii_whitespace).any(|word| {
        let name = word.split(|b| *b == b'=').next().unwrap_or_default();
        name == b"amp" || name == b"amp4email" || name == b"amp4ads" || name.starts_with(BOLT)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verdict on a document, byte by byte; and the bytes passed on before it.
    fn by_bytes(document: &[u8]) -> (Verdict, usize) {
        let mut sniffer = Sniffer::new();
        let mut passed_before = 0;
        for byte in document {
            match sniffer.push(&[*byte]) {
                Verdict::Undecided { passed } => {
                    passed_before += sniffer.take(passed).len();
                }
                Verdict::Page { start, utf8_bom } => {
                    return (
                        Verdict::Page {
                            start: start + passed_before,
                            utf8_bom,
                        },
                        passed_before,
                    );
                }
                verdict @ Verdict::NotAPage(_) => return (verdict, passed_before),
            }
        }
        (Verdict::Undecided { passed: 0 }, passed_before)
    }

    fn whole(document: &[u8]) -> Verdict {
        Sniffer::new().push(document)
    }

    #[test]
    fn the_verdict_is_the_same_whole_and_byte_by_byte() {
        let documents: &[(&[u8], Verdict)] = &[
            (
                b"<!doctype html><html><p>",
                Verdict::Page {
                    start: 15,
                    utf8_bom: false,
                },
            ),
            (
                b"\xEF\xBB\xBF<!DOCTYPE html>\n<title>x</title>",
                Verdict::Page {
                    start: 19,
                    utf8_bom: true,
                },
            ),
            (
                b"<!-- a > b --><html lang=\"a>b\">",
                Verdict::Page {
                    start: 14,
                    utf8_bom: false,
                },
            ),
            (
                b"<!--><!---><head>",
                Verdict::Page {
                    start: 11,
                    utf8_bom: false,
                },
            ),
            (
                b"<div>x</div>",
                Verdict::NotAPage("not a full page: its first tag is not <html>"),
            ),
            (
                b"hello <html>",
                Verdict::NotAPage("not a full page: it begins with text"),
            ),
            (
                b"<?xml version=\"1.0\"?><rss>",
                Verdict::NotAPage("not a full page: its first tag is not <html>"),
            ),
            (
                "<!doctype html><html \u{26A1} lang=en>".as_bytes(),
                Verdict::NotAPage("AMP"),
            ),
            (
                b"<html amp4email data-css-strict>",
                Verdict::NotAPage("AMP"),
            ),
            (b"\xFF\xFE<\0h\0", Verdict::NotAPage("UTF-16")),
            (
                b"<!doctype html>Hello",
                Verdict::Page {
                    start: 15,
                    utf8_bom: false,
                },
            ),
        ];
        for (document, verdict) in documents {
            let shown = String::from_utf8_lossy(document);
            assert_eq!(&whole(document), verdict, "{shown}");
            assert_eq!(&by_bytes(document).0, verdict, "{shown}");
        }
    }

    #[test]
    fn what_precedes_the_first_tag_is_not_held_back() {
        let long = format!("<!doctype html><!-- {} ", "x".repeat(100_000));
        let mut sniffer = Sniffer::new();
        let Verdict::Undecided { passed } = sniffer.push(long.as_bytes()) else {
            panic!("a comment decides nothing");
        };
        assert!(long.len() - passed < 4, "{passed} of {}", long.len());
    }

    #[test]
    fn a_first_tag_without_end_is_not_waited_for_forever() {
        let mut document = b"<html data-x=\"".to_vec();
        document.resize(MAX_FIRST_TAG + 100, b'x');
        assert_eq!(
            whole(&document),
            Verdict::NotAPage("the first tag is too long")
        );
    }
}
