//! The original without its metadata, where it is the best there is.
//!
//! It is the same for every class and width: its bytes are stored once, and what stands in the places of the variants
//! is a note that names them.

use bytes::Bytes;
use http::{HeaderMap, HeaderName};

use super::fingerprint;
use super::variant::{RECIPES, keep, variant_entry};
use crate::cache::Entry;
use crate::cache::key::{self, digest};
use crate::context::Context;
use crate::platform::Platform;

/// Mark of such a note.
const NOTE: &[u8] = b"VTS1";
/// Why the original stays: in the optimizer's answer, and in the stored headers, which no client gets.
pub(super) const SKIP: HeaderName = HeaderName::from_static("x-vitrine-skip");

/// Why a variant is the original, if it is.
pub(in crate::routes) fn reason(variant: &Entry) -> Option<&str> {
    variant.headers.get(SKIP)?.to_str().ok()
}

/// An answer of the optimizer, if it is the original.
pub(super) fn entry(
    known: &Entry,
    original: &Bytes,
    (head, bytes): &(HeaderMap, Vec<u8>),
) -> Option<Result<Entry, String>> {
    let reason = head.get(SKIP)?.to_str().ok()?;
    let saved = original.len().saturating_sub(bytes.len());
    let reason = format!("{reason}, stripped {saved} bytes").parse().ok()?;
    let name = digest([shared_key(known).as_bytes()]);
    let entry = variant_entry(known, head, bytes.clone(), &name).map(|mut entry| {
        entry.headers.insert(SKIP, reason);
        entry
    });
    Some(entry)
}

/// Stores what came of an image, or why nothing did.
pub(super) async fn keep_or_share<P: Platform>(
    context: &Context<P>,
    key: &str,
    known: &Entry,
    outcome: Result<Entry, String>,
) {
    match outcome.as_ref().map(|variant| (variant, reason(variant))) {
        Ok((variant, Some(reason))) => {
            let shared = shared_key(known);
            let note = [NOTE, shared.as_bytes(), b" ", reason.as_bytes()].concat();
            context.platform.cache_put(&shared, variant.encode()).await;
            context.platform.cache_put(key, note).await;
        }
        _ => keep(context, key, outcome).await,
    }
}

/// What a note names. The bytes may be gone: then there is nothing. `None` where it is no such note.
pub(super) async fn named<P: Platform>(context: &Context<P>, note: &[u8]) -> Option<Option<Entry>> {
    let note = std::str::from_utf8(note.strip_prefix(NOTE)?).ok()?;
    let (shared, reason) = note.split_once(' ')?;
    let entry = context.platform.cache_get(shared).await;
    Some(entry.and_then(Entry::decode).and_then(|mut entry| {
        // The bytes may have been stored for another reason.
        entry.headers.insert(SKIP, reason.parse().ok()?);
        Some(entry)
    }))
}

fn shared_key(known: &Entry) -> String {
    key::variant(&fingerprint(known), &format!("stripped-{RECIPES}"), 0)
}
