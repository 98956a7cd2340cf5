//! From a file to an upright picture in sRGB.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, GrayAlphaImage, GrayImage, RgbImage, RgbaImage};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use crate::source::{Colours, Facts, Format};
use crate::{Picture, Skip, colour, limits};

/// Decodes `source`, whose dimensions the caller has checked.
pub(crate) fn decode(source: &[u8], facts: &Facts<'_>) -> Result<Picture, Skip> {
    let image = match facts.format {
        Format::Jpeg => jpeg(source, facts)?,
        Format::Png => png(source)?,
    };
    let (mut image, converted) = match &facts.colours {
        Colours::Icc(profile) => colour::to_srgb(image, profile)?,
        _ => (image, false),
    };
    if let Some(orientation) = facts.exif.and_then(Orientation::from_exif_chunk) {
        image.apply_orientation(orientation);
    }
    Ok(Picture::new(image, !converted && !facts.sixteen_bit))
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
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(source), allowed());
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

fn allowed() -> png::Limits {
    png::Limits {
        bytes: usize::try_from(limits::DECODER_BYTES).unwrap_or(usize::MAX),
    }
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
