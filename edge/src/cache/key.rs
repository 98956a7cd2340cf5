//! Names of cache entries. A key is a digest: it holds everything that chooses the bytes, and nothing that
//! names a person.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// Changes when the form of entries does: what an older version wrote is then a miss.
const SCHEMA: &str = "v1";

/// A digest of parts, in hexadecimal, 128 bits of it. Each part is preceded by its length, so that no two
/// lists of parts run together into the same text.
pub fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize()[..16]
        .iter()
        .fold(String::with_capacity(32), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// What an asset or an image is known by.
#[derive(Debug, Clone, Copy)]
pub struct Address<'a> {
    /// Digest of the configuration.
    pub policy: &'a str,
    /// Scheme and host, which the origin is told and may write into what it sends.
    pub scheme: &'a str,
    /// Host.
    pub host: &'a str,
    /// Path and query as they came: parameters are never dropped or reordered.
    pub path_and_query: &'a str,
}

impl Address<'_> {
    /// Key of a whole response, in one coding.
    pub fn asset(&self, coding: &str) -> String {
        format!("{SCHEMA}:a:{}", self.digest(coding))
    }

    /// Key of a page, as the shop wrote it.
    pub fn page(&self) -> String {
        format!("{SCHEMA}:p:{}", self.digest(""))
    }

    /// Key of what is known about an image.
    pub fn image(&self) -> String {
        format!("{SCHEMA}:i:{}", self.digest(""))
    }

    /// Key of what pages have shown about a style sheet.
    pub fn sheet(&self) -> String {
        format!("{SCHEMA}:s:{}", self.digest(""))
    }

    fn digest(&self, rest: &str) -> String {
        digest(
            [
                self.policy,
                self.scheme,
                self.host,
                self.path_and_query,
                rest,
            ]
            .map(str::as_bytes),
        )
    }
}

/// Key of an original's bytes, by their digest.
pub fn original(content: &str) -> String {
    format!("{SCHEMA}:o:{content}")
}

/// Key of a variant of an original: its class and the recipe asked for.
pub fn variant(content: &str, class: &str, quality: u8) -> String {
    format!("{SCHEMA}:v:{content}:{class}:{quality}")
}

/// Key of a font, by the digest of what it is known by.
pub fn font(address: &str) -> String {
    format!("{SCHEMA}:f:{address}")
}

/// Key of the note that work on another key is under way.
pub fn in_flight(key: &str) -> String {
    format!("{key}:busy")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_chooses_the_bytes_is_in_the_key() {
        let base = Address {
            policy: "p1",
            scheme: "https",
            host: "a",
            path_and_query: "/x?y=1",
        };
        let mut keys = vec![
            base.asset("br"),
            base.asset("gzip"),
            base.image(),
            base.page(),
            Address {
                policy: "p2",
                ..base
            }
            .asset("br"),
            Address {
                scheme: "http",
                ..base
            }
            .asset("br"),
            Address { host: "b", ..base }.asset("br"),
            Address {
                path_and_query: "/x?y=2",
                ..base
            }
            .asset("br"),
            Address {
                host: "a/",
                path_and_query: "x?y=1",
                ..base
            }
            .asset("br"),
        ];
        let all = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), all);
        assert_eq!(base.asset("br"), base.asset("br"));
    }
}
