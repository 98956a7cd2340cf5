//! What the `Content-Type` header says of a document.

use encoding_rs::Encoding;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use lol_html::AsciiCompatibleEncoding;

/// The parts of a `Content-Type` that decide whether a document can be rewritten.
pub(super) struct ContentType {
    essence: String,
    charset: Charset,
}

enum Charset {
    Undeclared,
    /// A label of no encoding that browsers know.
    Unknown,
    /// Known, but `<` is not the byte of ASCII in it.
    NotAscii,
    Known(AsciiCompatibleEncoding),
}

impl ContentType {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let value = headers.get(CONTENT_TYPE);
        let value = String::from_utf8_lossy(value.map_or(b"", |v| v.as_bytes()));
        let mut parts = value.split(';');
        let essence = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
        let label = parts.find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case("charset")
                .then(|| value.trim().trim_matches(['"', '\'']).to_owned())
        });
        let charset = match label {
            None => Charset::Undeclared,
            Some(label) => match Encoding::for_label(label.as_bytes()) {
                None => Charset::Unknown,
                Some(encoding) => {
                    AsciiCompatibleEncoding::new(encoding).map_or(Charset::NotAscii, Charset::Known)
                }
            },
        };
        Self { essence, charset }
    }

    /// Why the document cannot be rewritten, if it cannot.
    pub(super) fn obstacle(&self) -> Option<&'static str> {
        match (self.essence.as_str(), &self.charset) {
            ("application/xhtml+xml", _) => Some("XHTML"),
            ("text/html", Charset::Unknown) => Some("an unknown charset"),
            ("text/html", Charset::NotAscii) => Some("a charset that is not a superset of ASCII"),
            ("text/html", _) => None,
            _ => Some("not HTML"),
        }
    }

    pub(super) fn charset(&self) -> Option<AsciiCompatibleEncoding> {
        match self.charset {
            Charset::Known(encoding) => Some(encoding),
            _ => None,
        }
    }
}
