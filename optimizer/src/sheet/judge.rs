//! Whether two sheets mean the same, by a parser that knows every property.

use std::sync::{Arc, RwLock};

use lightningcss::stylesheet::{ParserFlags, ParserOptions, PrinterOptions, StyleSheet};

use crate::Skip;

/// Refuses a sheet that is not understood whole, and a copy that means something else.
pub(super) fn same(source: &str, copy: &str) -> Result<(), Skip> {
    let (original, copied) = (normal(source)?, normal(copy)?);
    // A space before a comment that ends a value is in the form of the one and not of the other; it means nothing,
    // and in the form of the form it is gone.
    if original == copied || normal(&original)? == normal(&copied)? {
        Ok(())
    } else {
        Err(Skip::Changed)
    }
}

/// A sheet in the one form that every sheet of the same meaning has. No browser is aimed at: nothing is
/// lowered, prefixed or merged.
pub(super) fn normal(source: &str) -> Result<String, Skip> {
    let warnings = Arc::new(RwLock::new(Vec::new()));
    let options = ParserOptions {
        error_recovery: false,
        warnings: Some(Arc::clone(&warnings)),
        flags: ParserFlags::NESTING,
        ..ParserOptions::default()
    };
    let sheet = StyleSheet::parse(source, options).map_err(|_| Skip::NotUnderstood)?;
    let printed = sheet
        .to_css(PrinterOptions {
            minify: true,
            ..PrinterOptions::default()
        })
        .map_err(|_| Skip::NotUnderstood)?;
    match warnings.read() {
        Ok(warnings) if warnings.is_empty() => Ok(printed.code),
        _ => Err(Skip::NotUnderstood),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_else_is_told_from_what_does_not() {
        for (source, copy) in [
            ("a{b:c /* d */}", "a{b:c}"),
            ("a{b:var(--c) /* d */}", "a{b:var(--c)}"),
            ("a  >  b { c : d ; }", "a>b{c:d}"),
        ] {
            assert_eq!(same(source, copy), Ok(()), "{source}");
        }
        for (source, copy) in [
            ("a{b:c d}", "a{b:cd}"),
            ("a{b:var(--c) d}", "a{b:var(--c)d}"),
            ("a{--b: }", "a{--b:c}"),
            ("a b{c:d}", "ab{c:d}"),
            ("a :hover{c:d}", "a:hover{c:d}"),
            ("a{b:c}d{e:f}", "d{e:f}a{b:c}"),
            ("a{b:c;b:d}", "a{b:d}"),
        ] {
            assert_eq!(same(source, copy), Err(Skip::Changed), "{source}");
        }
    }
}
