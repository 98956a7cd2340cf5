//! What a file says about itself, read without decoding a pixel.
//!
//! The readers walk the container to its very end: a file that does not end properly is truncated, and
//! whatever follows its end (an archive, a script) is never looked at and never copied.

pub(crate) mod exif;
mod gif;
pub(crate) mod jpeg;
pub(crate) mod png;
mod webp;

#[cfg(fuzzing)]
pub(crate) use png::unpacked;
pub(crate) use webp::whole as whole_webp;

use image::metadata::Orientation;

use crate::{Skip, limits};

/// A format that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// JPEG: baseline or progressive, Huffman coded, 8 bits.
    Jpeg,
    /// PNG.
    Png,
    /// WebP, with or without losses.
    WebP,
    /// GIF, of one frame or of many.
    Gif,
}

impl Format {
    /// Decides by the first bytes. Names and media types are claims, not facts.
    pub fn of(source: &[u8]) -> Option<Self> {
        if source.starts_with(&[0xFF, 0xD8, 0xFF]) {
            Some(Self::Jpeg)
        } else if source.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if source.starts_with(b"RIFF") && source.get(8..12) == Some(b"WEBP") {
            Some(Self::WebP)
        } else if source.starts_with(b"GIF87a") || source.starts_with(b"GIF89a") {
            Some(Self::Gif)
        } else {
            None
        }
    }
}

/// How the file describes its colours.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Colours {
    /// Not at all, or as sRGB.
    #[default]
    Srgb,
    /// By an ICC profile.
    Icc(Vec<u8>),
    /// In a way that is not converted: an HDR transfer function, another gamma, other primaries.
    Other,
}

/// What the container says.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The format, by its first bytes.
    pub format: Format,
    /// Pixels across, before orientation.
    pub width: u32,
    /// Pixels down, before orientation.
    pub height: u32,
    /// The first thing found that one plain picture cannot stand for: frames, a second picture, ink values.
    pub obstacle: Option<Skip>,
    /// 16 bits per channel.
    pub sixteen_bit: bool,
    /// JPEG quality, 1 to 100, as its luma table suggests; `None` for any other.
    pub quality: Option<u8>,
    /// Something of the picture was lost when the file was made.
    pub lossy: bool,
    /// Pictures that are shown one after the other: 1 for a still one.
    pub frames: u32,
    /// How often they are shown; nought is for ever.
    pub loops: u16,
    pub(crate) colours: Colours,
    pub(crate) exif: Option<&'a [u8]>,
}

impl<'a> Facts<'a> {
    /// Walks the container.
    pub(crate) fn read(source: &'a [u8]) -> Result<Self, Skip> {
        match Format::of(source).ok_or(Skip::Unsupported)? {
            Format::Jpeg => jpeg::read(source),
            Format::Png => png::read(source),
            Format::WebP => webp::read(source),
            Format::Gif => gif::read(source),
        }
    }

    pub(crate) fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// How the picture is to be turned, where the file says so.
    pub(crate) fn orientation(&self) -> Option<Orientation> {
        self.exif.and_then(Orientation::from_exif_chunk)
    }

    /// Pixels across and down as the picture is seen.
    pub(crate) fn upright(&self) -> (u32, u32) {
        match self.orientation() {
            Some(
                Orientation::Rotate90
                | Orientation::Rotate270
                | Orientation::Rotate90FlipH
                | Orientation::Rotate270FlipH,
            ) => (self.height, self.width),
            _ => (self.width, self.height),
        }
    }

    fn new(format: Format) -> Self {
        Self {
            format,
            width: 0,
            height: 0,
            obstacle: None,
            sixteen_bit: false,
            quality: None,
            lossy: format == Format::Jpeg,
            frames: 1,
            loops: 1,
            colours: Colours::default(),
            exif: None,
        }
    }

    /// Refuses what one plain picture cannot stand for.
    pub(crate) fn refuse_what_is_not_a_plain_picture(&self, bytes: usize) -> Result<(), Skip> {
        if bytes < limits::MIN_SOURCE_BYTES || self.width <= 1 || self.height <= 1 {
            return Err(Skip::Tiny);
        }
        if let Some(reason) = self.obstacle {
            return Err(reason);
        }
        if let Some(exif) = self.exif
            && exif::is_resized(exif, self.width, self.height)
        {
            return Err(Skip::Resolution);
        }
        if self.colours == Colours::Other {
            return Err(Skip::WideGamutUnconverted);
        }
        Ok(())
    }
}

/// The big-endian number at `at`.
fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes([pair[0], pair[1]]))
}

/// The big-endian number at `at`.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes([four[0], four[1], four[2], four[3]]))
}

/// The little-endian number at `at`.
fn u16_le(bytes: &[u8], at: usize) -> Option<u16> {
    u16_at(bytes, at).map(u16::swap_bytes)
}

/// The little-endian number at `at`.
fn u32_le(bytes: &[u8], at: usize) -> Option<u32> {
    u32_at(bytes, at).map(u32::swap_bytes)
}

/// Whether `needle` occurs in `haystack`.
fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}
