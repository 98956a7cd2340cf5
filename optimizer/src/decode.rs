//! From a file to an upright picture in sRGB.

use std::io::Cursor;

use image::codecs::png::PngDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder, Limits, RgbImage};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use crate::source::{Colours, Facts, Format};
use crate::{Picture, Skip, colour, limits};

/// Decodes `source`, whose dimensions the caller has checked.
pub(crate) fn decode(source: &[u8], facts: &Facts<'_>) -> Result<Picture, Skip> {
    let (image, profile) = match facts.format {
        Format::Jpeg => (jpeg(source, facts)?, profile_of(facts)),
        Format::Png => png(source)?,
    };
    let (mut image, converted) = match profile {
        Some(profile) => colour::to_srgb(image, &profile)?,
        None => (image, false),
    };
    if let Some(orientation) = facts.exif.and_then(Orientation::from_exif_chunk) {
        image.apply_orientation(orientation);
    }
    Ok(Picture::new(image, !converted && !facts.sixteen_bit))
}

fn profile_of(facts: &Facts<'_>) -> Option<Vec<u8>> {
    match &facts.colours {
        Colours::Icc(profile) => Some(profile.clone()),
        _ => None,
    }
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

fn png(source: &[u8]) -> Result<(DynamicImage, Option<Vec<u8>>), Skip> {
    let mut allowed = Limits::default();
    allowed.max_image_width = Some(limits::SIDE);
    allowed.max_image_height = Some(limits::SIDE);
    allowed.max_alloc = Some(limits::DECODER_BYTES);
    let mut decoder =
        PngDecoder::with_limits(Cursor::new(source), allowed).map_err(|_| Skip::Corrupt)?;
    let profile = decoder.icc_profile().map_err(|_| Skip::Corrupt)?;
    if profile
        .as_ref()
        .is_some_and(|profile| profile.len() > limits::ICC_BYTES)
    {
        return Err(Skip::WideGamutUnconverted);
    }
    let image = DynamicImage::from_decoder(decoder).map_err(|_| Skip::Corrupt)?;
    Ok((image, profile))
}
