//! JPEG by `mozjpeg-rs`: progressive scans and trellis quantisation, in safe Rust.

use image::DynamicImage;
use mozjpeg_rs::{Encoder as Engine, Preset, Subsampling};

use super::{Coded, Effort, Encoder};
use crate::source::Facts;
use crate::{Kind, Picture, Quality, Skip};

pub(super) struct MozJpeg;

/// From this quality on, colour keeps its full resolution: what is asked for is detail.
const FULL_CHROMA_QUALITY: u8 = 90;

impl Encoder for MozJpeg {
    /// The trellis keeps about 19 bytes per pixel: 190 MB at this size, and two seconds in wasm.
    fn max_pixels(&self) -> u64 {
        10_000_000
    }

    /// A second lossy pass at the same or a finer setting only adds the errors of two encoders.
    fn refuse_early(&self, facts: &Facts<'_>, quality: Quality) -> Result<(), Skip> {
        match facts.quality {
            Some(source) if source <= quality.value() => Err(Skip::AlreadyCompressed),
            _ => Ok(()),
        }
    }

    fn encode(
        &self,
        picture: &Picture,
        kind: Kind,
        quality: Quality,
        _effort: Effort,
    ) -> Result<Coded, Skip> {
        if kind.is_drawn() {
            return Err(Skip::Graphic);
        }
        let (width, height) = (picture.width(), picture.height());
        let full = quality.value() >= FULL_CHROMA_QUALITY;
        let engine = Engine::new(Preset::ProgressiveBalanced)
            .quality(quality.value())
            .subsampling(if full {
                Subsampling::S444
            } else {
                Subsampling::S420
            });
        let bytes = match picture.image() {
            DynamicImage::ImageLuma8(pixels) => engine.encode_gray(pixels.as_raw(), width, height),
            DynamicImage::ImageRgb8(pixels) => engine.encode_rgb(pixels.as_raw(), width, height),
            // JPEG has no alpha, and no JPEG source brings any.
            _ => return Err(Skip::Unsupported),
        };
        let bytes = bytes.map_err(|_| Skip::EncoderFailed)?;
        let chroma = if full { "444" } else { "420" };
        Ok(Coded {
            bytes,
            content_type: "image/jpeg",
            recipe: format!("mozjpeg;q={};{chroma}", quality.value()),
        })
    }
}
