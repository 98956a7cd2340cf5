//! WebP by libwebp, for browsers that do not read AVIF: with losses for photographs, without for what is drawn. And for
//! every browser that reads it, what moves.

use std::borrow::Cow;

use image::DynamicImage;
use vitrine_codecs::{self as codecs, LIBWEBP, Pixels, WebP, WebPAnimation};

use super::{Coded, Effort, Encoder, between, measured};
use crate::source::Facts;
use crate::{Animation, Format, Kind, Picture, Quality, Skip, kind};

pub(super) struct Libwebp;

/// How hard libwebp tries, 0 to 6: its own default. 6 takes twice the time for 2 % of bytes.
const METHOD: u8 = 4;
/// Effort of the lossless coder, 0 to 100: the default of `cwebp`.
const LOSSLESS_EFFORT: u8 = 75;

/// Quality for a SSIMULACRA2 score: means over product photographs.
const QUALITIES: [(f64, f64); 5] = [
    (10.0, 5.0),
    (58.0, 40.0),
    (70.0, 64.0),
    (80.0, 86.0),
    (92.0, 98.0),
];

/// Pixels of all frames of an animation that is made while a visitor waits: 0.1 s in wasm at the worst.
const ANIMATED_IN_TIME: u64 = 100_000;
/// Pixels of all frames of an animation that is made at all: 15 s in wasm, and half a minute on a busy machine.
const ANIMATED: u64 = 15_000_000;

impl Encoder for Libwebp {
    /// 0.15 s per megapixel in wasm with losses, a second without.
    fn max_pixels(&self) -> u64 {
        5_000_000
    }

    /// A second lossy pass in the same format only adds its errors to those of the first.
    fn refuse_early(&self, facts: &Facts<'_>, _quality: Quality) -> Result<(), Skip> {
        if facts.format == Format::WebP && facts.lossy {
            return Err(Skip::AlreadyCompressed);
        }
        Ok(())
    }

    fn encode(
        &self,
        picture: &Picture,
        kind: Kind,
        quality: Quality,
        effort: Effort,
    ) -> Result<Coded, Skip> {
        let (bytes, alpha) = layout(picture.image());
        let pixels = Pixels {
            width: picture.width(),
            height: picture.height(),
            bytes: &bytes,
            alpha,
        };
        let make = |how| codecs::webp(&pixels, how).map_err(|_| Skip::EncoderFailed);
        let (bytes, how) = match effort {
            _ if kind.is_drawn() => (make(LOSSLESS)?, LOSSLESS),
            Effort::First => {
                let how = lossy(quality.value());
                (make(how)?, how)
            }
            Effort::Refined => {
                let target = quality.target();
                let usual = between(&QUALITIES, target);
                let (bytes, quality) =
                    measured::smallest(picture, target, usual, |quality| make(lossy(quality)))?;
                (bytes, lossy(quality))
            }
        };
        Ok(coded(bytes, recipe(how)))
    }

    /// A first pass looks at every frame, because what is drawn on one of them is to stay sharp.
    fn animate(
        &self,
        animation: &Animation<'_>,
        quality: Quality,
        effort: Effort,
    ) -> Result<Coded, Skip> {
        let in_time = match effort {
            Effort::First => ANIMATED_IN_TIME,
            Effort::Refined => ANIMATED,
        };
        if animation.pixels() > in_time {
            return Err(Skip::TooSlow);
        }
        let mut filmed = None;
        for frame in animation.frames()? {
            if let Some(this) = kind::is_filmed(&frame?.picture) {
                filmed = Some(filmed.unwrap_or(true) && this);
            }
        }
        let how = if filmed == Some(true) {
            lossy(quality.value())
        } else {
            LOSSLESS
        };
        let (width, height) = (animation.width(), animation.height());
        let failed = |_| Skip::EncoderFailed;
        let mut file =
            WebPAnimation::begin(width, height, animation.loops(), how).map_err(failed)?;
        for frame in animation.frames()? {
            let frame = frame?;
            file.add(frame.picture.as_raw(), frame.ms).map_err(failed)?;
        }
        let bytes = file.end().map_err(failed)?;
        Ok(coded(bytes, format!("{};animated", recipe(how))))
    }
}

fn coded(bytes: Vec<u8>, recipe: String) -> Coded {
    Coded {
        bytes,
        content_type: "image/webp",
        recipe,
    }
}

const LOSSLESS: WebP = WebP::Lossless {
    effort: LOSSLESS_EFFORT,
    method: METHOD,
};

fn lossy(quality: u8) -> WebP {
    WebP::Lossy {
        quality,
        method: METHOD,
    }
}

fn recipe(how: WebP) -> String {
    match how {
        WebP::Lossless { effort, .. } => format!("libwebp-{LIBWEBP};lossless;e{effort};m{METHOD}"),
        WebP::Lossy { quality, .. } => format!("libwebp-{LIBWEBP};q{quality};m{METHOD}"),
    }
}

/// RGB or RGBA.
fn layout(image: &DynamicImage) -> (Cow<'_, [u8]>, bool) {
    match image {
        DynamicImage::ImageRgb8(pixels) => (Cow::Borrowed(pixels.as_raw()), false),
        DynamicImage::ImageRgba8(pixels) => (Cow::Borrowed(pixels.as_raw()), true),
        other if other.color().has_alpha() => (Cow::Owned(other.to_rgba8().into_raw()), true),
        other => (Cow::Owned(other.to_rgb8().into_raw()), false),
    }
}
