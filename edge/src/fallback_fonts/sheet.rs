//! A style sheet with stand-ins: their names in lists of families, and their faces beside the web fonts' own.
//!
//! Nothing is taken away and nothing is written anew. The sheet is read as tokens; where a declaration's value is
//! a list of families that ends in a generic one, the stand-in's name goes behind each web font that is known.
//! What was made is read once more, and has to have every name and every face where it was meant to be.

use cssparser::{ParseError, Parser, ParserInput, Token};

use super::{Family, family};

/// Blocks within each other that are read: a parser that calls itself needs an end.
const MAX_DEPTH: usize = 32;
/// Most names that are inserted into a sheet: many times what any has, and a bound for a hostile one.
const MAX_NAMES: usize = 4_000;
/// At-rules that hold rules which apply.
const GROUPS: [&str; 6] = [
    "container",
    "layer",
    "media",
    "scope",
    "starting-style",
    "supports",
];
/// What a browser always has. A list that does not end in one of them is left alone.
const GENERIC: [&str; 10] = [
    "cursive",
    "fantasy",
    "monospace",
    "sans-serif",
    "serif",
    "system-ui",
    "ui-monospace",
    "ui-rounded",
    "ui-sans-serif",
    "ui-serif",
];

/// The sheet with stand-ins, or why it stays as it is.
pub(crate) fn with_stand_ins(css: &str) -> Result<String, &'static str> {
    let found = read(css)?;
    let mut made = insert(css, &found.names);
    let end = made.len();
    made.extend(found.web_fonts.iter().map(|font| font.faces()));
    if made.len() == css.len() {
        return Err("no-known-font");
    }
    // A sheet that breaks off within a rule would swallow what stands behind it.
    let again = read(&made)?;
    let in_place = found.web_fonts.is_empty() || again.at_rules.contains(&end);
    if in_place && again.names.is_empty() && again.web_fonts.is_empty() {
        Ok(made)
    } else {
        Err("not-understood")
    }
}

/// The sheet with a name at each of these places, which are in order.
fn insert(css: &str, names: &[(usize, Family)]) -> String {
    let mut made = String::with_capacity(css.len() + names.len() * 24);
    let mut done = 0;
    for (at, font) in names {
        made.push_str(&css[done..*at]);
        made.extend([",\"", &font.stand_in(), "\""]);
        done = *at;
    }
    made.push_str(&css[done..]);
    made
}

fn read(css: &str) -> Result<Reader, &'static str> {
    let mut input = ParserInput::new(css);
    let mut parser = Parser::new(&mut input);
    let mut reader = Reader::default();
    match reader.statements(&mut parser, 0) {
        Ok(()) => {
            let Reader {
                web_fonts, served, ..
            } = &mut reader;
            web_fonts.retain(|font| !served.contains(font));
            Ok(reader)
        }
        Err(ParseError {
            kind: cssparser::ParseErrorKind::Custom(why),
            ..
        }) => Err(why),
        Err(_) => Err("not-understood"),
    }
}

type Stop<'i> = ParseError<'i, &'static str>;

/// What a sheet has.
#[derive(Debug, Default)]
struct Reader {
    /// Where a stand-in's name can go.
    names: Vec<(usize, Family)>,
    /// Known fonts that the sheet loads, and that have no stand-in in it.
    web_fonts: Vec<Family>,
    /// Fonts that have one, ours or the shop's own.
    served: Vec<Family>,
    /// Where at-rules begin that are in no block.
    at_rules: Vec<usize>,
}

