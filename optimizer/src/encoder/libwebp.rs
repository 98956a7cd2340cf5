//! WebP by libwebp, for browsers that do not read AVIF: with losses for photographs, without for what is drawn.

use std::borrow::Cow;

use image::DynamicImage;
use vitrine_codecs::{self as codecs, LIBWEBP, Pixels, WebP};

use super::{Coded, Effort, Encoder};
use crate::{Kind, Picture, Quality, Skip};

pub(super) struct Libwebp;

/// How hard libwebp tries, 0 to 6: its own default. 6 takes twice the time for 2 % of bytes.
const METHOD: u8 = 4;
/// Effort of the lossless coder, 0 to 100: the default of `cwebp`.
const LOSSLESS_EFFORT: u8 = 75;

impl Encoder for Libwebp {
    /// 0.15 s per megapixel in wasm with losses, a second without.
    fn max_pixels(&self) -> u64 {
        5_000_000
    }

    fn encode(
        &self,
        picture: &Picture,
        kind: Kind,
        quality: Quality,
        _effort: Effort,
    ) -> Result<Coded, Skip> {
        let (bytes, alpha) = layout(picture.image());
        let pixels = Pixels {
            width: picture.width(),
            height: picture.height(),
            bytes: &bytes,
            alpha,
        };
        let lossless = kind.is_drawn();
        let how = if lossless {
            WebP::Lossless {
                effort: LOSSLESS_EFFORT,
                method: METHOD,
            }
        } else {
            WebP::Lossy {
                quality: quality.value(),
                method: METHOD,
            }
        };
        let bytes = codecs::webp(&pixels, how).map_err(|_| Skip::EncoderFailed)?;
        let recipe = match how {
            WebP::Lossless { effort, .. } => {
                format!("libwebp-{LIBWEBP};lossless;e{effort};m{METHOD}")
            }
            WebP::Lossy { quality, .. } => format!("libwebp-{LIBWEBP};q{quality};m{METHOD}"),
        };
        Ok(Coded {
            bytes,
            content_type: "image/webp",
            recipe,
        })
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
