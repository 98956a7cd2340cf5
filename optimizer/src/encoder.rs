//! The engines, one file each, behind one trait.

#[cfg(any(feature = "codecs", feature = "pure-rust"))]
mod avif;
#[cfg(feature = "codecs")]
mod libaom;
#[cfg(feature = "codecs")]
mod libwebp;
mod measured;
mod mozjpeg;
#[cfg(any(feature = "codecs", feature = "pure-rust"))]
mod picker;
mod png;
#[cfg(feature = "pure-rust")]
mod rav1e;

use crate::source::Facts;
use crate::{Animation, Effort, Format, Kind, Picture, Quality, Skip, Target};

/// An engine: pixels in, a file out.
pub trait Encoder: Sync {
    /// How many pixels it does within a background job's time and a component's memory.
    fn max_pixels(&self) -> u64;

    /// Refuses by what the container says, before anything is decoded. Most take any.
    fn refuse_early(&self, _facts: &Facts<'_>, _quality: Quality) -> Result<(), Skip> {
        Ok(())
    }

    /// Makes the file.
    fn encode(
        &self,
        picture: &Picture,
        kind: Kind,
        quality: Quality,
        effort: Effort,
    ) -> Result<Coded, Skip>;

    /// Makes an animation that shows the same frames for as long and as often. Most make none.
    fn animate(&self, _: &Animation<'_>, _: Quality, _: Effort) -> Result<Coded, Skip> {
        Err(Skip::Animated)
    }
}

/// What an engine made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coded {
    /// The file.
    pub bytes: Vec<u8>,
    /// Its media type.
    pub content_type: &'static str,
    /// Engine, its version and its settings.
    pub recipe: String,
}

/// The engine for a target and a source, if one is built in: libaom and libwebp where they are linked; in libaom's
/// place rav1e, and in libwebp's the source's own format. Nothing makes a GIF.
///
/// Who reads AVIF reads WebP: for them, what is drawn becomes the smaller of both, or the source's own format where
/// neither is linked, and what moves becomes WebP.
pub fn engine(target: Target, source: Format) -> Option<&'static dyn Encoder> {
    match (target, source) {
        (Target::Avif, _) => in_c(target).or_else(|| in_rust(source)),
        (Target::WebP, _) => in_c(target).or_else(|| engine(Target::Same, source)),
        (Target::Same, Format::Jpeg) => Some(&mozjpeg::MozJpeg),
        (Target::Same, Format::Png) => Some(&png::Png),
        (Target::Same, Format::WebP) => in_c(Target::WebP),
        (Target::Same, Format::Gif) => None,
    }
}

/// The engine that is a C library, if that is linked.
#[cfg(feature = "codecs")]
fn in_c(target: Target) -> Option<&'static dyn Encoder> {
    static AVIF: picker::Picker = picker::Picker {
        photo: &libaom::Libaom,
        drawn: &[&libwebp::Libwebp, &libaom::Libaom],
    };
    match target {
        _ if !vitrine_codecs::LINKED => None,
        Target::Avif => Some(&AVIF),
        Target::WebP => Some(&libwebp::Libwebp),
        Target::Same => None,
    }
}

#[cfg(not(feature = "codecs"))]
fn in_c(_: Target) -> Option<&'static dyn Encoder> {
    None
}

/// The AVIF engine that needs no C, if it is built in, and the source's own format for what is drawn.
#[cfg(feature = "pure-rust")]
#[allow(
    clippy::unnecessary_wraps,
    reason = "without the feature there is none"
)]
fn in_rust(source: Format) -> Option<&'static dyn Encoder> {
    static OF_JPEG: picker::Picker = picker::Picker {
        photo: &rav1e::Rav1e,
        drawn: &[&mozjpeg::MozJpeg],
    };
    static OF_OTHERS: picker::Picker = picker::Picker {
        photo: &rav1e::Rav1e,
        drawn: &[],
    };
    static OF_PNG: picker::Picker = picker::Picker {
        photo: &rav1e::Rav1e,
        drawn: &[&png::Png],
    };
    match source {
        Format::Jpeg => Some(&OF_JPEG),
        Format::Png => Some(&OF_PNG),
        Format::WebP | Format::Gif => Some(&OF_OTHERS),
    }
}

#[cfg(not(feature = "pure-rust"))]
fn in_rust(_: Format) -> Option<&'static dyn Encoder> {
    None
}

/// The AVIF engine that needs no C, if it is built in.
pub fn pure_rust() -> Option<&'static dyn Encoder> {
    #[cfg(feature = "pure-rust")]
    return Some(&rav1e::Rav1e);
    #[cfg(not(feature = "pure-rust"))]
    None
}

/// Reads a table of points, on the straight line between two of them. Beyond its ends, the ends.
pub(crate) fn between(table: &[(f64, f64)], at: f64) -> f64 {
    let after = table.iter().position(|&(x, _)| x >= at);
    match after {
        None => table.last().map_or(0.0, |&(_, y)| y),
        Some(0) => table[0].1,
        Some(next) => {
            let ((x1, y1), (x2, y2)) = (table[next - 1], table[next]);
            y1 + (y2 - y1) * (at - x1) / (x2 - x1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::between;

    #[test]
    fn a_table_is_read_between_its_points_and_held_at_its_ends() {
        let table = [(0.0, 10.0), (10.0, 20.0), (20.0, 0.0)];
        for (at, value) in [
            (-5.0, 10.0),
            (0.0, 10.0),
            (5.0, 15.0),
            (10.0, 20.0),
            (15.0, 10.0),
            (99.0, 0.0),
        ] {
            assert!((between(&table, at) - value).abs() < 1e-9, "{at}");
        }
    }
}