impl Reader {
    /// A list of rules and declarations: the sheet, or what is between braces.
    fn statements<'i>(
        &mut self,
        parser: &mut Parser<'i, '_>,
        depth: usize,
    ) -> Result<(), Stop<'i>> {
        loop {
            parser.skip_whitespace();
            let start = parser.position().byte_index();
            let Ok(token) = parser.next() else {
                return Ok(());
            };
            match token.clone() {
                Token::Semicolon => {}
                Token::AtKeyword(name) => {
                    if depth == 0 {
                        self.at_rules.push(start);
                    }
                    self.at_rule(parser, &name.to_ascii_lowercase(), depth)?;
                }
                Token::Ident(name)
                    if depth > 0 && parser.try_parse(Parser::expect_colon).is_ok() =>
                {
                    self.declaration(parser, &name.to_ascii_lowercase(), depth)?;
                }
                Token::CurlyBracketBlock => self.block(parser, depth)?,
                token if is_broken(&token) => return Err(parser.new_custom_error("not-understood")),
                _ => {
                    if to_block(parser)? {
                        self.block(parser, depth)?;
                    }
                }
            }
        }
    }

    fn block<'i>(&mut self, parser: &mut Parser<'i, '_>, depth: usize) -> Result<(), Stop<'i>> {
        if depth >= MAX_DEPTH {
            return Err(parser.new_custom_error("not-understood"));
        }
        parser.parse_nested_block(|parser| self.statements(parser, depth + 1))
    }

    fn at_rule<'i>(
        &mut self,
        parser: &mut Parser<'i, '_>,
        name: &str,
        depth: usize,
    ) -> Result<(), Stop<'i>> {
        if !to_block(parser)? {
            return Ok(());
        }
        match name {
            "font-face" => parser.parse_nested_block(|parser| self.face(parser)),
            name if GROUPS.contains(&name) => self.block(parser, depth),
            // Where `font-family` means something else, or nothing.
            _ => Ok(()),
        }
    }

    /// What is in an `@font-face`.
    fn face<'i>(&mut self, parser: &mut Parser<'i, '_>) -> Result<(), Stop<'i>> {
        let (mut name, mut is_loaded) = (None, false);
        loop {
            let Ok(token) = parser.next() else { break };
            let Token::Ident(descriptor) = token.clone() else {
                continue;
            };
            if parser.try_parse(Parser::expect_colon).is_err() {
                continue;
            }
            let (value, _) = value(parser)?;
            if descriptor.eq_ignore_ascii_case("font-family") {
                name = name_of(&value);
            }
            is_loaded |= descriptor.eq_ignore_ascii_case("src")
                && value.iter().any(|part| part.kind == Kind::Address);
        }
        let Some(name) = name else { return Ok(()) };
        if let Some(font) = served_by(&name) {
            self.served.push(font);
        } else if let Some(font) = family(&name)
            && is_loaded
            && !self.web_fonts.contains(&font)
        {
            self.web_fonts.push(font);
        }
        Ok(())
    }

    fn declaration<'i>(
        &mut self,
        parser: &mut Parser<'i, '_>,
        property: &str,
        depth: usize,
    ) -> Result<(), Stop<'i>> {
        let begins_with_size = property == "font";
        let (value, ends_in_block) = value(parser)?;
        if ends_in_block && !property.starts_with("--") {
            // It is a rule within a rule: `a:hover {`.
            return self.block(parser, depth);
        }
        if begins_with_size || property == "font-family" || property.starts_with("--") {
            self.names.extend(places(&value, begins_with_size));
        }
        if self.names.len() > MAX_NAMES {
            return Err(parser.new_custom_error("too-many-names"));
        }
        Ok(())
    }
}

/// A part of a declaration's value.
struct Part {
    kind: Kind,
    /// Where it ends.
    end: usize,
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Word(String),
    Quoted(String),
    Comma,
    Address,
    Other,
}

