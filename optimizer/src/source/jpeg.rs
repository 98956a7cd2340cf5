//! A walk over the markers of a JPEG, from SOI to EOI.

use super::{Colours, Facts, Format, contains, u16_at};
use crate::{Skip, limits};

const PROGRESSIVE: u8 = 0xC2;
const SOS: u8 = 0xDA;
pub(crate) const EOI: u8 = 0xD9;

pub(super) fn read(source: &[u8]) -> Result<Facts<'_>, Skip> {
    let mut walk = Walk {
        facts: Facts::new(Format::Jpeg),
        frame: None,
        icc: Vec::new(),
        scans: 0,
        adobe: None,
    };
    for segment in segments(source) {
        let segment = segment?;
        if segment.marker == EOI {
            return walk.finish(source.len());
        }
        walk.segment(segment.marker, segment.data)?;
    }
    Err(Skip::Corrupt)
}

/// A marker and what belongs to it.
pub(crate) struct Segment<'a> {
    pub(crate) marker: u8,
    /// What stands behind the marker and its length.
    pub(crate) data: &'a [u8],
    /// All of it, marker, length and coded pixels included.
    pub(crate) whole: &'a [u8],
}

/// Walks from SOI to EOI, the last one that is given. A file without one is corrupt.
pub(crate) fn segments(source: &[u8]) -> impl Iterator<Item = Result<Segment<'_>, Skip>> {
    let mut at = Some(2);
    std::iter::from_fn(move || {
        let start = at.take()?;
        let Some(segment) = segment_at(source, start) else {
            return Some(Err(Skip::Corrupt));
        };
        at = (segment.marker != EOI).then_some(start + segment.whole.len());
        Some(Ok(segment))
    })
}

fn segment_at(source: &[u8], start: usize) -> Option<Segment<'_>> {
    let (marker, next) = marker_at(source, start)?;
    let (data, end): (&[u8], _) = match marker {
        EOI => (&[], next),
        // Parameterless, and out of place between segments.
        0x00 | 0x01 | 0xD0..=0xD8 => return None,
        _ => {
            let end = next + usize::from(u16_at(source, next)?).max(2);
            (source.get(next + 2..end)?, end)
        }
    };
    let end = if marker == SOS {
        end_of_scan(source, end)?
    } else {
        end
    };
    Some(Segment {
        marker,
        data,
        whole: source.get(start..end)?,
    })
}

/// The marker at `at` and where its segment begins. Any number of fill bytes may come before it.
fn marker_at(source: &[u8], at: usize) -> Option<(u8, usize)> {
    let rest = source.get(at..)?;
    if *rest.first()? != 0xFF {
        return None;
    }
    let fill = rest.iter().take_while(|&&byte| byte == 0xFF).count();
    Some((*rest.get(fill)?, at + fill + 1))
}

/// Where the entropy-coded bytes end: at the next marker that is neither a stuffed byte nor a restart.
fn end_of_scan(source: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += source.get(at..)?.iter().position(|&byte| byte == 0xFF)?;
        match source.get(at + 1)? {
            0x00 | 0xD0..=0xD7 => at += 2,
            0xFF => at += 1,
            _ => return Some(at),
        }
    }
}

/// What the segments of EXIF and of colour profiles begin with.
pub(crate) const EXIF: &[u8] = b"Exif\0\0";
pub(crate) const ICC: &[u8] = b"ICC_PROFILE\0";

/// Whether a segment says that there is a second picture in the file.
pub(crate) fn has_second_picture(marker: u8, segment: &[u8]) -> bool {
    match marker {
        // Adobe's and Google's gain maps, and Apple's.
        0xE1 => {
            segment.starts_with(b"http://ns.adobe.com/")
                && (contains(segment, b"hdrgm") || contains(segment, b"HDRGainMap"))
        }
        // Several pictures in one file, or ISO 21496-1 gain map metadata.
        0xE2 => {
            segment.starts_with(b"MPF\0") || segment.starts_with(b"urn:iso:std:iso:ts:21496:-1")
        }
        _ => false,
    }
}

struct Frame {
    components: u8,
    ids: Vec<u8>,
    progressive: bool,
}

struct Walk<'a> {
    facts: Facts<'a>,
    frame: Option<Frame>,
    icc: Vec<(u8, u8, &'a [u8])>,
    scans: usize,
    adobe: Option<u8>,
}

impl<'a> Walk<'a> {
    fn segment(&mut self, marker: u8, segment: &'a [u8]) -> Result<(), Skip> {
        match marker {
            // Baseline, extended sequential, progressive; Huffman coded.
            0xC0..=PROGRESSIVE => self.frame(marker, segment)?,
            // Lossless, differential and arithmetic coding: no browser shows them.
            0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => return Err(Skip::Unsupported),
            0xDB => self.quantizers(segment),
            SOS => {
                self.scans += 1;
                if self.scans > limits::JPEG_SCANS {
                    return Err(Skip::Unsupported);
                }
            }
            0xE1 => self.app1(segment),
            0xE2 => self.app2(segment),
            0xEE if segment.starts_with(b"Adobe") => self.adobe = segment.get(11).copied(),
            _ => {}
        }
        Ok(())
    }

