//! [`PathPattern`]: which paths a template or a sacred rule stands for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest pattern, in bytes: as long as a path that a person would write.
pub(super) const MAX_BYTES: usize = 256;

/// A pattern over the segments of a path, compiled once.
///
/// `*` stands for any run of characters within one segment (alone: for one whole segment), `**` for any
/// number of whole segments, none included. Everything else stands for itself.
///
/// Matching is generous, because a shop's router is, and a page that must not be touched has to be
/// recognised under every spelling: case is ignored, percent-encoding is decoded, empty and dot segments
/// are resolved, `;parameters` are dropped, and a trailing slash makes no difference.
///
/// ```
/// use vitrine_edge::config::PathPattern;
///
/// let product: PathPattern = "/p/*".parse()?;
/// assert!(product.matches("/p/7"));
/// assert!(!product.matches("/p/7/reviews"));
///
/// let checkout: PathPattern = "/**/checkout/**".parse()?;
/// assert!(checkout.matches("/en/Check%6Fut/pay"));
/// # Ok::<(), vitrine_edge::config::PatternError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    written: String,
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    /// `**`
    Any,
    /// The literal pieces between the stars of one segment; one piece when it has no star.
    Pieces(Vec<String>),
}

/// Why a path pattern cannot be one, and where in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct PatternError {
    /// What is wrong.
    pub problem: PatternProblem,
    /// The bytes of the pattern that are wrong.
    pub at: std::ops::Range<usize>,
}

/// What is wrong with a path pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternProblem {
    /// It is not a path.
    #[error("a path pattern starts with `/`")]
    NoSlash,
    /// It is longer than 256 bytes.
    #[error("a path pattern has at most {MAX_BYTES} bytes")]
    TooLong,
    /// `**` with something beside it in the same segment.
    #[error("`**` is a whole segment: `/**/`")]
    PartOfSegment,
    /// `?`, `#` or `;`.
    #[error(
        "a path pattern is matched against the path alone, without query, fragment or `;parameters`"
    )]
    NotInPath,
    /// A space or a control character.
    #[error("a path has no spaces and no control characters; write `%20` for a space")]
    Unwritable,
    /// `//`, `/./` or `/../`, in any spelling.
    #[error("empty and dot segments are resolved before matching, so this can never match")]
    NeverMatches,
    /// `%` without two hexadecimal digits.
    #[error("`%` is followed by two hexadecimal digits")]
    BadEscape,
}

