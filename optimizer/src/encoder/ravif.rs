//! AVIF by `ravif` (rav1e): pure Rust, 8 bits, 4:4:4, slow.
//!
//! Seconds per megapixel in wasm on one core of a small server, and what they buy at the same setting:
//! speed 8 takes 3.4; speed 9 takes 1.3 and loses about 0.7 dB; speed 10 takes 1.0 and adds 3 % of bytes.
//! 10 bits cost the same time, half as much memory again, and save no bytes.
//!
//! `ravif` has no chroma subsampling. Driving rav1e directly in 8-bit 4:2:0 halves the work natively but not in
//! wasm, so the simpler library stays.

use image::DynamicImage;
use ravif::{AlphaColorMode, BitDepth, Img, RGB8, RGBA8};

use super::{Coded, Encoder};
use crate::source::Facts;
use crate::{Picture, Quality, Skip};

pub(super) struct Ravif;

/// Fastest acceptable speed for a picture of up to so many pixels: each line stays under five seconds in wasm.
const SPEEDS: [(u64, u8); 3] = [(700_000, 8), (3_500_000, 9), (5_000_000, 10)];

impl Encoder for Ravif {
    fn content_type(&self) -> &'static str {
        "image/avif"
    }

    fn max_pixels(&self) -> u64 {
        SPEEDS.iter().map(|&(pixels, _)| pixels).max().unwrap_or(0)
    }

    fn refuse_early(&self, _facts: &Facts<'_>, _quality: Quality) -> Result<(), Skip> {
        Ok(())
    }

    fn encode(&self, picture: &Picture, quality: Quality) -> Result<Coded, Skip> {
        if picture.is_graphic() {
            return Err(Skip::Graphic);
        }
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let speed = speed_for(width as u64 * height as u64).ok_or(Skip::TooManyPixels)?;
        let encoder = ravif::Encoder::new()
            .with_quality(colour_quality(quality))
            .with_alpha_quality(f32::from(quality.value()).max(ALPHA_QUALITY))
            .with_bit_depth(BitDepth::Eight)
            .with_alpha_color_mode(AlphaColorMode::UnassociatedClean)
            .with_speed(speed)
            // One tile whatever the machine: tiles follow threads, and the bytes follow the tiles.
            .with_num_threads(Some(1));
        let coded = match picture.image() {
            DynamicImage::ImageRgba8(pixels) => {
                encoder.encode_rgba(Img::new(&rgba(pixels), width, height))
            }
            DynamicImage::ImageLumaA8(_) => {
                encoder.encode_rgba(Img::new(&rgba(&picture.image().to_rgba8()), width, height))
            }
            DynamicImage::ImageRgb8(pixels) => {
                encoder.encode_rgb(Img::new(&rgb(pixels), width, height))
            }
            other => encoder.encode_rgb(Img::new(&rgb(&other.to_rgb8()), width, height)),
        };
        let coded = coded.map_err(|_| Skip::EncoderFailed)?;
        Ok(Coded {
            bytes: coded.avif_file,
            recipe: format!("ravif;q={};s={speed}", quality.value()),
        })
    }
}

/// Cut-outs show a coarse mask at once, and masks cost little.
const ALPHA_QUALITY: f32 = 80.0;

fn speed_for(pixels: u64) -> Option<u8> {
    SPEEDS
        .iter()
        .find(|&&(most, _)| pixels <= most)
        .map(|&(_, speed)| speed)
}

/// From the JPEG scale to `ravif`'s: a JPEG of 75 looks like an AVIF of 60 (equal SSIM).
fn colour_quality(quality: Quality) -> f32 {
    (f32::from(quality.value()) * 0.8).max(1.0)
}

fn rgb(pixels: &image::RgbImage) -> Vec<RGB8> {
    pixels.pixels().map(|pixel| RGB8::from(pixel.0)).collect()
}

fn rgba(pixels: &image::RgbaImage) -> Vec<RGBA8> {
    pixels.pixels().map(|pixel| RGBA8::from(pixel.0)).collect()
}
