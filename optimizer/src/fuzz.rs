//! What the fuzz targets in `optimizer/fuzz` call: each takes any bytes, runs one reader, and asserts what must hold
//! whatever they are.

#![allow(missing_docs, reason = "one function per target, under its name")]

use image::metadata::Orientation;
use image::{DynamicImage, GrayAlphaImage, GrayImage, RgbImage, RgbaImage};

use crate::animation::Frames;
use crate::source::{Facts, Format};
use crate::{colour, decode, limits, source, strip};

/// Pixels of one run: more show no other fault, and fewer runs.
const PIXELS: u64 = 1 << 18;

pub fn jpeg(bytes: &[u8]) {
    picture(bytes, Format::Jpeg);
}

pub fn png(bytes: &[u8]) {
    picture(bytes, Format::Png);
}

pub fn webp(bytes: &[u8]) {
    picture(bytes, Format::WebP);
}

/// Every frame of an animation is as large as its canvas, and seen for a while.
pub fn gif(bytes: &[u8]) {
    picture(bytes, Format::Gif);
    let Ok(facts) = Facts::read(bytes) else {
        return;
    };
    if facts.format != Format::Gif || facts.pixels() * u64::from(facts.frames) > PIXELS {
        return;
    }
    let Ok(frames) = Frames::of(bytes, &facts) else {
        return;
    };
    let mut count = 0;
    for frame in frames {
        let Ok(frame) = frame else {
            return;
        };
        assert_eq!(frame.picture.dimensions(), (facts.width, facts.height));
        assert!(frame.ms >= 20);
        count += 1;
    }
    assert_eq!(count, facts.frames);
}

/// A file that is understood is as large as it says, and within the limits.
fn picture(bytes: &[u8], format: Format) {
    if Format::of(bytes) != Some(format) {
        return;
    }
    // What stays is a file of the same format, with nothing left to take out of it.
    let stripped = strip(bytes).map(|stripped| stripped.bytes);
    if let Some(stripped) = &stripped {
        assert!(stripped.len() < bytes.len() && strip(stripped).is_none());
    }
    let Ok(facts) = Facts::read(bytes) else {
        return;
    };
    assert!(facts.width <= limits::SIDE && facts.height <= limits::SIDE);
    assert!(facts.pixels() <= limits::PIXELS);
    if facts.pixels() > PIXELS {
        return;
    }
    if let Ok(picture) = decode::decode(bytes, &facts) {
        let pixels = u64::from(picture.width()) * u64::from(picture.height());
        assert_eq!(pixels, facts.pixels());
        if let Some(stripped) = stripped {
            let again = Facts::read(&stripped).and_then(|facts| decode::decode(&stripped, &facts));
            assert!(again.is_ok_and(|again| again.image() == picture.image()));
        }
    }
}

/// An orientation turns a picture, and changes nothing else.
pub fn exif(bytes: &[u8]) {
    if let Some(orientation) = Orientation::from_exif_chunk(bytes) {
        let picture = RgbImage::from_fn(3, 2, |x, y| image::Rgb([x as u8, y as u8, 7]));
        let mut turned = DynamicImage::from(picture.clone());
        turned.apply_orientation(orientation);
        let sorted = |picture: &RgbImage| {
            let mut pixels: Vec<_> = picture.pixels().map(|pixel| pixel.0).collect();
            pixels.sort_unstable();
            pixels
        };
        assert_eq!(sorted(&picture), sorted(&turned.into_rgb8()));
    }
}

/// A profile leaves every kind of picture its size, its alpha, and its grayness.
pub fn icc(bytes: &[u8]) {
    if let Ok(unpacked) = source::unpacked(bytes) {
        assert!(unpacked.len() <= limits::ICC_BYTES);
    }
    let pictures: [DynamicImage; 4] = [
        GrayImage::from_pixel(4, 3, image::Luma([90])).into(),
        GrayAlphaImage::from_pixel(4, 3, image::LumaA([90, 7])).into(),
        RgbImage::from_pixel(4, 3, image::Rgb([200, 90, 10])).into(),
        RgbaImage::from_pixel(4, 3, image::Rgba([200, 90, 10, 7])).into(),
    ];
    for picture in pictures {
        if let Ok((converted, _)) = colour::to_srgb(picture.clone(), bytes) {
            assert_eq!(converted.color(), picture.color());
            assert_eq!(converted.width(), picture.width());
            let alpha = |image: &DynamicImage| image.to_rgba8().get_pixel(0, 0)[3];
            assert_eq!(alpha(&converted), alpha(&picture));
        }
    }
}
