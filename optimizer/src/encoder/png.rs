//! PNG by `png`: the same pixels in fewer bytes. Lossless, so quality does not matter.
//!
//! Colours are reduced to what the picture uses (gray, palette, no alpha), then a few row filters compete
//! under the strongest deflate.

use std::collections::HashMap;

use image::DynamicImage;
use png::{BitDepth, ColorType, Compression, Filter};

use super::{Coded, Effort, Encoder};
use crate::kind::MAX_PALETTE;
use crate::source::Facts;
use crate::{Kind, Picture, Quality, Skip};

pub(super) struct Png;

impl Encoder for Png {
    /// Each filter that competes takes half a second per megapixel in wasm.
    fn max_pixels(&self) -> u64 {
        5_000_000
    }

    fn refuse_early(&self, facts: &Facts<'_>, _quality: Quality) -> Result<(), Skip> {
        if facts.sixteen_bit {
            Err(Skip::SixteenBit)
        } else {
            Ok(())
        }
    }

    fn encode(
        &self,
        picture: &Picture,
        _kind: Kind,
        _quality: Quality,
        _effort: Effort,
    ) -> Result<Coded, Skip> {
        if !picture.is_exact() {
            return Err(Skip::WideGamutUnconverted);
        }
        let raster = Raster::of(picture.image());
        let mut best: Option<(Vec<u8>, &str)> = None;
        for &(filter, name) in raster.filters() {
            let bytes = raster.write(filter).map_err(|_| Skip::EncoderFailed)?;
            if best
                .as_ref()
                .is_none_or(|(smallest, _)| bytes.len() < smallest.len())
            {
                best = Some((bytes, name));
            }
        }
        let (bytes, name) = best.ok_or(Skip::EncoderFailed)?;
        Ok(Coded {
            bytes,
            content_type: "image/png",
            recipe: format!("png;{};{name}", raster.name()),
        })
    }
}

/// Pixels in the leanest PNG layout that holds them exactly.
struct Raster {
    width: u32,
    height: u32,
    colour: ColorType,
    depth: BitDepth,
    palette: Vec<u8>,
    transparency: Vec<u8>,
    rows: Vec<u8>,
}

impl Raster {
    fn of(image: &DynamicImage) -> Self {
        if let Some(indexed) = Self::indexed(image) {
            return indexed;
        }
        let plain = |colour, rows: &[u8]| Self {
            width: image.width(),
            height: image.height(),
            colour,
            depth: BitDepth::Eight,
            palette: Vec::new(),
            transparency: Vec::new(),
            rows: rows.to_vec(),
        };
        match image {
            DynamicImage::ImageLuma8(pixels) => plain(ColorType::Grayscale, pixels.as_raw()),
            DynamicImage::ImageLumaA8(pixels) => plain(ColorType::GrayscaleAlpha, pixels.as_raw()),
            DynamicImage::ImageRgb8(pixels) if is_gray(pixels.as_raw(), 3) => {
                let gray: Vec<u8> = pixels
                    .as_raw()
                    .chunks_exact(3)
                    .map(|pixel| pixel[0])
                    .collect();
                plain(ColorType::Grayscale, &gray)
            }
            DynamicImage::ImageRgb8(pixels) => plain(ColorType::Rgb, pixels.as_raw()),
            other => {
                let pixels = other.to_rgba8();
                if is_gray(pixels.as_raw(), 4) {
                    let pairs: Vec<u8> = pixels
                        .as_raw()
                        .chunks_exact(4)
                        .flat_map(|pixel| [pixel[0], pixel[3]])
                        .collect();
                    return plain(ColorType::GrayscaleAlpha, &pairs);
                }
                plain(ColorType::Rgba, pixels.as_raw())
            }
        }
    }

    /// A palette, when the colours fit into one. Gray of full depth is as small without.
    fn indexed(image: &DynamicImage) -> Option<Self> {
        let pixels = image.to_rgba8();
        let mut counts: HashMap<[u8; 4], usize> = HashMap::new();
        for pixel in pixels.pixels() {
            *counts.entry(pixel.0).or_insert(0) += 1;
            if counts.len() > MAX_PALETTE {
                return None;
            }
        }
        if counts.len() > 16 && matches!(image, DynamicImage::ImageLuma8(_)) {
            return None;
        }
        // Transparent colours first, so that the transparency table ends early; then by colour, for smooth rows.
        let mut colours: Vec<[u8; 4]> = counts.into_keys().collect();
        colours.sort_unstable_by_key(|&[r, g, b, a]| {
            (
                a == 255,
                u32::from(r) * 2 + u32::from(g) * 5 + u32::from(b),
                r,
                g,
                b,
                a,
            )
        });
        let index: HashMap<[u8; 4], u8> = colours
            .iter()
            .zip(0..=255)
            .map(|(&colour, at)| (colour, at))
            .collect();
        let (depth, bits) = match colours.len() {
            0..=2 => (BitDepth::One, 1),
            3..=4 => (BitDepth::Two, 2),
            5..=16 => (BitDepth::Four, 4),
            _ => (BitDepth::Eight, 8),
        };
        let mut rows = Vec::new();
        for row in pixels.rows() {
            let indices: Vec<u8> = row
                .map(|pixel| index.get(&pixel.0).copied().unwrap_or(0))
                .collect();
            rows.extend(indices.chunks(8 / bits).map(|group| pack(group, bits)));
        }
        Some(Self {
            width: image.width(),
            height: image.height(),
            colour: ColorType::Indexed,
            depth,
            palette: colours.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect(),
            transparency: colours
                .iter()
                .map(|colour| colour[3])
                .take_while(|&alpha| alpha < 255)
                .collect(),
            rows,
        })
    }

    /// Palettes have no slopes to predict; photographs and gradients have.
    fn filters(&self) -> &'static [(Filter, &'static str)] {
        if self.colour == ColorType::Indexed {
            &[(Filter::NoFilter, "none"), (Filter::Adaptive, "adaptive")]
        } else {
            &[(Filter::Adaptive, "adaptive"), (Filter::Paeth, "paeth")]
        }
    }

    fn write(&self, filter: Filter) -> Result<Vec<u8>, png::EncodingError> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width, self.height);
        encoder.set_color(self.colour);
        encoder.set_depth(self.depth);
        encoder.set_compression(Compression::High);
        encoder.set_filter(filter);
        if self.colour == ColorType::Indexed {
            encoder.set_palette(&self.palette);
            if !self.transparency.is_empty() {
                encoder.set_trns(&self.transparency);
            }
        }
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.rows)?;
        writer.finish()?;
        Ok(bytes)
    }

    fn name(&self) -> &'static str {
        match self.colour {
            ColorType::Grayscale => "gray",
            ColorType::GrayscaleAlpha => "gray-alpha",
            ColorType::Indexed => "palette",
            ColorType::Rgb => "rgb",
            ColorType::Rgba => "rgba",
        }
    }
}

fn is_gray(pixels: &[u8], channels: usize) -> bool {
    pixels
        .chunks_exact(channels)
        .all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2])
}

/// Puts the indices of up to eight neighbours into one byte, leftmost highest.
fn pack(group: &[u8], bits: usize) -> u8 {
    group.iter().enumerate().fold(0, |byte, (at, &index)| {
        byte | index << (8 - bits * (at + 1))
    })
}