impl PathPattern {
    /// Whether the pattern stands for this path. The path is taken as it came: encoded, without query.
    pub fn matches(&self, path: &str) -> bool {
        self.matches_segments(&segments_of(path))
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// The pattern in the syntax of `URLPattern`, for browsers. It may stand for fewer paths than this one, because
    /// a browser compares what is written, and for no other.
    pub(crate) fn url_pattern(&self) -> String {
        use fmt::Write as _;
        let mut out = String::new();
        let mut names = 0;
        for segment in self.written.split('/').skip(1) {
            if segment == "**" {
                out.push_str("{/*}?");
                continue;
            }
            out.push('/');
            for c in segment.chars() {
                match c {
                    '*' => {
                        names += 1;
                        let _ = write!(out, "{{:p{names}}}");
                    }
                    '\\' | ':' | '(' | ')' | '{' | '}' | '+' | '?' => {
                        out.push('\\');
                        out.push(c);
                    }
                    c if c.is_ascii() => out.push(c),
                    c => {
                        let mut bytes = [0; 4];
                        for byte in c.encode_utf8(&mut bytes).bytes() {
                            let _ = write!(out, "%{byte:02X}");
                        }
                    }
                }
            }
        }
        out
    }

    /// Whether every path that `other` stands for is also one of this pattern's. Never wrong when it says
    /// yes; it may say no about patterns that only an exhaustive search could relate.
    pub fn covers(&self, other: &Self) -> bool {
        // `table[j]`: whether what is left of this pattern covers what is left of `other` from `j` on.
        let narrow = &other.segments;
        let mut table: Vec<bool> = (0..=narrow.len()).map(|j| j == narrow.len()).collect();
        for wide in self.segments.iter().rev() {
            let mut row = vec![false; narrow.len() + 1];
            for j in (0..=narrow.len()).rev() {
                row[j] = match (wide, narrow.get(j)) {
                    (Segment::Any, None) => table[j],
                    (Segment::Any, Some(_)) => table[j] || row[j + 1],
                    (Segment::Pieces(wide), Some(Segment::Pieces(narrow))) => {
                        table[j + 1] && piece_covers(wide, narrow)
                    }
                    (Segment::Pieces(_), _) => false,
                };
            }
            table = row;
        }
        table[0]
    }

    /// Segment by segment; on a mismatch the last `**` takes one segment more. Since a `**` that gave way
    /// never has to be revisited, this is at most (pattern × path) steps.
    fn matches_segments(&self, path: &[String]) -> bool {
        let (mut at, mut next) = (0, 0);
        let mut fallback: Option<(usize, usize)> = None;
        while next < path.len() {
            match self.segments.get(at) {
                Some(Segment::Any) => {
                    fallback = Some((at, next));
                    at += 1;
                    continue;
                }
                Some(Segment::Pieces(pieces)) if glob(pieces, &path[next]) => {
                    at += 1;
                    next += 1;
                    continue;
                }
                _ => {}
            }
            let Some((any, taken)) = fallback else {
                return false;
            };
            fallback = Some((any, taken + 1));
            at = any + 1;
            next = taken + 1;
        }
        self.segments[at..]
            .iter()
            .all(|segment| *segment == Segment::Any)
    }
}

/// A path as the segments a router would see. An encoded slash separates too: some routers decode first.
fn segments_of(path: &str) -> Vec<String> {
    let mut segments: Vec<String> = Vec::new();
    for raw in path.split('/') {
        let raw = raw.split(';').next().unwrap_or_default();
        for segment in decoded(raw).split('/') {
            match segment {
                "" | "." => {}
                ".." => {
                    segments.pop();
                }
                _ => segments.push(segment.into()),
            }
        }
    }
    segments
}

/// Percent-decoded and in lower case; an escape that is none stays as it is.
fn decoded(raw: &str) -> String {
    let bytes = raw.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if let Some(value) = escape_at(bytes, at) {
            out.push(value);
            at += 3;
        } else {
            out.push(byte);
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).to_lowercase()
}

fn escape_at(bytes: &[u8], at: usize) -> Option<u8> {
    let digit = |offset: usize| {
        let byte = bytes.get(at + offset)?;
        char::from(*byte).to_digit(16)
    };
    (bytes.get(at) == Some(&b'%')).then_some(())?;
    u8::try_from(digit(1)? * 16 + digit(2)?).ok()
}

/// A segment with stars of its own is related to another such only as text: equal text, equal meaning.
fn piece_covers(wide: &[String], narrow: &[String]) -> bool {
    wide == narrow || is_whole_star(wide) || matches!(narrow, [only] if glob(wide, only))
}

fn is_whole_star(pieces: &[String]) -> bool {
    pieces.len() == 2 && pieces.iter().all(String::is_empty)
}

/// Whether the pieces occur in this order, the first at the start and the last at the end. A star stands
/// for at least one character when it is the whole segment; segments are never empty, so that is free.
fn glob(pieces: &[String], segment: &str) -> bool {
    let [first, middle @ .., last] = pieces else {
        return pieces.first().is_some_and(|only| only == segment);
    };
    let Some(rest) = segment.strip_prefix(first.as_str()) else {
        return false;
    };
    let Some(mut rest) = rest.strip_suffix(last.as_str()) else {
        return false;
    };
    for piece in middle {
        let Some(at) = rest.find(piece.as_str()) else {
            return false;
        };
        rest = &rest[at + piece.len()..];
    }
    true
}

impl FromStr for PathPattern {
    type Err = PatternError;

    fn from_str(written: &str) -> Result<Self, PatternError> {
        let error = |problem, at| Err(PatternError { problem, at });
        if !written.starts_with('/') {
            return error(PatternProblem::NoSlash, 0..written.len());
        }
        if written.len() > MAX_BYTES {
            return error(PatternProblem::TooLong, 0..written.len());
        }
        let mut segments = Vec::new();
        let mut at = 1;
        let inner = written[1..].strip_suffix('/').unwrap_or(&written[1..]);
        for raw in inner.split('/').filter(|_| !inner.is_empty()) {
            segments.push(segment_of(raw, at)?);
            at += raw.len() + 1;
        }
        Ok(Self {
            written: written.into(),
            segments,
        })
    }
}

fn segment_of(raw: &str, start: usize) -> Result<Segment, PatternError> {
    let error = |problem, at: usize, len: usize| {
        Err(PatternError {
            problem,
            at: start + at..start + at + len,
        })
    };
    let plain = decoded(raw);
    if matches!(plain.as_str(), "" | "." | "..") || plain.contains('/') {
        return error(PatternProblem::NeverMatches, 0, raw.len().max(1));
    }
    for (at, char) in raw.char_indices() {
        if matches!(char, '?' | '#' | ';') {
            return error(PatternProblem::NotInPath, at, 1);
        }
        if char.is_whitespace() || char.is_control() {
            return error(PatternProblem::Unwritable, at, char.len_utf8());
        }
        if char == '%' && escape_at(raw.as_bytes(), at).is_none() {
            return error(PatternProblem::BadEscape, at, 1);
        }
    }
    if raw == "**" {
        return Ok(Segment::Any);
    }
    if let Some(at) = raw.find("**") {
        return error(PatternProblem::PartOfSegment, at, 2);
    }
    Ok(Segment::Pieces(raw.split('*').map(decoded).collect()))
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl Serialize for PathPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.written)
    }
}

