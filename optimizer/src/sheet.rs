//! Better bytes for a style sheet: the same sheet without what only people read.
//!
//! Two parsers look at a sheet. One copies its tokens, each byte for byte, and leaves out comments and white
//! space that means nothing ([`copy`]); it knows no property and changes no value. The other, which does know
//! them all, must understand the sheet without one error or warning, and must find that the copy means the
//! same ([`judge`]). A sheet that either does not follow stays as it is.

mod copy;
mod judge;

use std::io::Write as _;

use crate::{Skip, limits};

/// A content coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// None.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 7932.
    Brotli,
}

impl Coding {
    /// Reads the token of `Content-Encoding`.
    pub fn from_token(token: &str) -> Option<Self> {
        match token {
            "identity" => Some(Self::Identity),
            "gzip" => Some(Self::Gzip),
            "br" => Some(Self::Brotli),
            _ => None,
        }
    }

    /// The token of `Content-Encoding`, where one is written.
    pub fn token(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
        }
    }
}

/// Copies `source` without what only people read, or says why it stays. The result is UTF-8, coded as asked.
///
/// `is_utf8` says that the sheet's sender, or a mark in it, states that it is; without either only ASCII is
/// taken, because the encoding would be the linking page's.
pub fn minify(source: &[u8], is_utf8: bool, coding: Coding) -> Result<Vec<u8>, Skip> {
    let text = text_of(source, is_utf8)?;
    let copy = copy::copy(text)?;
    if copy.is_empty() {
        return Err(Skip::NothingToDo);
    }
    judge::same(text, &copy)?;
    if !limits::pays(copy.len(), text.len()) {
        return Err(Skip::NotSmaller);
    }
    coded(&copy, coding)
}

fn text_of(source: &[u8], is_utf8: bool) -> Result<&str, Skip> {
    if source.len() > limits::SHEET_BYTES {
        return Err(Skip::TooLarge);
    }
    let text = std::str::from_utf8(source).map_err(|_| Skip::Charset)?;
    let (text, marked) = match text.strip_prefix('\u{feff}') {
        Some(rest) => (rest, true),
        None => (
            text,
            text.to_ascii_lowercase().starts_with("@charset \"utf-8\";"),
        ),
    };
    let names_another = text.starts_with("@charset") && !marked && !is_utf8;
    if names_another || !(is_utf8 || marked || text.is_ascii()) || text.contains('\0') {
        return Err(Skip::Charset);
    }
    Ok(text)
}

fn coded(text: &str, coding: Coding) -> Result<Vec<u8>, Skip> {
    let plain = text.as_bytes();
    match coding {
        Coding::Identity => Ok(plain.to_vec()),
        Coding::Gzip => {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            encoder
                .write_all(plain)
                .and_then(|()| encoder.finish())
                .map_err(|_| Skip::EncoderFailed)
        }
        Coding::Brotli => {
            let params = brotli::enc::BrotliEncoderParams {
                mode: brotli::enc::backward_references::BrotliEncoderMode::BROTLI_MODE_TEXT,
                size_hint: plain.len(),
                ..Default::default()
            };
            let mut out = Vec::new();
            brotli::BrotliCompress(&mut &*plain, &mut out, &params)
                .map_err(|_| Skip::EncoderFailed)?;
            Ok(out)
        }
    }
}
