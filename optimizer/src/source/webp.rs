//! A walk over the chunks of a WebP, to the end that its header states.

use image::metadata::Orientation;

use super::{Colours, Facts, Format, contains, u16_le, u32_le};
use crate::{Skip, limits};

/// Where the first chunk begins: behind `RIFF`, a length and `WEBP`.
const CHUNKS: usize = 12;
/// Flags of the extended header.
const ANIMATED: u8 = 0x02;
const ALPHA: u8 = 0x10;
const PROFILE: u8 = 0x20;

/// The file without what follows its end.
pub(crate) fn whole(source: &[u8]) -> Result<&[u8], Skip> {
    let length = u32_le(source, 4).ok_or(Skip::Corrupt)? as usize;
    let end = length.checked_add(8).ok_or(Skip::Corrupt)?;
    source.get(..end).ok_or(Skip::Corrupt)
}

pub(super) fn read(source: &[u8]) -> Result<Facts<'_>, Skip> {
    let file = whole(source)?;
    let mut walk = Walk {
        facts: Facts::new(Format::WebP),
        extended: None,
        mask: false,
        pixels: None,
        profile: None,
    };
    let mut at = CHUNKS;
    while at < file.len() {
        let kind = file.get(at..at + 4).ok_or(Skip::Corrupt)?;
        let length = u32_le(file, at + 4).ok_or(Skip::Corrupt)? as usize;
        let end = (at + 8).checked_add(length).ok_or(Skip::Corrupt)?;
        let data = file.get(at + 8..end).ok_or(Skip::Corrupt)?;
        match (at == CHUNKS, kind) {
            (true, b"VP8X") => walk.extended(data)?,
            (_, b"VP8 ") => walk.lossy(data)?,
            (_, b"VP8L") => walk.lossless(data)?,
            (true, _) => return Err(Skip::Unsupported),
            // Only the extended header makes something of what else there is.
            (false, kind) if walk.extended.is_some() => walk.extra(kind, data)?,
            _ => {}
        }
        at = end + length % 2;
    }
    walk.finish()
}

struct Walk<'a> {
    facts: Facts<'a>,
    /// The flags of the extended header.
    extended: Option<u8>,
    /// A chunk of alpha has come.
    mask: bool,
    pixels: Option<Pixels>,
    profile: Option<&'a [u8]>,
}

/// What the header of the coded pixels says.
struct Pixels {
    lossless: bool,
    alpha: bool,
}

impl<'a> Walk<'a> {
    fn extended(&mut self, data: &[u8]) -> Result<(), Skip> {
        let [flags, _, _, _, canvas @ ..] = data else {
            return Err(Skip::Corrupt);
        };
        let &[w0, w1, w2, h0, h1, h2] = canvas else {
            return Err(Skip::Corrupt);
        };
        self.extended = Some(*flags);
        self.facts.width = u32::from_le_bytes([w0, w1, w2, 0]) + 1;
        self.facts.height = u32::from_le_bytes([h0, h1, h2, 0]) + 1;
        if flags & ANIMATED != 0 {
            self.facts.obstacle = Some(Skip::Animated);
        }
        limits::check_source(self.facts.width, self.facts.height)
    }

    /// The header of a VP8 key frame: what is shown, a start code, and 14 bits for each side.
    fn lossy(&mut self, data: &[u8]) -> Result<(), Skip> {
        let shown = data.first().is_some_and(|tag| tag & 0x11 == 0x10);
        if !shown || data.get(3..6) != Some(&[0x9D, 0x01, 0x2A]) {
            return Err(Skip::Corrupt);
        }
        let side = |at| Some(u32::from(u16_le(data, at)? & 0x3FFF));
        let (width, height) = side(6).zip(side(8)).ok_or(Skip::Corrupt)?;
        let alpha = self.mask;
        self.pixels(
            width,
            height,
            Pixels {
                lossless: false,
                alpha,
            },
        )
    }

    fn lossless(&mut self, data: &[u8]) -> Result<(), Skip> {
        let bits = u32_le(data, 1).filter(|bits| bits >> 29 == 0);
        let bits = bits.filter(|_| data.first() == Some(&0x2F));
        let bits = bits.ok_or(Skip::Corrupt)?;
        let (width, height) = ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1);
        let alpha = bits >> 28 & 1 == 1;
        self.pixels(
            width,
            height,
            Pixels {
                lossless: true,
                alpha,
            },
        )
    }

    fn pixels(&mut self, width: u32, height: u32, pixels: Pixels) -> Result<(), Skip> {
        match self.extended {
            None if self.pixels.is_some() => return Ok(()),
            None => (self.facts.width, self.facts.height) = (width, height),
            // Two pictures, or one that is not as large as the canvas: readers differ on what to show.
            Some(_) if self.pixels.is_some() => return Err(Skip::Corrupt),
            Some(_) if (self.facts.width, self.facts.height) != (width, height) => {
                return Err(Skip::Corrupt);
            }
            Some(_) => {}
        }
        limits::check_source(width, height)?;
        self.facts.lossy = !pixels.lossless;
        self.pixels = Some(pixels);
        Ok(())
    }

    fn extra(&mut self, kind: &[u8], data: &'a [u8]) -> Result<(), Skip> {
        let obstacle = match kind {
            b"ANIM" | b"ANMF" => Skip::Animated,
            b"ALPH" if self.mask || self.pixels.is_some() => return Err(Skip::Corrupt),
            b"ALPH" => {
                self.mask = true;
                return Ok(());
            }
            b"ICCP" => {
                self.profile.get_or_insert(data);
                return Ok(());
            }
            // Some browsers turn the picture, and some do not.
            b"EXIF" if is_turned(data) => Skip::Unsupported,
            b"XMP " if contains(data, b"hdrgm") || contains(data, b"HDRGainMap") => Skip::GainMap,
            _ => return Ok(()),
        };
        self.facts.obstacle.get_or_insert(obstacle);
        Ok(())
    }

    fn finish(mut self) -> Result<Facts<'a>, Skip> {
        if self.facts.obstacle == Some(Skip::Animated) {
            return Ok(self.facts);
        }
        let pixels = self.pixels.as_ref().ok_or(Skip::Corrupt)?;
        let flags = self.extended.unwrap_or_default();
        // What the header says of alpha is believed by some readers, and what the pixels say by others.
        if self.extended.is_some() && (flags & ALPHA != 0) != pixels.alpha {
            return Err(Skip::Corrupt);
        }
        // The planes or pixels as they are decoded, beside those that are handed out.
        let bytes = match pixels {
            Pixels { lossless: true, .. } => 8,
            Pixels { alpha: true, .. } => 11,
            Pixels { .. } => 5,
        };
        limits::check_decoded(self.facts.width, self.facts.height, bytes)?;
        self.facts.colours = match self.profile {
            None => Colours::Srgb,
            Some(profile) if profile.len() > limits::ICC_BYTES => Colours::Other,
            Some(profile) if flags & PROFILE != 0 => Colours::Icc(profile.to_vec()),
            // A profile that the header denies.
            Some(_) => Colours::Other,
        };
        Ok(self.facts)
    }
}

fn is_turned(exif: &[u8]) -> bool {
    let exif = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    Orientation::from_exif_chunk(exif).is_some_and(|way| way != Orientation::NoTransforms)
}
