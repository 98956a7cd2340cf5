//! A picture as AV1 takes it: brightness and two colour differences (BT.601 of sRGB, full range), 8 bits.
//!
//! Integers throughout, so that a picture gives the same planes on every machine.

use image::DynamicImage;

use crate::Picture;

/// How finely colour is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chroma {
    /// One colour for four pixels: a photograph looks the same.
    Halved,
    /// One for each: edges between strong colours stay sharp.
    Full,
}

impl Chroma {
    /// As it stands in recipes.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Halved => "420",
            Self::Full => "444",
        }
    }

    /// Pixels per colour value, along each side.
    fn step(self) -> usize {
        match self {
            Self::Halved => 2,
            Self::Full => 1,
        }
    }
}

/// The planes, rows without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Planes {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) chroma: Chroma,
    pub(crate) luma: Vec<u8>,
    pub(crate) blue: Vec<u8>,
    pub(crate) red: Vec<u8>,
    /// How opaque each pixel is, where any of them is not.
    pub(crate) alpha: Option<Vec<u8>>,
}

impl Planes {
    pub(crate) fn of(picture: &Picture, chroma: Chroma) -> Self {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let (rgb, alpha) = colours(picture.image());
        let luma = rgb.chunks_exact(3).map(luma_of).collect();
        let (mut blue, mut red) = (Vec::new(), Vec::new());
        let step = chroma.step();
        for y in (0..height).step_by(step) {
            for x in (0..width).step_by(step) {
                let sum = sum_of(&rgb, (width, height), (x, y), step);
                blue.push(difference(sum, BLUE, step));
                red.push(difference(sum, RED, step));
            }
        }
        Self {
            width,
            height,
            chroma,
            luma,
            blue,
            red,
            alpha,
        }
    }

    /// Back to RGB, as a browser shows it: colours between two values are mixed from both.
    #[cfg(feature = "codecs")]
    pub(crate) fn to_rgb(&self) -> Vec<[u8; 3]> {
        let mut pixels = Vec::with_capacity(self.luma.len());
        for y in 0..self.height {
            for x in 0..self.width {
                let luma = i32::from(self.luma[y * self.width + x]) << 16;
                let blue = self.colour_at(&self.blue, x, y) - 128 * 16;
                let red = self.colour_at(&self.red, x, y) - 128 * 16;
                let value = |shift: i32| ((luma + shift / 16 + 32_768) >> 16).clamp(0, 255) as u8;
                pixels.push([
                    value(91_881 * red),
                    value(-22_554 * blue - 46_802 * red),
                    value(116_130 * blue),
                ]);
            }
        }
        pixels
    }

    /// Pixels as they are seen on a white page.
    #[cfg(feature = "codecs")]
    pub(crate) fn over_white(&self, pixels: &[[u8; 3]]) -> Vec<[u8; 3]> {
        let Some(alpha) = &self.alpha else {
            return pixels.to_vec();
        };
        let mixed = |value: u8, alpha: u8| {
            let (value, alpha) = (u32::from(value), u32::from(alpha));
            ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
        };
        let pairs = pixels.iter().zip(alpha);
        pairs
            .map(|(pixel, &alpha)| pixel.map(|value| mixed(value, alpha)))
            .collect()
    }

    /// A colour difference, times sixteen: where it is kept for four pixels, nine parts of the nearest value, three of
    /// each neighbour on the pixel's side, and one of the next across.
    #[cfg(feature = "codecs")]
    fn colour_at(&self, plane: &[u8], x: usize, y: usize) -> i32 {
        let step = self.chroma.step();
        let (across, down) = (self.width.div_ceil(step), self.height.div_ceil(step));
        let value = |x: usize, y: usize| i32::from(plane[y * across + x]);
        if self.chroma == Chroma::Full {
            return 16 * value(x, y);
        }
        let beside = |at: usize, end: usize| {
            let near = at / 2;
            let far = if at.is_multiple_of(2) {
                near.saturating_sub(1)
            } else {
                (near + 1).min(end - 1)
            };
            (near, far)
        };
        let ((x, x2), (y, y2)) = (beside(x, across), beside(y, down));
        9 * value(x, y) + 3 * (value(x2, y) + value(x, y2)) + value(x2, y2)
    }
}

/// Parts of red, green and blue in 65536 of each colour difference.
const BLUE: [i32; 3] = [-11_059, -21_709, 32_768];
const RED: [i32; 3] = [32_768, -27_439, -5_329];

fn luma_of(rgb: &[u8]) -> u8 {
    let [r, g, b] = [rgb[0], rgb[1], rgb[2]].map(u32::from);
    ((19_595 * r + 38_470 * g + 7_471 * b + 32_768) >> 16) as u8
}

