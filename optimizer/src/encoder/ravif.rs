//! AVIF by `ravif` (rav1e): pure Rust, 10 bits, 4:4:4, slow.
//!
//! `ravif` has no chroma subsampling. Driving rav1e directly in 8-bit 4:2:0 halves the work natively but not in
//! wasm, where rav1e has no vector code for 8 bits; so the simpler library stays.

use image::DynamicImage;
use ravif::{AlphaColorMode, Img, RGB8, RGBA8};

use super::{Coded, Encoder};
use crate::source::Facts;
use crate::{Picture, Quality, Skip};

pub(super) struct Ravif;

/// Up to this many pixels the careful speed fits into the time of a background job.
const CAREFUL_PIXELS: u64 = 700_000;
const CAREFUL_SPEED: u8 = 8;
const FAST_SPEED: u8 = 10;

impl Encoder for Ravif {
    fn content_type(&self) -> &'static str {
        "image/avif"
    }

    fn max_pixels(&self) -> u64 {
        4_000_000
    }

    fn refuse_early(&self, _facts: &Facts<'_>, _quality: Quality) -> Result<(), Skip> {
        Ok(())
    }

    fn encode(&self, picture: &Picture, quality: Quality) -> Result<Coded, Skip> {
        if picture.is_graphic() {
            return Err(Skip::Graphic);
        }
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let speed = speed_for(width as u64 * height as u64);
        let encoder = ravif::Encoder::new()
            .with_quality(f32::from(quality.value()))
            .with_alpha_quality(f32::from(quality.value().max(ALPHA_QUALITY)))
            .with_alpha_color_mode(AlphaColorMode::UnassociatedClean)
            .with_speed(speed)
            // One tile whatever the machine: tiles follow threads, and the bytes follow the tiles.
            .with_num_threads(Some(1));
        let coded = match picture.image() {
            DynamicImage::ImageRgba8(pixels) => encoder.encode_rgba(Img::new(&rgba(pixels), width, height)),
            DynamicImage::ImageLumaA8(_) => {
                encoder.encode_rgba(Img::new(&rgba(&picture.image().to_rgba8()), width, height))
            }
            DynamicImage::ImageRgb8(pixels) => encoder.encode_rgb(Img::new(&rgb(pixels), width, height)),
            other => encoder.encode_rgb(Img::new(&rgb(&other.to_rgb8()), width, height)),
        };
        let coded = coded.map_err(|_| Skip::EncoderFailed)?;
        Ok(Coded { bytes: coded.avif_file, recipe: format!("ravif;q={};s={speed}", quality.value()) })
    }
}

/// Cut-outs show a coarse mask at once, and masks cost little.
const ALPHA_QUALITY: u8 = 80;

fn speed_for(pixels: u64) -> u8 {
    if pixels <= CAREFUL_PIXELS { CAREFUL_SPEED } else { FAST_SPEED }
}

fn rgb(pixels: &image::RgbImage) -> Vec<RGB8> {
    pixels.pixels().map(|pixel| RGB8::from(pixel.0)).collect()
}

fn rgba(pixels: &image::RgbaImage) -> Vec<RGBA8> {
    pixels.pixels().map(|pixel| RGBA8::from(pixel.0)).collect()
}
