//! How an entry is written down: a head with lengths, and the bytes. What does not add up is a miss (H84).

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};

use super::freshness::{Freshness, Shareable};

const MAGIC: &[u8; 4] = b"VTE1";
/// Bytes before the headers: magic, five numbers of 64 bits, length of headers, length of body.
const FIXED: usize = 4 + 5 * 8 + 4 + 8;

/// Headers that belong to one answer, not to what was answered.
const PER_ANSWER: [HeaderName; 9] = [
    header::AGE,
    header::VIA,
    header::CONNECTION,
    header::SET_COOKIE,
    header::TRANSFER_ENCODING,
    header::CONTENT_LENGTH,
    HeaderName::from_static("server-timing"),
    HeaderName::from_static("x-vitrine"),
    HeaderName::from_static("alt-svc"),
];

/// A stored response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// For how long it may be used.
    pub freshness: Freshness,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Entry {
    /// An entry for a response that may be shared.
    pub fn new(proof: &Shareable, headers: &HeaderMap, body: Bytes) -> Self {
        let mut headers = headers.clone();
        for name in &PER_ANSWER {
            headers.remove(name);
        }
        Self {
            freshness: proof.freshness(),
            headers,
            body,
        }
    }

    /// Status of every entry.
    pub const STATUS: StatusCode = StatusCode::OK;

    /// The written form.
    pub fn encode(&self) -> Vec<u8> {
        let mut head = Vec::new();
        for (name, value) in &self.headers {
            let name = name.as_str().as_bytes();
            head.extend((name.len() as u16).to_le_bytes());
            head.extend(name);
            head.extend((value.len() as u32).to_le_bytes());
            head.extend(value.as_bytes());
        }
        let f = &self.freshness;
        let mut out = Vec::with_capacity(FIXED + head.len() + self.body.len());
        out.extend(MAGIC);
        for number in [
            f.received_ms,
            f.initial_age_s,
            f.lifetime_s,
            f.stale_while_revalidate_s,
            f.stale_if_error_s,
        ] {
            out.extend(number.to_le_bytes());
        }
        out.extend((head.len() as u32).to_le_bytes());
        out.extend((self.body.len() as u64).to_le_bytes());
        out.extend(head);
        out.extend(&self.body);
        out
    }

    /// Reads the written form. `None` when anything about it does not add up.
    pub fn decode(written: Vec<u8>) -> Option<Self> {
        let mut written = Bytes::from(written);
        if written.len() < FIXED {
            return None;
        }
        let mut fixed = written.split_to(FIXED);
        if fixed.split_to(4) != MAGIC[..] {
            return None;
        }
        let mut number = || {
            Some(u64::from_le_bytes(
                fixed.split_to(8).as_ref().try_into().ok()?,
            ))
        };
        let freshness = Freshness {
            received_ms: number()?,
            initial_age_s: number()?,
            lifetime_s: number()?,
            stale_while_revalidate_s: number()?,
            stale_if_error_s: number()?,
        };
        let head_len = u32::from_le_bytes(fixed.split_to(4).as_ref().try_into().ok()?) as usize;
        let body_len = u64::from_le_bytes(fixed.as_ref().try_into().ok()?);
        if (written.len() as u64) != (head_len as u64).checked_add(body_len)? {
            return None;
        }
        let headers = decode_headers(written.split_to(head_len))?;
        Some(Self {
            freshness,
            headers,
            body: written,
        })
    }
}

fn decode_headers(mut head: Bytes) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    let take = |head: &mut Bytes, len: usize| (head.len() >= len).then(|| head.split_to(len));
    while !head.is_empty() {
        let len = u16::from_le_bytes(take(&mut head, 2)?.as_ref().try_into().ok()?);
        let name = HeaderName::from_bytes(&take(&mut head, usize::from(len))?).ok()?;
        let len = u32::from_le_bytes(take(&mut head, 4)?.as_ref().try_into().ok()?);
        let value = HeaderValue::from_maybe_shared(take(&mut head, len as usize)?).ok()?;
        headers.append(name, value);
    }
    Some(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        let mut headers = HeaderMap::new();
        headers.append("content-type", "text/css".parse().unwrap());
        headers.append("link", "</a>; rel=preload".parse().unwrap());
        headers.append("link", "</b>; rel=preload".parse().unwrap());
        Entry {
            freshness: Freshness {
                received_ms: 1,
                initial_age_s: 2,
                lifetime_s: 3,
                stale_while_revalidate_s: 4,
                stale_if_error_s: 5,
            },
            headers,
            body: Bytes::from_static(b"body { color: red }"),
        }
    }

    #[test]
    fn what_was_written_is_read_back() {
        assert_eq!(Entry::decode(entry().encode()), Some(entry()));
    }

    #[test]
    fn h84_an_entry_cut_anywhere_or_followed_by_more_is_a_miss() {
        let written = entry().encode();
        for cut in 0..written.len() {
            assert_eq!(Entry::decode(written[..cut].to_vec()), None, "cut at {cut}");
        }
        let mut longer = written;
        longer.push(0);
        assert_eq!(Entry::decode(longer), None);
    }
}
