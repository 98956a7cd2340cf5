//! The application that the binary carries, if it was built with one (see `build.rs`).

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The manifest and the components by name.
pub(crate) fn application() -> Option<(&'static str, &'static [(&'static str, &'static [u8])])> {
    MANIFEST.map(|manifest| (manifest, COMPONENTS))
}
