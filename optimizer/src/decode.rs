//! From a file to an upright picture in sRGB.

use std::io::Cursor;

use image::{DynamicImage, GrayAlphaImage, GrayImage, RgbImage, RgbaImage};
use image_webp::WebPDecoder;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use crate::animation::Frames;
use crate::source::{Colours, Facts, Format, whole_webp};
use crate::{Picture, Skip, colour, limits};

/// Decodes `source`, whose dimensions the caller has checked.
pub(crate) fn decode(source: &[u8], facts: &Facts<'_>) -> Result<Picture, Skip> {
    let image = match facts.format {
        Format::Jpeg => jpeg(source, facts)?,
        Format::Png => png(source)?,
        Format::WebP => webp(source, facts)?,
        Format::Gif => {
            let first = Frames::of(source, facts)?.next();
            first.ok_or(Skip::Corrupt)??.picture.into()
        }
    };
    let (mut image, converted) = match &facts.colours {
        Colours::Icc(profile) => colour::to_srgb(image, profile)?,
        _ => (image, false),
    };
    if let Some(orientation) = facts.orientation() {
        image.apply_orientation(orientation);
    }
    Ok(Picture::new(image, !converted && !facts.sixteen_bit))
}

/// The pixels of a file that was made here.
pub(crate) fn shown(file: &[u8]) -> Result<DynamicImage, Skip> {
    let facts = Facts::read(file)?;
    Ok(decode(file, &facts)?.image().clone())
}

/// Strict: a file that breaks a rule is left alone, because the browser's repair may look different from ours.
/// The decoder's vector paths stay off, so that the same file gives the same pixels on every machine and in wasm.
fn jpeg(source: &[u8], facts: &Facts<'_>) -> Result<DynamicImage, Skip> {
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_use_unsafe(false)
        .set_max_width(limits::SIDE as usize)
        .set_max_height(limits::SIDE as usize)
        .jpeg_set_max_scans(limits::JPEG_SCANS);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(source), options);
    decoder.decode_headers().map_err(|_| Skip::Corrupt)?;
    let gray = decoder.input_colorspace() == Some(ColorSpace::Luma);
    let wanted = if gray {
        ColorSpace::Luma
    } else {
        ColorSpace::RGB
    };
    decoder.set_options(options.jpeg_set_out_colorspace(wanted));
    let pixels = decoder.decode().map_err(|_| Skip::Corrupt)?;
    let (width, height) = (facts.width, facts.height);
    let image = if gray {
        GrayImage::from_raw(width, height, pixels).map(DynamicImage::ImageLuma8)
    } else {
        RgbImage::from_raw(width, height, pixels).map(DynamicImage::ImageRgb8)
    };
    image.ok_or(Skip::Corrupt)
}

/// The decoder unpacks no profile and no text: the profile is among the facts, within its own limit.
fn png(source: &[u8]) -> Result<DynamicImage, Skip> {
    let mut decoder =
        png::Decoder::new_with_limits(Cursor::new(source), png::Limits { bytes: allowed() });
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(|_| Skip::Corrupt)?;
    let mut pixels = vec![0; reader.output_buffer_size().ok_or(Skip::TooManyPixels)?];
    let frame = reader.next_frame(&mut pixels).map_err(|_| Skip::Corrupt)?;
    if frame.bit_depth == png::BitDepth::Sixteen {
        pixels = eight_bit(&pixels);
    }
    let (width, height) = (frame.width, frame.height);
    let image = match frame.color_type {
        png::ColorType::Grayscale => {
            GrayImage::from_raw(width, height, pixels).map(DynamicImage::ImageLuma8)
        }
        png::ColorType::GrayscaleAlpha => {
            GrayAlphaImage::from_raw(width, height, pixels).map(DynamicImage::ImageLumaA8)
        }
        png::ColorType::Rgb => {
            RgbImage::from_raw(width, height, pixels).map(DynamicImage::ImageRgb8)
        }
        png::ColorType::Rgba => {
            RgbaImage::from_raw(width, height, pixels).map(DynamicImage::ImageRgba8)
        }
        png::ColorType::Indexed => None,
    };
    image.ok_or(Skip::Corrupt)
}

