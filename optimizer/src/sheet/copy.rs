//! Copies a sheet token by token, without comments and without white space that separates nothing.
//!
//! A token is copied as it is written: numbers, escapes, ranges and addresses stay letter by letter, and so
//! does the whole value of a custom property, which scripts can read. What is known to be a trick that relies
//! on how one browser misreads a sheet, and every at-rule that is not in a list, ends the work.

use cssparser::{ParseError, Parser, ParserInput, Token, TokenSerializationType};

use crate::{Skip, limits};

/// At-rules whose contents are read here as every browser does.
const AT_RULES: [&str; 30] = [
    "-moz-keyframes",
    "-ms-viewport",
    "-o-keyframes",
    "-webkit-keyframes",
    "annotation",
    "character-variant",
    "charset",
    "container",
    "counter-style",
    "font-face",
    "font-feature-values",
    "font-palette-values",
    "import",
    "keyframes",
    "layer",
    "media",
    "namespace",
    "nest",
    "ornaments",
    "page",
    "position-try",
    "property",
    "scope",
    "starting-style",
    "styleset",
    "stylistic",
    "supports",
    "swash",
    "view-transition",
    "viewport",
];

type Stop<'i> = ParseError<'i, Skip>;

/// The copy, or why there is none.
pub(super) fn copy(source: &str) -> Result<String, Skip> {
    let mut input = ParserInput::new(source);
    let mut parser = Parser::new(&mut input);
    let mut copier = Copier {
        source,
        out: String::with_capacity(source.len()),
        last: TokenSerializationType::Nothing,
        glue: Glue::Nothing,
        semicolon: false,
    };
    copier
        .statements(&mut parser, 0)
        .map_err(|error| match error.kind {
            cssparser::ParseErrorKind::Custom(skip) => skip,
            cssparser::ParseErrorKind::Basic(_) => Skip::NotUnderstood,
        })?;
    copier.end_semicolon();
    Ok(copier.out)
}

/// What stood between the last token and the next.
#[derive(Clone, Copy, PartialEq)]
enum Glue {
    Nothing,
    Comment,
    Space,
}

struct Copier<'s> {
    source: &'s str,
    out: String,
    last: TokenSerializationType,
    glue: Glue,
    /// A semicolon that is written unless the block ends here.
    semicolon: bool,
}

