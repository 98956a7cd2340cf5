//! The page token: what the edge knows about a page view, signed, so that a beacon cannot claim otherwise.
//!
//! Wire form: `1.<base64url payload>.<base64url of the first 16 bytes of HMAC-SHA256(key, "1.<payload>")>`,
//! at most [`MAX_LEN`] bytes. The payload is JSON with short keys. `edge` mints tokens, the collector
//! verifies them; arm, template, bucket and weight are trusted from here only.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// Longest token accepted, in bytes.
pub const MAX_LEN: usize = 256;
/// How long a token is good for: 30 minutes of browsing and 24 hours for late beacons (bfcache), in minutes.
pub const VALID_MINUTES: u64 = 30 + 24 * 60;

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Site.
    #[serde(rename = "s")]
    pub site: String,
    /// Page template.
    #[serde(rename = "t")]
    pub template: String,
    /// Experiment arms, `experiment:arm`.
    #[serde(rename = "a", default, skip_serializing_if = "Vec::is_empty")]
    pub arms: Vec<String>,
    /// Visitor bucket, 0..1024, the unit of analysis.
    #[serde(rename = "b")]
    pub bucket: u16,
    /// Sampling weight, 1..=10,000.
    #[serde(rename = "w")]
    pub weight: u16,
    /// Minute of issue, minutes since the Unix epoch.
    #[serde(rename = "m")]
    pub issued_minute: u64,
}

/// Why a token is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not of the wire form, too long, or signed with another key.
    #[error("the token is not one of ours")]
    Invalid,
    /// Older than [`VALID_MINUTES`], or from the future by more than a minute.
    #[error("the token has expired")]
    Expired,
}

/// Mints a token.
pub fn mint(key: &[u8], claims: &Claims) -> String {
    let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims).unwrap_or_default());
    let signed = format!("1.{payload}");
    let tag = tag(key, &signed);
    format!("{signed}.{tag}")
}

/// Verifies a token against the live keys, newest first. `now_ms` is milliseconds since the Unix epoch.
pub fn verify(keys: &[&[u8]], token: &str, now_ms: u64) -> Result<Claims, TokenError> {
    if token.len() > MAX_LEN {
        return Err(TokenError::Invalid);
    }
    let (signed, tag) = token.rsplit_once('.').ok_or(TokenError::Invalid)?;
    let payload = signed.strip_prefix("1.").ok_or(TokenError::Invalid)?;
    if !is_tag_of(keys, signed, tag) {
        return Err(TokenError::Invalid);
    }
    let payload = URL_SAFE_NO_PAD
        .decode(payload)
        .map_err(|_| TokenError::Invalid)?;
    let claims: Claims = serde_json::from_slice(&payload).map_err(|_| TokenError::Invalid)?;
    let minute = now_ms / 60_000;
    if claims.issued_minute > minute + 1 || minute > claims.issued_minute + VALID_MINUTES {
        return Err(TokenError::Expired);
    }
    Ok(claims)
}

/// Signs a text: the first 16 bytes of its HMAC-SHA256, in base64url without padding.
pub fn tag(key: &[u8], text: &str) -> String {
    URL_SAFE_NO_PAD.encode(&sign(key, text.as_bytes())[..16])
}

/// Whether a tag is of this text, by one of the live keys. Compares in constant time.
pub fn is_tag_of(keys: &[&[u8]], text: &str, tag: &str) -> bool {
    let Ok(tag) = URL_SAFE_NO_PAD.decode(tag) else {
        return false;
    };
    tag.len() == 16 && keys.iter().any(|key| tag_is_valid(key, text, &tag))
}

fn mac(key: &[u8], message: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(message);
    Some(mac)
}

fn sign(key: &[u8], message: &[u8]) -> [u8; 32] {
    mac(key, message).map_or([0; 32], |mac| mac.finalize().into_bytes().into())
}

/// Compares in constant time.
fn tag_is_valid(key: &[u8], signed: &str, tag: &[u8]) -> bool {
    mac(key, signed.as_bytes()).is_some_and(|mac| mac.verify_truncated_left(tag).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Claims {
        Claims {
            site: "demo".into(),
            template: "product".into(),
            arms: vec![],
            bucket: 7,
            weight: 1,
            issued_minute: 1_000,
        }
    }

    #[test]
    fn a_minted_token_verifies_until_it_expires() {
        let token = mint(b"key", &claims());
        assert_eq!(
            verify(&[b"new", b"key"], &token, 1_000 * 60_000),
            Ok(claims())
        );
        let late = (1_000 + VALID_MINUTES + 1) * 60_000;
        assert_eq!(verify(&[b"key"], &token, late), Err(TokenError::Expired));
    }

    #[test]
    fn a_changed_token_is_invalid() {
        let token = mint(b"key", &claims());
        let mut other = claims();
        other.template = "home".into();
        let forged = mint(b"other", &other);
        assert_eq!(
            verify(&[b"key"], &forged, 60_000_000),
            Err(TokenError::Invalid)
        );
        for cut in 0..token.len() {
            assert_eq!(
                verify(&[b"key"], &token[..cut], 60_000_000),
                Err(TokenError::Invalid)
            );
        }
    }
}
