//! Whether two sheets mean the same, by a parser that knows every property.

use std::sync::{Arc, RwLock};

use lightningcss::stylesheet::{ParserFlags, ParserOptions, PrinterOptions, StyleSheet};

use crate::Skip;

/// Refuses a sheet that is not understood whole, and a copy that means something else.
pub(super) fn same(source: &str, copy: &str) -> Result<(), Skip> {
    if normal(source)? == normal(copy)? {
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
