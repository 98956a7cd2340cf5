//! JPEG by `mozjpeg-rs`: progressive scans and trellis quantisation, in safe Rust.

use image::DynamicImage;
use mozjpeg_rs::{Encoder as Engine, Preset, Subsampling};

use super::{Coded, Effort, Encoder, between, measured};
use crate::source::Facts;
use crate::{Kind, Picture, Quality, Skip};

pub(super) struct MozJpeg;

/// From this quality on, colour keeps its full resolution: what is asked for is detail.
const FULL_CHROMA_QUALITY: u8 = 90;

/// Quality for a SSIMULACRA2 score: means over product photographs.
const QUALITIES: [(f64, f64); 5] = [
    (10.0, 8.0),
    (58.0, 45.0),
    (70.0, 68.0),
    (80.0, 85.0),
    (92.0, 97.0),
];

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
        effort: Effort,
    ) -> Result<Coded, Skip> {
        if kind.is_drawn() {
            return Err(Skip::Graphic);
        }
        let full = quality.value() >= FULL_CHROMA_QUALITY;
        let make = |quality| file(picture.image(), quality, full);
        let (bytes, quality) = match effort {
            Effort::First => (make(quality.value())?, quality.value()),
            Effort::Refined => {
                let target = quality.target();
                measured::smallest(picture, target, between(&QUALITIES, target), make)?
            }
        };
        let chroma = if full { "444" } else { "420" };
        Ok(Coded {
            bytes,
            content_type: "image/jpeg",
            recipe: format!("mozjpeg;q={quality};{chroma}"),
        })
    }
}

fn file(image: &DynamicImage, quality: u8, full_chroma: bool) -> Result<Vec<u8>, Skip> {
    let (width, height) = (image.width(), image.height());
    let engine = Engine::new(Preset::ProgressiveBalanced)
        .quality(quality)
        .subsampling(if full_chroma {
            Subsampling::S444
        } else {
            Subsampling::S420
        });
    let bytes = match image {
        DynamicImage::ImageLuma8(pixels) => engine.encode_gray(pixels.as_raw(), width, height),
        DynamicImage::ImageRgb8(pixels) => engine.encode_rgb(pixels.as_raw(), width, height),
        // JPEG has no alpha, and no JPEG source brings any.
        _ => return Err(Skip::Unsupported),
    };
    bytes.map_err(|_| Skip::EncoderFailed)
}