fn webp(source: &[u8], facts: &Facts<'_>) -> Result<DynamicImage, Skip> {
    let file = Cursor::new(whole_webp(source)?);
    let mut decoder = WebPDecoder::new(file).map_err(|_| Skip::Corrupt)?;
    decoder.set_memory_limit(allowed());
    let (width, height) = (facts.width, facts.height);
    if decoder.dimensions() != (width, height) {
        return Err(Skip::Corrupt);
    }
    let mut pixels = vec![0; decoder.output_buffer_size().ok_or(Skip::TooManyPixels)?];
    decoder.read_image(&mut pixels).map_err(|_| Skip::Corrupt)?;
    let image = if decoder.has_alpha() {
        RgbaImage::from_raw(width, height, pixels).map(DynamicImage::ImageRgba8)
    } else {
        RgbImage::from_raw(width, height, pixels).map(DynamicImage::ImageRgb8)
    };
    image.ok_or(Skip::Corrupt)
}

fn allowed() -> usize {
    usize::try_from(limits::DECODER_BYTES).unwrap_or(usize::MAX)
}

/// Big-endian values of 16 bits, each rounded to the nearest of 8.
fn eight_bit(values: &[u8]) -> Vec<u8> {
    let (values, _) = values.as_chunks::<2>();
    let rounded = values.iter().map(|&value| {
        let value = u32::from(u16::from_be_bytes(value));
        ((value + 128) / 257) as u8
    });
    rounded.collect()
}

#[cfg(test)]
mod tests {
    use moxcms::ColorProfile;
    use png::{BitDepth, ColorType};

    use super::*;

    /// A PNG of 24 by 20 pixels whose values are all there are.
    fn file(colour: ColorType, depth: BitDepth, masked: bool, profile: Option<Vec<u8>>) -> Vec<u8> {
        let mut info = png::Info::with_size(24, 20);
        info.color_type = colour;
        info.bit_depth = depth;
        info.icc_profile = profile.map(Into::into);
        if colour == ColorType::Indexed {
            info.palette = Some((0..=255).rev().cycle().take(768).collect());
        }
        info.trns = masked.then(|| match colour {
            ColorType::Indexed => (0..=255).collect(),
            ColorType::Rgb => vec![0, 1, 0, 2, 0, 3].into(),
            _ => vec![0, 1].into(),
        });
        let row = (24 * colour.samples() * depth as usize).div_ceil(8);
        let values: Vec<u8> = (0..row * 20).map(|at| (at * 37 % 256) as u8).collect();
        let mut file = Vec::new();
        let encoder = png::Encoder::with_info(&mut file, info).unwrap();
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&values).unwrap();
        writer.finish().unwrap();
        file
    }

    fn read(file: &[u8]) -> DynamicImage {
        let facts = Facts::read(file).unwrap();
        decode(file, &facts).unwrap().image().clone()
    }

    #[test]
    fn h70_every_kind_of_png_has_the_pixels_that_another_reader_sees() {
        use BitDepth::{Eight, Four, One, Sixteen, Two};
        let kinds: [(ColorType, &[BitDepth]); 5] = [
            (ColorType::Grayscale, &[One, Two, Four, Eight, Sixteen]),
            (ColorType::GrayscaleAlpha, &[Eight, Sixteen]),
            (ColorType::Rgb, &[Eight, Sixteen]),
            (ColorType::Rgba, &[Eight, Sixteen]),
            (ColorType::Indexed, &[One, Two, Four, Eight]),
        ];
        for (colour, depths) in kinds {
            let may_be_masked = matches!(
                colour,
                ColorType::Grayscale | ColorType::Rgb | ColorType::Indexed
            );
            for &depth in depths {
                for masked in [false, may_be_masked] {
                    let file = file(colour, depth, masked, None);
                    let other = image::load_from_memory(&file).unwrap();
                    let same = read(&file).into_rgba8() == other.into_rgba8();
                    assert!(same, "{colour:?} {depth:?} {masked}");
                }
            }
        }
    }

    #[test]
    fn h70_the_profile_in_a_png_is_applied() {
        let p3 = ColorProfile::new_display_p3().encode().unwrap();
        let plain = read(&file(ColorType::Rgb, BitDepth::Eight, false, None));
        let tagged = file(ColorType::Rgb, BitDepth::Eight, false, Some(p3.clone()));
        let (expected, converted) = colour::to_srgb(plain.clone(), &p3).unwrap();
        assert!(converted && expected != plain);
        assert_eq!(read(&tagged), expected);
    }
}
