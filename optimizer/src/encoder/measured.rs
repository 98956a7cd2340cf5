//! For the engines that count in qualities from 1 to 100: the fewest bytes at which this picture looks as good as was
//! asked. What they made is decoded to see.

use image::{DynamicImage, GenericImageView as _, Pixel as _};

use crate::metric::Original;
use crate::search::{Scale, TOLERANCE, search};
use crate::{Picture, Skip, decode};

/// Steps away from a quality of 100. Below a quality of 30 blocks are seen, whatever a score says of them.
const SCALE: Scale = Scale {
    finest: 2.0,
    coarsest: 70.0,
    slopes: (-0.4, -1.0),
    attempts: 4,
};

/// Searches from a quality that most pictures of this target have. Gives the file and its quality.
pub(super) fn smallest(
    picture: &Picture,
    target: f64,
    usual: f64,
    make: impl Fn(u8) -> Result<Vec<u8>, Skip>,
) -> Result<(Vec<u8>, u8), Skip> {
    let original = Original::new(&over_white(picture.image()), picture.width() as usize)?;
    let found = search(&SCALE, target, 100.0 - usual, |step| {
        let file = make(100 - step)?;
        let shown = decode::shown(&file).map_err(|_| Skip::EncoderFailed)?;
        let score = original.score(&over_white(&shown))?;
        Ok((file, score))
    })?;
    if found.score < target - TOLERANCE {
        return Err(Skip::BelowQuality);
    }
    Ok((found.made, 100 - found.step))
}

/// Pixels as they are seen on a white page.
fn over_white(image: &DynamicImage) -> Vec<[u8; 3]> {
    let pixels = image.pixels().map(|(_, _, pixel)| {
        let [red, green, blue, alpha] = pixel.to_rgba().0;
        let mixed = |value: u8| {
            let (value, alpha) = (u32::from(value), u32::from(alpha));
            ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
        };
        [red, green, blue].map(mixed)
    });
    pixels.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoder::mozjpeg::MozJpeg;
    use crate::{Effort, Encoder as _, Kind, Quality};

    fn picture() -> Picture {
        let pixels = image::RgbImage::from_fn(160, 120, |x, y| {
            let noise = (x * 7919 + y * 104_729) % 13;
            image::Rgb([(x + noise) as u8, (y * 2) as u8, (90 + x / 2 + noise) as u8])
        });
        Picture::new(pixels.into(), true)
    }

    fn score(file: &[u8]) -> f64 {
        let original = Original::new(&over_white(picture().image()), 160).unwrap();
        original
            .score(&over_white(&decode::shown(file).unwrap()))
            .unwrap()
    }

    #[test]
    fn h69_a_file_that_nobody_waits_for_is_as_good_as_was_asked_and_not_much_better() {
        for quality in [65, 75, 88] {
            let quality = Quality::new(quality).unwrap();
            let made = MozJpeg.encode(&picture(), Kind::Photo, quality, Effort::Refined);
            let (score, target) = (score(&made.unwrap().bytes), quality.target());
            assert!(score >= target - TOLERANCE, "{target}: {score}");
            assert!(score <= target + 8.0, "{target}: {score}");
        }
    }

    #[test]
    fn h69_what_an_engine_cannot_make_look_good_is_refused() {
        let coarse = |_| {
            let job = Quality::new(2).unwrap();
            let made = MozJpeg.encode(&picture(), Kind::Photo, job, Effort::First);
            made.map(|coded| coded.bytes)
        };
        assert_eq!(
            smallest(&picture(), 70.0, 68.0, coarse),
            Err(Skip::BelowQuality)
        );
    }

    #[test]
    fn what_nobody_sees_is_not_measured() {
        let cutout = |hidden| {
            let pixel = |x: u32, _| image::Rgba([hidden, 0, 0, if x < 8 { 0 } else { 255 }]);
            over_white(&image::RgbaImage::from_fn(16, 4, pixel).into())
        };
        assert_eq!(cutout(0)[0], [255; 3]);
        assert_eq!(cutout(9)[..8], cutout(200)[..8]);
    }
}