/// The parts of a value, to the semicolon or the end of the block, and whether a block in braces ended it.
fn value<'i>(parser: &mut Parser<'i, '_>) -> Result<(Vec<Part>, bool), Stop<'i>> {
    let mut parts = Vec::new();
    loop {
        let Ok(token) = parser.next() else {
            return Ok((parts, false));
        };
        let kind = match token {
            Token::Semicolon => return Ok((parts, false)),
            Token::CurlyBracketBlock => return Ok((parts, true)),
            Token::Ident(word) => Kind::Word(word.to_string()),
            Token::QuotedString(text) => Kind::Quoted(text.to_string()),
            Token::Comma => Kind::Comma,
            Token::UnquotedUrl(_) => Kind::Address,
            Token::Function(name) if name.eq_ignore_ascii_case("url") => Kind::Address,
            token if is_broken(token) => return Err(parser.new_custom_error("not-understood")),
            _ => Kind::Other,
        };
        let end = parser.position().byte_index();
        parts.push(Part { kind, end });
    }
}

/// Where names of stand-ins go in a value, if it is a list of families that ends in a generic one.
fn places(value: &[Part], begins_with_size: bool) -> Vec<(usize, Family)> {
    let is_important = value.len() > 2
        && matches!(&value[value.len() - 1].kind, Kind::Word(word) if word.eq_ignore_ascii_case("important"))
        && value[value.len() - 2].kind == Kind::Other;
    let value = if is_important {
        &value[..value.len() - 2]
    } else {
        value
    };
    let mut items: Vec<&[Part]> = value.split(|part| part.kind == Kind::Comma).collect();
    if begins_with_size && let Some(first) = items.first_mut() {
        let is_other = |part: &Part| !matches!(part.kind, Kind::Word(_) | Kind::Quoted(_));
        let size = first.iter().rposition(is_other);
        *first = size.map_or(&[], |at| &first[at + 1..]);
    }
    let names: Option<Vec<String>> = items.iter().map(|item| name_of(item)).collect();
    let Some(names) = names else {
        return Vec::new();
    };
    let ends_in_generic = matches!(items.last(), Some([Part { kind: Kind::Word(word), .. }])
        if GENERIC.iter().any(|generic| word.eq_ignore_ascii_case(generic)));
    if !ends_in_generic {
        return Vec::new();
    }
    let served: Vec<_> = names.iter().filter_map(|name| served_by(name)).collect();
    let places = items.iter().zip(&names).filter_map(|(item, name)| {
        let font = family(name).filter(|font| !served.contains(font))?;
        Some((item.last()?.end, font))
    });
    places.collect()
}

/// The family that an item of a list names.
fn name_of(item: &[Part]) -> Option<String> {
    if let [
        Part {
            kind: Kind::Quoted(name),
            ..
        },
    ] = item
    {
        return Some(name.clone());
    }
    let words = item.iter().map(|part| match &part.kind {
        Kind::Word(word) => Some(word.as_str()),
        _ => None,
    });
    let words: Option<Vec<_>> = words.collect();
    words
        .filter(|words| !words.is_empty())
        .map(|words| words.join(" "))
}

/// The font that a name stands in for: it is ours, or one that the shop's own build has made.
fn served_by(name: &str) -> Option<Family> {
    let lower = name.to_ascii_lowercase();
    let end = lower
        .find(" v-fallback")
        .or_else(|| lower.find(" fallback"))?;
    family(name.get(..end)?)
}

/// Reads on to a block in braces. There is none if a semicolon or the end comes first.
fn to_block<'i>(parser: &mut Parser<'i, '_>) -> Result<bool, Stop<'i>> {
    loop {
        match parser.next() {
            Err(_) | Ok(Token::Semicolon) => return Ok(false),
            Ok(Token::CurlyBracketBlock) => return Ok(true),
            Ok(token) if is_broken(token) => return Err(parser.new_custom_error("not-understood")),
            Ok(_) => {}
        }
    }
}

fn is_broken(token: &Token<'_>) -> bool {
    matches!(
        token,
        Token::BadUrl(_)
            | Token::BadString(_)
            | Token::CloseParenthesis
            | Token::CloseSquareBracket
            | Token::CloseCurlyBracket
            | Token::CDO
            | Token::CDC
    )
}

#[cfg(test)]
mod tests;