impl Copier<'_> {
    /// A list of rules and declarations: the sheet, or what is between braces.
    fn statements<'i>(
        &mut self,
        parser: &mut Parser<'i, '_>,
        depth: usize,
    ) -> Result<(), Stop<'i>> {
        let mut at_start = true;
        loop {
            let from = parser.position().byte_index();
            let Ok(token) = parser.next_including_whitespace_and_comments() else {
                return Ok(());
            };
            let token = token.clone();
            let slice = &self.source[from..parser.position().byte_index()];
            match &token {
                Token::WhiteSpace(_) => self.glue = Glue::Space,
                Token::Comment(text) => self.comment(parser, text, slice, at_start)?,
                Token::Semicolon if depth == 0 => {
                    self.put(slice, &token);
                    at_start = true;
                }
                Token::Semicolon => {
                    // Written late, so that it is not written at the end of a block; twice is once.
                    self.glue = Glue::Nothing;
                    self.semicolon = true;
                    at_start = true;
                }
                Token::CurlyBracketBlock => {
                    self.block(parser, slice, &token, depth)?;
                    at_start = true;
                }
                Token::Ident(name) if at_start && depth > 0 && is_property(parser) => {
                    if name.starts_with('_') {
                        return Err(parser.new_custom_error(Skip::NotUnderstood));
                    }
                    let verbatim = name.starts_with("--");
                    self.put(slice, &token);
                    if verbatim {
                        self.custom_property(parser)?;
                    }
                    at_start = verbatim;
                }
                Token::AtKeyword(name) => {
                    let name = name.to_ascii_lowercase();
                    if !at_start || AT_RULES.binary_search(&name.as_str()).is_err() {
                        return Err(parser.new_custom_error(Skip::NotUnderstood));
                    }
                    self.put(slice, &token);
                    at_start = false;
                }
                // `*name:` was a property to an old browser, and is a universal selector nowhere.
                Token::Delim('*') if at_start && depth > 0 && is_name_next(parser) => {
                    return Err(parser.new_custom_error(Skip::NotUnderstood));
                }
                _ => {
                    self.inner(parser, slice, &token, depth)?;
                    at_start = false;
                }
            }
        }
    }

    /// What is between parentheses or brackets.
    fn value<'i>(&mut self, parser: &mut Parser<'i, '_>, depth: usize) -> Result<(), Stop<'i>> {
        loop {
            let from = parser.position().byte_index();
            let Ok(token) = parser.next_including_whitespace_and_comments() else {
                return Ok(());
            };
            let token = token.clone();
            let slice = &self.source[from..parser.position().byte_index()];
            match &token {
                Token::WhiteSpace(_) => self.glue = Glue::Space,
                Token::Comment(text) => self.comment(parser, text, slice, false)?,
                _ => self.inner(parser, slice, &token, depth)?,
            }
        }
    }

    /// A token within a statement, with everything in it if it opens something.
    fn inner<'i>(
        &mut self,
        parser: &mut Parser<'i, '_>,
        slice: &str,
        token: &Token<'i>,
        depth: usize,
    ) -> Result<(), Stop<'i>> {
        if is_trick(token, slice) {
            return Err(parser.new_custom_error(Skip::NotUnderstood));
        }
        let is_other_mark = matches!(token, Token::Delim('!')) && !is_followed_by_important(parser);
        if is_other_mark {
            return Err(parser.new_custom_error(Skip::NotUnderstood));
        }
        match token {
            Token::Function(_) | Token::ParenthesisBlock | Token::SquareBracketBlock => {
                self.put(slice, token);
                self.nested(parser, depth, Self::value)?;
                let (close, kind) = match token {
                    Token::SquareBracketBlock => ("]", Token::CloseSquareBracket),
                    _ => (")", Token::CloseParenthesis),
                };
                self.put(close, &kind);
            }
            Token::CurlyBracketBlock => self.block(parser, slice, token, depth)?,
            _ => self.put(slice, token),
        }
        Ok(())
    }

    fn block<'i>(
        &mut self,
        parser: &mut Parser<'i, '_>,
        slice: &str,
        token: &Token<'i>,
        depth: usize,
    ) -> Result<(), Stop<'i>> {
        self.put(slice, token);
        self.nested(parser, depth, Self::statements)?;
        self.semicolon = false;
        self.put("}", &Token::CloseCurlyBracket);
        Ok(())
    }

    fn nested<'i>(
        &mut self,
        parser: &mut Parser<'i, '_>,
        depth: usize,
        contents: impl for<'t> Fn(&mut Self, &mut Parser<'i, 't>, usize) -> Result<(), Stop<'i>>,
    ) -> Result<(), Stop<'i>> {
        if depth >= limits::SHEET_DEPTH {
            return Err(parser.new_custom_error(Skip::NotUnderstood));
        }
        parser.parse_nested_block(|parser| contents(self, parser, depth + 1))
    }

    /// The value of a custom property, from the colon to what ends it, as it is.
    fn custom_property<'i>(&mut self, parser: &mut Parser<'i, '_>) -> Result<(), Stop<'i>> {
        let from = parser.position().byte_index();
        let end = skim(parser, 0)?;
        self.out.push_str(&self.source[from..end]);
        self.last = TokenSerializationType::Nothing;
        self.glue = Glue::Nothing;
        // An empty value is one only where something ends it.
        self.semicolon = self.source[end..].starts_with(';');
        Ok(())
    }

    fn comment<'i>(
        &mut self,
        parser: &Parser<'i, '_>,
        text: &str,
        slice: &str,
        at_start: bool,
    ) -> Result<(), Stop<'i>> {
        if text
            .trim_start_matches(['#', '@'])
            .trim_start()
            .starts_with("sourceMappingURL=")
        {
            return Err(parser.new_custom_error(Skip::SourceMap));
        }
        if !text.starts_with('!') {
            if self.glue == Glue::Nothing {
                self.glue = Glue::Comment;
            }
            return Ok(());
        }
        if !at_start {
            return Err(parser.new_custom_error(Skip::NotUnderstood));
        }
        self.end_semicolon();
        self.out.push_str(slice);
        self.last = TokenSerializationType::Nothing;
        self.glue = Glue::Nothing;
        Ok(())
    }

    fn put(&mut self, slice: &str, token: &Token<'_>) {
        self.end_semicolon();
        let kind = token.serialization_type();
        match self.glue {
            Glue::Space if separates(&self.out, token) => self.out.push(' '),
            Glue::Comment if self.last.needs_separator_when_before(kind) => {
                self.out.push_str("/**/");
            }
            _ => {}
        }
        self.glue = Glue::Nothing;
        self.out.push_str(slice);
        self.last = kind;
    }

    fn end_semicolon(&mut self) {
        if std::mem::take(&mut self.semicolon) {
            self.out.push(';');
            self.last = TokenSerializationType::Nothing;
        }
    }
}

