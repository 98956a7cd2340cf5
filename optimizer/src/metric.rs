//! How alike two pictures look: SSIMULACRA2, by `fast-ssim2`.
//!
//! Its kernels give the same score on every machine and in wasm, so that a search by score ends at the same file
//! everywhere.

use fast_ssim2::{PixelDescriptor, PixelSlice, Ssimulacra2Reference};

use crate::Skip;

/// Pixels that are looked at. In wasm a look costs 0.7 s per megapixel.
const PIXELS: usize = 1 << 20;
/// Rows of one band, where the whole is too much: what the coarsest scale of the metric sees at a time.
const BAND: usize = 128;

/// The picture that others are held against.
pub(crate) struct Original {
    reference: Ssimulacra2Reference,
    bands: Vec<std::ops::Range<usize>>,
    width: usize,
}

impl Original {
    pub(crate) fn new(pixels: &[[u8; 3]], width: usize) -> Result<Self, Skip> {
        let bands = bands(width, pixels.len() / width);
        let seen = seen(pixels, width, &bands);
        let reference = Ssimulacra2Reference::new(&slice(&seen, width)?);
        Ok(Self {
            reference: reference.map_err(|_| Skip::EncoderFailed)?,
            bands,
            width,
        })
    }

    /// 100 for the same picture, 90 for one that nobody tells apart, 70 for the web's standard.
    pub(crate) fn score(&self, pixels: &[[u8; 3]]) -> Result<f64, Skip> {
        let seen = seen(pixels, self.width, &self.bands);
        let score = self.reference.compare(&slice(&seen, self.width)?);
        score.map_err(|_| Skip::EncoderFailed)
    }
}

/// The rows that are looked at: all of them, or bands that are spread evenly over the height.
fn bands(width: usize, height: usize) -> Vec<std::ops::Range<usize>> {
    if width * height <= PIXELS {
        return std::iter::once(0..height).collect();
    }
    let count = (PIXELS / (width * BAND)).max(1);
    let rest = height.saturating_sub(count * BAND);
    let start = |band: usize| band * BAND + rest * (2 * band + 1) / (2 * count);
    (0..count)
        .map(|band| start(band)..(start(band) + BAND).min(height))
        .collect()
}

fn seen(pixels: &[[u8; 3]], width: usize, bands: &[std::ops::Range<usize>]) -> Vec<u8> {
    bands
        .iter()
        .flat_map(|band| pixels[band.start * width..band.end * width].as_flattened())
        .copied()
        .collect()
}

fn slice(pixels: &[u8], width: usize) -> Result<PixelSlice<'_>, Skip> {
    let height = pixels.len() / 3 / width;
    let (layout, row) = (PixelDescriptor::RGB8_SRGB, width * 3);
    PixelSlice::new(pixels, width as u32, height as u32, row, layout)
        .map_err(|_| Skip::EncoderFailed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_picture_is_perfect_and_another_is_not() {
        let pixels: Vec<[u8; 3]> = (0..64 * 48)
            .map(|at| [(at % 64 * 4) as u8, (at / 64 * 5) as u8, 90])
            .collect();
        let noisy: Vec<[u8; 3]> = pixels
            .iter()
            .enumerate()
            .map(|(at, pixel)| pixel.map(|value| value.saturating_add((at * 7919 % 131) as u8)))
            .collect();
        let original = Original::new(&pixels, 64).unwrap();
        assert!(original.score(&pixels).unwrap() > 99.9);
        assert!(original.score(&noisy).unwrap() < 80.0);
    }

    #[test]
    fn a_large_picture_is_looked_at_in_bands_from_top_to_bottom() {
        assert_eq!(bands(1000, 1000).first(), Some(&(0..1000)));
        for (width, height) in [
            (1600, 1600),
            (2048, 2000),
            (1200, 3000),
            (4000, 1000),
            (9000, 150),
        ] {
            let bands = bands(width, height);
            let rows: usize = bands.iter().map(ExactSizeIterator::len).sum();
            assert!(
                rows * width <= PIXELS.max(width * BAND),
                "{width}x{height}: {bands:?}"
            );
            assert!(
                bands.windows(2).all(|pair| pair[0].end <= pair[1].start),
                "{bands:?}"
            );
            assert!(
                bands
                    .iter()
                    .all(|band| !band.is_empty() && band.end <= height),
                "{bands:?}"
            );
            let (above, below) = (bands[0].start, height - bands[bands.len() - 1].end);
            assert!(
                above.abs_diff(below) <= 1 + height / bands.len() / 8,
                "{bands:?}"
            );
        }
    }
}