fn difference(sum: [i32; 3], parts: [i32; 3], step: usize) -> u8 {
    // The sum is of one pixel or of four: two bits more.
    let bits = if step == 2 { 18 } else { 16 };
    let weighed: i32 = sum
        .iter()
        .zip(parts)
        .map(|(value, part)| value * part)
        .sum();
    ((weighed + (128 << bits) + (1 << (bits - 1))) >> bits).clamp(0, 255) as u8
}

/// The sum of a block of pixels; beyond the edge, the last ones count again.
fn sum_of(rgb: &[u8], size: (usize, usize), from: (usize, usize), step: usize) -> [i32; 3] {
    let mut sum = [0; 3];
    for y in from.1..from.1 + step {
        for x in from.0..from.0 + step {
            let at = (y.min(size.1 - 1) * size.0 + x.min(size.0 - 1)) * 3;
            for (total, value) in sum.iter_mut().zip(&rgb[at..at + 3]) {
                *total += i32::from(*value);
            }
        }
    }
    sum
}

/// RGB, and alpha where there is any.
fn colours(image: &DynamicImage) -> (Vec<u8>, Option<Vec<u8>>) {
    if !image.color().has_alpha() {
        return (image.to_rgb8().into_raw(), None);
    }
    let rgba = image.to_rgba8();
    let alpha = rgba.pixels().map(|pixel| pixel.0[3]).collect();
    let width = rgba.width() as usize;
    let mut rgb = Vec::with_capacity(rgba.as_raw().len() / 4 * 3);
    for (at, pixel) in rgba.pixels().enumerate() {
        let [r, g, b, a] = pixel.0;
        if a > 0 {
            rgb.extend([r, g, b]);
        } else {
            // Nobody sees this colour: it continues its neighbour's, so that no edge has to be coded.
            let from = if at % width > 0 {
                at.checked_sub(1)
            } else {
                at.checked_sub(width)
            };
            let seen = from.map_or([255; 3], |at| {
                [rgb[at * 3], rgb[at * 3 + 1], rgb[at * 3 + 2]]
            });
            rgb.extend(seen);
        }
    }
    (rgb, Some(alpha))
}

#[cfg(all(test, feature = "codecs"))]
mod tests {
    use image::{Rgb, RgbImage, Rgba, RgbaImage};

    use super::*;

    #[test]
    fn colours_survive_the_way_there_and_back() {
        let colourful =
            RgbImage::from_fn(9, 7, |x, y| Rgb([(x / 3 * 90) as u8, (y * 40) as u8, 77]));
        let picture = Picture::new(colourful.clone().into(), true);
        let back = Planes::of(&picture, Chroma::Full).to_rgb();
        for (was, is) in colourful.pixels().zip(back) {
            for (was, is) in was.0.iter().zip(is) {
                assert!(was.abs_diff(is) <= 2, "{was} {is}");
            }
        }
    }

    #[test]
    fn one_colour_stays_that_colour_when_its_chroma_is_halved_at_any_size() {
        for (width, height) in [(1, 1), (2, 3), (5, 4), (16, 16)] {
            let plain = RgbImage::from_pixel(width, height, Rgb([200, 30, 90]));
            let planes = Planes::of(&Picture::new(plain.into(), true), Chroma::Halved);
            let small = width.div_ceil(2) as usize * height.div_ceil(2) as usize;
            assert_eq!((planes.blue.len(), planes.red.len()), (small, small));
            for [r, g, b] in planes.to_rgb() {
                assert!(r.abs_diff(200) <= 2 && g.abs_diff(30) <= 2 && b.abs_diff(90) <= 2);
            }
        }
    }

    #[test]
    fn gray_has_no_colour() {
        let gray = image::GrayImage::from_fn(6, 5, |x, y| image::Luma([(x * 30 + y * 10) as u8]));
        let planes = Planes::of(&Picture::new(gray.clone().into(), true), Chroma::Halved);
        assert_eq!(planes.luma, gray.into_raw());
        assert!(
            planes
                .blue
                .iter()
                .chain(&planes.red)
                .all(|&value| value == 128)
        );
    }

    #[test]
    fn what_nobody_sees_takes_the_colour_of_its_neighbour() {
        let cut_out = RgbaImage::from_fn(4, 2, |x, _| {
            if x == 1 {
                Rgba([10, 200, 10, 255])
            } else {
                Rgba([255, 0, 255, 0])
            }
        });
        let planes = Planes::of(&Picture::new(cut_out.into(), true), Chroma::Full);
        assert_eq!(planes.luma[1], planes.luma[2]);
        assert_eq!(planes.luma[2], planes.luma[3]);
        assert_eq!(planes.alpha.unwrap()[..4], [0, 255, 0, 0]);
    }
}
