//! The application that the binary carries, if it was built with one (see `build.rs`).

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// A component's name and its bytes.
pub(crate) type Embedded = (&'static str, &'static [u8]);

/// The manifest and the components.
pub(crate) fn application() -> Option<(&'static str, &'static [Embedded])> {
    MANIFEST.map(|manifest| (manifest, COMPONENTS))
}
