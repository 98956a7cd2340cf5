//! From the colours of an embedded ICC profile to sRGB.
//!
//! The results carry no profile (AVIF as written here has no place for one, and 3 KB matter on a thumbnail),
//! so what is not sRGB is converted, or the picture is left alone.

use image::{DynamicImage, GrayAlphaImage, GrayImage, RgbImage, RgbaImage};
use moxcms::{ColorProfile, DataColorSpace, Layout, RenderingIntent, TransformOptions};

use crate::Skip;

/// Converts `image` from `profile` to sRGB. The flag says whether any pixel may have changed.
pub(crate) fn to_srgb(image: DynamicImage, profile: &[u8]) -> Result<(DynamicImage, bool), Skip> {
    let profile = ColorProfile::new_from_slice(profile).map_err(|_| Skip::WideGamutUnconverted)?;
    let gray = matches!(image.color().channel_count(), 1 | 2);
    match profile.color_space {
        DataColorSpace::Rgb if is_srgb(&profile)? => Ok((image, false)),
        DataColorSpace::Rgb if !gray => Ok((convert(image, &profile)?, true)),
        DataColorSpace::Gray if gray => Ok((convert(image, &profile)?, true)),
        // A profile for another kind of pixel than the file holds: viewers differ on what that means.
        _ => Err(Skip::WideGamutUnconverted),
    }
}

/// Whether the profile says what sRGB says, to within one step of 255: asked of a grid of colours, because
/// there are dozens of sRGB profiles in use and their bytes differ.
fn is_srgb(profile: &ColorProfile) -> Result<bool, Skip> {
    const STEPS: [u8; 9] = [0, 32, 64, 96, 128, 160, 192, 224, 255];
    let mut grid = Vec::with_capacity(STEPS.len().pow(3) * 3);
    for red in STEPS {
        for green in STEPS {
            for blue in STEPS {
                grid.extend([red, green, blue]);
            }
        }
    }
    let mut seen = vec![0; grid.len()];
    apply(profile, Layout::Rgb, &grid, Layout::Rgb, &mut seen)?;
    Ok(grid.iter().zip(&seen).all(|(a, b)| a.abs_diff(*b) <= 1))
}

fn convert(image: DynamicImage, profile: &ColorProfile) -> Result<DynamicImage, Skip> {
    let (width, height) = (image.width(), image.height());
    let layout = match image {
        DynamicImage::ImageLuma8(_) | DynamicImage::ImageLuma16(_) => Layout::Gray,
        DynamicImage::ImageLumaA8(_) | DynamicImage::ImageLumaA16(_) => Layout::GrayAlpha,
        DynamicImage::ImageRgb8(_) | DynamicImage::ImageRgb16(_) => Layout::Rgb,
        _ => Layout::Rgba,
    };
    let (source, target) = match layout {
        Layout::Gray => (image.into_luma8().into_raw(), Layout::Rgb),
        Layout::GrayAlpha => (image.into_luma_alpha8().into_raw(), Layout::Rgba),
        Layout::Rgb => (image.into_rgb8().into_raw(), Layout::Rgb),
        _ => (image.into_rgba8().into_raw(), Layout::Rgba),
    };
    let channels = |layout| if layout == Layout::Rgb { 3 } else { 4 };
    let mut pixels = vec![0; width as usize * height as usize * channels(target)];
    apply(profile, layout, &source, target, &mut pixels)?;
    let converted = match layout {
        Layout::Gray => {
            GrayImage::from_raw(width, height, first_of(&pixels, 3)).map(DynamicImage::ImageLuma8)
        }
        Layout::GrayAlpha => {
            let pairs = pixels
                .chunks_exact(4)
                .flat_map(|pixel| [pixel[0], pixel[3]])
                .collect();
            GrayAlphaImage::from_raw(width, height, pairs).map(DynamicImage::ImageLumaA8)
        }
        Layout::Rgb => RgbImage::from_raw(width, height, pixels).map(DynamicImage::ImageRgb8),
        _ => RgbaImage::from_raw(width, height, pixels).map(DynamicImage::ImageRgba8),
    };
    converted.ok_or(Skip::WideGamutUnconverted)
}

/// The first channel of every pixel: gray converted to RGB has three equal ones.
fn first_of(pixels: &[u8], channels: usize) -> Vec<u8> {
    pixels
        .chunks_exact(channels)
        .map(|pixel| pixel[0])
        .collect()
}

fn apply(
    profile: &ColorProfile,
    from: Layout,
    source: &[u8],
    to: Layout,
    target: &mut [u8],
) -> Result<(), Skip> {
    let options = TransformOptions {
        rendering_intent: RenderingIntent::RelativeColorimetric,
        ..Default::default()
    };
    let transform = profile
        .create_transform_8bit(from, &ColorProfile::new_srgb(), to, options)
        .map_err(|_| Skip::WideGamutUnconverted)?;
    transform
        .transform(source, target)
        .map_err(|_| Skip::WideGamutUnconverted)
}