impl<'de> Deserialize<'de> for PathPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "authoring")]
impl schemars::JsonSchema for PathPattern {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PathPattern".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "path-pattern",
            "maxLength": MAX_BYTES,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(written: &str) -> PathPattern {
        written.parse().expect(written)
    }

    #[test]
    fn a_star_stands_for_one_segment_or_a_part_of_it() {
        assert!(pattern("/p/*").matches("/p/7"));
        assert!(pattern("/p/*/").matches("/p/7"));
        assert!(!pattern("/p/*").matches("/p"));
        assert!(!pattern("/p/*").matches("/p/7/8"));
        assert!(pattern("/*.html").matches("/red-shoe.html"));
        assert!(!pattern("/*.html").matches("/a/red-shoe.html"));
        assert!(pattern("/a*b*c").matches("/a-b-b-c"));
        assert!(!pattern("/a*b*c").matches("/ac"));
        assert!(!pattern("/ab*bc").matches("/abc"));
    }

    #[test]
    fn two_stars_stand_for_any_number_of_segments() {
        let all = pattern("/**");
        assert!(all.matches("/") && all.matches("/a") && all.matches("/a/b/c"));
        let deep = pattern("/**/checkout/**");
        assert!(deep.matches("/checkout") && deep.matches("/en/us/checkout/pay/now"));
        assert!(!deep.matches("/checkouts"));
        let twice = pattern("/**/a/**/b");
        assert!(twice.matches("/a/b") && twice.matches("/x/a/a/y/b/b"));
        assert!(!twice.matches("/b/a"));
    }

    #[test]
    fn the_root_is_only_the_root() {
        assert!(
            pattern("/").matches("/") && pattern("/").matches("") && pattern("/").matches("//")
        );
        assert!(!pattern("/").matches("/a"));
    }

    #[test]
    fn every_spelling_of_a_path_is_recognised() {
        let checkout = pattern("/checkout/*");
        for path in [
            "/checkout/pay",
            "/CHECKOUT/pay/",
            "//checkout///pay",
            "/check%6fut/pay",
            "/a/../checkout/./pay",
            "/a/%2e%2e/checkout/pay",
            "/checkout;jsessionid=1/pay;x=2",
            "/checkout%2Fpay",
        ] {
            assert!(checkout.matches(path), "{path}");
        }
        assert!(pattern("/café").matches("/caf%C3%A9"));
        assert!(pattern("/caf%c3%a9").matches("/CAFÉ"));
    }

    #[test]
    fn what_cannot_be_a_pattern_is_refused_with_its_place() {
        let refused = |written: &str| written.parse::<PathPattern>().expect_err(written);
        let is = |written: &str, problem, at: std::ops::Range<usize>| {
            assert_eq!(refused(written), PatternError { problem, at }, "{written}");
        };
        is("p/*", PatternProblem::NoSlash, 0..3);
        is("/a/b**", PatternProblem::PartOfSegment, 4..6);
        is("/a?b=1", PatternProblem::NotInPath, 2..3);
        is("/a b", PatternProblem::Unwritable, 2..3);
        is("/a//b", PatternProblem::NeverMatches, 3..4);
        is("/../b", PatternProblem::NeverMatches, 1..3);
        is("/%2e/b", PatternProblem::NeverMatches, 1..4);
        is("/a;b", PatternProblem::NotInPath, 2..3);
        is("/a/%zz", PatternProblem::BadEscape, 3..4);
        is(
            &format!("/{}", "a".repeat(256)),
            PatternProblem::TooLong,
            0..257,
        );
    }

    #[test]
    fn a_wider_pattern_covers_a_narrower_one() {
        assert!(pattern("/**").covers(&pattern("/p/*")));
        assert!(pattern("/p/*").covers(&pattern("/p/7")));
        assert!(pattern("/p/**").covers(&pattern("/p/*/**")));
        assert!(pattern("/*").covers(&pattern("/*.html")));
        assert!(!pattern("/p/*").covers(&pattern("/p/**")));
        assert!(!pattern("/*.html").covers(&pattern("/*")));
    }

    proptest! {
        #[test]
        fn a_covered_pattern_matches_nothing_that_its_cover_does_not(
            wide in "(/(a|b|\\*|\\*\\*|a\\*)){1,4}",
            narrow in "(/(a|b|\\*|\\*\\*|a\\*)){1,4}",
            path in "(/(a|b|ab|c)){0,5}",
        ) {
            let (wide, narrow) = (pattern(&wide), pattern(&narrow));
            if wide.covers(&narrow) && narrow.matches(&path) {
                prop_assert!(wide.matches(&path));
            }
        }

        #[test]
        fn any_path_can_be_asked_about(path in ".{0,64}") {
            prop_assert!(pattern("/**").matches(&path));
        }

        #[test]
        fn a_pattern_without_stars_matches_itself(path in "(/[a-zA-Z0-9é%-]{1,8}){1,5}") {
            if let Ok(pattern) = path.parse::<PathPattern>() {
                prop_assert!(pattern.matches(&path));
            }
        }
    }
}