    fn frame(&mut self, marker: u8, segment: &[u8]) -> Result<(), Skip> {
        if self.frame.is_some() {
            return Err(Skip::Corrupt);
        }
        let components = *segment.get(5).ok_or(Skip::Corrupt)?;
        if segment.first() != Some(&8) {
            return Err(Skip::Unsupported);
        }
        self.facts.height = u32::from(u16_at(segment, 1).ok_or(Skip::Corrupt)?);
        self.facts.width = u32::from(u16_at(segment, 3).ok_or(Skip::Corrupt)?);
        limits::check_source(self.facts.width, self.facts.height)?;
        let table = segment
            .get(6..6 + 3 * usize::from(components))
            .ok_or(Skip::Corrupt)?;
        let samplings: Vec<(u8, u8)> = table
            .chunks_exact(3)
            .map(|entry| (entry[1] >> 4, entry[1] & 15))
            .collect();
        // Luma finer than or equal to chroma, in whole steps: what cameras and encoders write.
        let (wide, high) = *samplings.first().ok_or(Skip::Corrupt)?;
        let regular = |&(h, v): &(u8, u8)| h > 0 && v > 0 && wide % h == 0 && high % v == 0;
        if !samplings.iter().all(regular) || wide > 4 || high > 4 {
            return Err(Skip::Unsupported);
        }
        let ids = table.chunks_exact(3).map(|entry| entry[0]).collect();
        self.frame = Some(Frame {
            components,
            ids,
            progressive: marker == PROGRESSIVE,
        });
        Ok(())
    }

    /// The scale of the first luma table against the standard's own, as the Independent JPEG Group's encoders set it.
    fn quantizers(&mut self, segment: &[u8]) {
        if self.facts.quality.is_some() || segment.first() != Some(&0) {
            return;
        }
        let Some(table) = segment.get(1..65) else {
            return;
        };
        // The standard's luma table (Annex K.1) sums to 3688 over its 64 entries.
        let sum: u32 = table.iter().map(|&step| u32::from(step)).sum();
        let scale = (sum * 100).div_ceil(3688).max(1);
        let quality = if scale <= 100 {
            100 - scale / 2
        } else {
            5000 / scale
        };
        self.facts.quality = Some(quality.clamp(1, 100) as u8);
    }

    fn app1(&mut self, segment: &'a [u8]) {
        if let Some(exif) = segment.strip_prefix(EXIF) {
            self.facts.exif.get_or_insert(exif);
        } else if has_second_picture(0xE1, segment) {
            self.facts.obstacle.get_or_insert(Skip::GainMap);
        }
    }

    fn app2(&mut self, segment: &'a [u8]) {
        if let Some(part) = segment.strip_prefix(ICC) {
            if let [number, count, data @ ..] = part {
                self.icc.push((*number, *count, data));
            }
        } else if has_second_picture(0xE2, segment) {
            self.facts.obstacle.get_or_insert(Skip::GainMap);
        }
    }

    fn finish(mut self, length: usize) -> Result<Facts<'a>, Skip> {
        let frame = self.frame.as_ref().ok_or(Skip::Corrupt)?;
        if self.scans == 0 {
            return Err(Skip::Corrupt);
        }
        // Coefficients, two bytes each, that several scans describe are all held until the last one.
        let held = if frame.progressive || self.scans > 1 {
            3
        } else {
            1
        };
        let bytes = held * u64::from(frame.components);
        limits::check_decoded(self.facts.width, self.facts.height, bytes)?;
        // A block of 64 pixels takes a bit at least.
        limits::check_length(length, self.facts.pixels() / 64 / 8)?;
        match frame.components {
            // Decoders disagree about components that are only *named* R, G and B.
            3 if frame.ids == *b"RGB" && self.adobe != Some(0) => return Err(Skip::Unsupported),
            1 | 3 => {}
            4 => self.facts.obstacle = Some(Skip::Cmyk),
            _ => return Err(Skip::Unsupported),
        }
        self.facts.colours = self.profile()?;
        Ok(self.facts)
    }

    /// Joins the parts of the ICC profile. A profile with a part missing describes nothing.
    fn profile(&mut self) -> Result<Colours, Skip> {
        if self.icc.is_empty() {
            return Ok(Colours::Srgb);
        }
        self.icc.sort_by_key(|&(number, _, _)| number);
        let whole = self
            .icc
            .iter()
            .zip(1..)
            .all(|(&(number, count, _), expected)| {
                usize::from(number) == expected && usize::from(count) == self.icc.len()
            });
        let profile: Vec<u8> = self
            .icc
            .iter()
            .flat_map(|&(_, _, data)| data)
            .copied()
            .collect();
        if !whole || profile.len() > limits::ICC_BYTES {
            return Err(Skip::WideGamutUnconverted);
        }
        Ok(Colours::Icc(profile))
    }
}
