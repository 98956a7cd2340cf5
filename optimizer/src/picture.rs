//! A decoded picture, upright and in sRGB.

use fast_image_resize::images::Image;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::{DynamicImage, GrayAlphaImage, GrayImage, RgbImage, RgbaImage};

use crate::Skip;
use crate::crop::Region;

/// A decoded picture: 8 bits per channel, upright, in sRGB, with or without colour and alpha.
///
/// ```
/// let red = image::RgbaImage::from_pixel(4, 3, image::Rgba([255, 0, 0, 255]));
/// let picture = vitrine_optimizer::Picture::new(red.into(), true);
/// assert_eq!((picture.width(), picture.height()), (4, 3));
/// ```
#[derive(Debug, Clone)]
pub struct Picture {
    image: DynamicImage,
    exact: bool,
}

impl Picture {
    /// Wraps pixels. `exact` says that they are the source's own values, moved at most.
    ///
    /// Pixels of more than 8 bits per channel are reduced, and alpha that hides nothing is dropped.
    pub fn new(image: DynamicImage, exact: bool) -> Self {
        Self {
            image: without_idle_alpha(eight_bit(image)),
            exact,
        }
    }

    /// The picture at this width, in its proportions, by a Lanczos filter of three lobes. What is seen through counts
    /// as much as it is seen.
    ///
    /// ```
    /// let wide = image::RgbImage::new(400, 300);
    /// let picture = vitrine_optimizer::Picture::new(wide.into(), true).narrowed(100)?;
    /// assert_eq!((picture.width(), picture.height()), (100, 75));
    /// # Ok::<(), vitrine_optimizer::Skip>(())
    /// ```
    pub fn narrowed(&self, width: u32) -> Result<Self, Skip> {
        let height = height_at(width, self.width(), self.height());
        let image = resized(&self.image, width, height).ok_or(Skip::Unsupported)?;
        Ok(Self {
            image,
            exact: false,
        })
    }

    /// A part of the picture, its values untouched.
    pub(crate) fn cropped(&self, part: Region) -> Self {
        let image = self.image.crop_imm(part.x, part.y, part.width, part.height);
        Self::new(image, self.exact)
    }

    /// Pixels across.
    pub fn width(&self) -> u32 {
        self.image.width()
    }

    /// Pixels down.
    pub fn height(&self) -> u32 {
        self.image.height()
    }

    /// How many pixels there are.
    pub fn pixels(&self) -> u64 {
        u64::from(self.width()) * u64::from(self.height())
    }

    /// The pixels: `Luma8`, `LumaA8`, `Rgb8` or `Rgba8`.
    pub fn image(&self) -> &DynamicImage {
        &self.image
    }

    /// Whether the pixels are the source's own values, so that a lossless format can keep them.
    pub fn is_exact(&self) -> bool {
        self.exact
    }
}

/// The height that keeps a picture's proportions at another width, to the nearest pixel and at least one.
pub(crate) fn height_at(width: u32, full_width: u32, full_height: u32) -> u32 {
    let exact = u64::from(full_height) * u64::from(width) * 2 / u64::from(full_width.max(1));
    u32::try_from(exact.div_ceil(2)).unwrap_or(u32::MAX).max(1)
}

/// `None` only for a picture without pixels.
fn resized(image: &DynamicImage, width: u32, height: u32) -> Option<DynamicImage> {
    let layout = match image {
        DynamicImage::ImageLuma8(_) => PixelType::U8,
        DynamicImage::ImageLumaA8(_) => PixelType::U8x2,
        DynamicImage::ImageRgb8(_) => PixelType::U8x3,
        _ => PixelType::U8x4,
    };
    let pixels = image.as_bytes().to_vec();
    let source = Image::from_vec_u8(image.width(), image.height(), pixels, layout).ok()?;
    let mut result = Image::new(width, height, layout);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    Resizer::new().resize(&source, &mut result, &options).ok()?;
    let pixels = result.into_vec();
    match layout {
        PixelType::U8 => GrayImage::from_raw(width, height, pixels).map(DynamicImage::ImageLuma8),
        PixelType::U8x2 => {
            GrayAlphaImage::from_raw(width, height, pixels).map(DynamicImage::ImageLumaA8)
        }
        PixelType::U8x3 => RgbImage::from_raw(width, height, pixels).map(DynamicImage::ImageRgb8),
        _ => RgbaImage::from_raw(width, height, pixels).map(DynamicImage::ImageRgba8),
    }
}

fn eight_bit(image: DynamicImage) -> DynamicImage {
    match image {
        DynamicImage::ImageLuma8(_)
        | DynamicImage::ImageLumaA8(_)
        | DynamicImage::ImageRgb8(_)
        | DynamicImage::ImageRgba8(_) => image,
        DynamicImage::ImageLuma16(_) => DynamicImage::ImageLuma8(image.into_luma8()),
        DynamicImage::ImageLumaA16(_) => DynamicImage::ImageLumaA8(image.into_luma_alpha8()),
        DynamicImage::ImageRgb16(_) | DynamicImage::ImageRgb32F(_) => {
            DynamicImage::ImageRgb8(image.into_rgb8())
        }
        _ => DynamicImage::ImageRgba8(image.into_rgba8()),
    }
}

fn without_idle_alpha(image: DynamicImage) -> DynamicImage {
    let opaque = |pixels: &[u8], channels: usize| {
        pixels
            .chunks_exact(channels)
            .all(|pixel| pixel[channels - 1] == 255)
    };
    match image {
        DynamicImage::ImageRgba8(pixels) if opaque(pixels.as_raw(), 4) => {
            DynamicImage::ImageRgb8(DynamicImage::ImageRgba8(pixels).into_rgb8())
        }
        DynamicImage::ImageLumaA8(pixels) if opaque(pixels.as_raw(), 2) => {
            DynamicImage::ImageLuma8(DynamicImage::ImageLumaA8(pixels).into_luma8())
        }
        other => other,
    }
}
