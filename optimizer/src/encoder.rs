//! The engines, one file each, behind one trait.

mod mozjpeg;
mod png;
#[cfg(feature = "pure-rust")]
mod ravif;

use crate::source::Facts;
use crate::{Format, Picture, Quality, Skip, Target};

/// An engine: pixels in, a file out.
pub trait Encoder {
    /// The media type of what it makes.
    fn content_type(&self) -> &'static str;

    /// How many pixels it does within a background job's time and a component's memory.
    fn max_pixels(&self) -> u64;

    /// Refuses by what the container says, before anything is decoded.
    fn refuse_early(&self, facts: &Facts<'_>, quality: Quality) -> Result<(), Skip>;

    /// Makes the file.
    fn encode(&self, picture: &Picture, quality: Quality) -> Result<Coded, Skip>;
}

/// What an engine made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coded {
    /// The file.
    pub bytes: Vec<u8>,
    /// Engine and settings.
    pub recipe: String,
}

/// The engine for a target and a source, if one is built in.
pub fn engine(target: Target, source: Format) -> Option<&'static dyn Encoder> {
    match (target, source) {
        #[cfg(feature = "pure-rust")]
        (Target::Avif, _) => Some(&ravif::Ravif),
        #[cfg(not(feature = "pure-rust"))]
        (Target::Avif, _) => None,
        (Target::Same, Format::Jpeg) => Some(&mozjpeg::MozJpeg),
        (Target::Same, Format::Png) => Some(&png::Png),
    }
}