/// Whether white space between what is written and a token may mean something. Behind a comma it means nothing
/// either, but the judge takes a value with variables in it as it is written.
fn separates(written: &str, token: &Token<'_>) -> bool {
    let before = written.bytes().next_back();
    let after = matches!(
        token,
        Token::CurlyBracketBlock
            | Token::CloseCurlyBracket
            | Token::CloseParenthesis
            | Token::CloseSquareBracket
            | Token::Semicolon
            | Token::Comma
            | Token::Delim('>' | '!')
    );
    !(after || before.is_none_or(|b| b"{};([:>".contains(&b)))
}

/// Whether a name that has just been read is followed by a colon.
fn is_property(parser: &mut Parser<'_, '_>) -> bool {
    let state = parser.state();
    let is = parser.expect_colon().is_ok();
    parser.reset(&state);
    is
}

/// Whether a name follows, without anything between.
fn is_name_next(parser: &mut Parser<'_, '_>) -> bool {
    let state = parser.state();
    let is = matches!(
        parser.next_including_whitespace_and_comments(),
        Ok(Token::Ident(_))
    );
    parser.reset(&state);
    is
}

/// Reads on to the semicolon or the end of the block, and tells where that is.
fn skim<'i>(parser: &mut Parser<'i, '_>, depth: usize) -> Result<usize, Stop<'i>> {
    loop {
        let at = parser.position().byte_index();
        match parser.next_including_whitespace_and_comments() {
            Err(_) => return Ok(at),
            Ok(Token::Semicolon) if depth == 0 => return Ok(at),
            Ok(
                Token::Function(_)
                | Token::ParenthesisBlock
                | Token::SquareBracketBlock
                | Token::CurlyBracketBlock,
            ) => {
                if depth >= limits::SHEET_DEPTH {
                    return Err(parser.new_custom_error(Skip::NotUnderstood));
                }
                parser.parse_nested_block(|parser| skim(parser, depth + 1))?;
            }
            Ok(token) if is_broken(token) => {
                return Err(parser.new_custom_error(Skip::NotUnderstood));
            }
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

/// What is not CSS, or is meant for a browser that misreads it.
fn is_trick(token: &Token<'_>, slice: &str) -> bool {
    let by_name = match token {
        Token::Ident(name) => name.eq_ignore_ascii_case("progid"),
        Token::Function(name) => name.eq_ignore_ascii_case("expression"),
        _ => false,
    };
    let by_escape = matches!(
        token,
        Token::Ident(_) | Token::Dimension { .. } | Token::Number { .. }
    ) && (slice.contains("\\9") || slice.contains("\\0"));
    by_name || by_escape || is_broken(token) || matches!(token, Token::Delim('\\'))
}

fn is_followed_by_important(parser: &mut Parser<'_, '_>) -> bool {
    let state = parser.state();
    let is = parser
        .expect_ident()
        .is_ok_and(|name| name.eq_ignore_ascii_case("important"));
    parser.reset(&state);
    is
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_rules_are_in_order() {
        assert!(AT_RULES.is_sorted());
    }

    #[test]
    fn white_space_goes_where_it_means_nothing() {
        for (source, expected) in [
            ("a  {  color :  red ;  }\n", "a{color :red}"),
            (
                "a:hover > b , c + d ~ e f {margin: 0 -1px}",
                "a:hover>b, c + d ~ e f{margin:0 -1px}",
            ),
            (
                "@media  screen and ( min-width : 3px ) { a { b : c ; } }",
                "@media screen and (min-width :3px){a{b :c}}",
            ),
            ("a{b:c;;d:e;}", "a{b:c;d:e}"),
            ("a{width:calc( 1px  +  2px )}", "a{width:calc(1px + 2px)}"),
            ("a{b:c /* x */ d}", "a{b:c d}"),
            ("a{b:c/* x */d}", "a{b:c/**/d}"),
            ("a :hover{} a:not( .b ) .c{}", "a :hover{}a:not(.b) .c{}"),
            ("a{color:red ! important}", "a{color:red! important}"),
            (
                "a{--x: ;--y:  { a : b } ; c: d}",
                "a{--x: ;--y:  { a : b } ;c:d}",
            ),
            ("a{--x:/* kept */1}", "a{--x:/* kept */1}"),
            ("a{b:\"x  /* y */ z\" ;c:url( a  b.png )}", ""),
            (
                "a{b:\"x  /* y */ z\" ;c:url( 'a b.png' )}",
                "a{b:\"x  /* y */ z\";c:url('a b.png')}",
            ),
            ("/*! MIT */ a{} /*! two */", "/*! MIT */ a{}/*! two */"),
            (
                "@charset \"utf-8\";\n@import 'a.css' screen ;\n@import url(b.css);",
                "@charset \"utf-8\";@import 'a.css' screen;@import url(b.css);",
            ),
            (
                "@font-face{unicode-range: U+0025-00FF, u+4?? ;}",
                "@font-face{unicode-range:U+0025-00FF, u+4??}",
            ),
            ("a{ & > b { c: d } }", "a{&>b{c:d}}"),
        ] {
            let copied = copy(source).unwrap_or_default();
            assert_eq!(copied, expected, "{source}");
        }
    }

    #[test]
    fn what_is_not_followed_is_not_copied() {
        for source in [
            "a{*zoom:1}",
            "a{_height:1px}",
            "a{width:1px\\9}",
            "a{color:red !ie}",
            "@media \\0screen{a{b:c}}",
            "a{filter:progid:DXImageTransform.Microsoft.gradient()}",
            "a{width:expression(1)}",
            "@unknown{a{b:c}}",
            "@tailwind base;",
            "<!-- a{b:c} -->",
            "a{b:c}}",
            "a{b:url(x y)}",
            "a{b:\"x\n}",
            "a{--x:)}",
            "a /*! in the middle */ {b:c}",
        ] {
            assert_eq!(copy(source), Err(Skip::NotUnderstood), "{source}");
        }
        assert_eq!(
            copy("a{}/*# sourceMappingURL=a.css.map */"),
            Err(Skip::SourceMap)
        );
        let deep = format!("a{{b:{}", "(".repeat(10_000));
        assert_eq!(copy(&deep), Err(Skip::NotUnderstood));
        let deep = format!("a{{--b:{}", "[".repeat(10_000));
        assert_eq!(copy(&deep), Err(Skip::NotUnderstood));
    }
}
