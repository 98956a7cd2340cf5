//! A walk over the chunks of a PNG, from IHDR to IEND.

use std::io::Read as _;

use flate2::Crc;
use flate2::read::ZlibDecoder;

use super::{Colours, Facts, Format, u32_at};
use crate::{Skip, limits};

/// Bytes before the first chunk.
pub(crate) const SIGNATURE: usize = 8;
/// Bytes that one byte of deflate unpacks to at most: 258 for two bits.
const DEFLATE_RATIO: u64 = 1032;

pub(super) fn read(source: &[u8]) -> Result<Facts<'_>, Skip> {
    let mut facts = Facts::new(Format::Png);
    let mut said = Said::default();
    for chunk in chunks(source) {
        let Chunk { kind, data, .. } = chunk?;
        match kind {
            b"IHDR" => header(&mut facts, data, source.len())?,
            b"acTL" => facts.obstacle = Some(Skip::Animated),
            b"eXIf" => facts.exif = Some(exif_of(data)),
            b"IDAT" => said.pixels = true,
            _ => said.colour(kind, data),
        }
    }
    if !said.pixels {
        return Err(Skip::Corrupt);
    }
    facts.colours = said.colours()?;
    Ok(facts)
}

/// One chunk.
pub(crate) struct Chunk<'a> {
    pub(crate) kind: &'a [u8; 4],
    pub(crate) data: &'a [u8],
    /// All of it, its length, kind and checksum included.
    pub(crate) whole: &'a [u8],
}

/// Walks from IHDR to IEND, the last one that is given. A file without one is corrupt.
pub(crate) fn chunks(source: &[u8]) -> impl Iterator<Item = Result<Chunk<'_>, Skip>> {
    let mut at = Some(SIGNATURE);
    std::iter::from_fn(move || {
        let start = at.take()?;
        let chunk = chunk_at(source, start).filter(|chunk| {
            let first = start == SIGNATURE;
            first == (chunk.kind == b"IHDR")
        });
        let Some(chunk) = chunk else {
            return Some(Err(Skip::Corrupt));
        };
        at = (chunk.kind != b"IEND").then_some(start + chunk.whole.len());
        Some(Ok(chunk))
    })
}

/// The checksum is the decoder's to verify; here it must only be there.
fn chunk_at(source: &[u8], start: usize) -> Option<Chunk<'_>> {
    let length = u32_at(source, start)? as usize;
    let (kind, rest) = source.get(start + 4..)?.split_first_chunk::<4>()?;
    Some(Chunk {
        kind,
        data: rest.get(..length)?,
        whole: source.get(start..(start + 12).checked_add(length)?)?,
    })
}

/// A chunk of a few bytes, with its length and checksum.
pub(crate) fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u32).to_be_bytes();
    let mut crc = Crc::new();
    crc.update(&kind);
    crc.update(data);
    [&length, &kind, data, &crc.sum().to_be_bytes()].concat()
}

/// Some encoders write a JPEG's prefix into a PNG.
pub(crate) fn exif_of(data: &[u8]) -> &[u8] {
    data.strip_prefix(b"Exif\0\0").unwrap_or(data)
}

fn header(facts: &mut Facts<'_>, data: &[u8], length: usize) -> Result<(), Skip> {
    let [.., depth, colour, _compression, _filter, _interlace] = data else {
        return Err(Skip::Corrupt);
    };
    facts.width = u32_at(data, 0).ok_or(Skip::Corrupt)?;
    facts.height = u32_at(data, 4).ok_or(Skip::Corrupt)?;
    facts.sixteen_bit = *depth == 16;
    if data.len() != 13 {
        return Err(Skip::Corrupt);
    }
    limits::check_source(facts.width, facts.height)?;
    // Gray or colour, with alpha: a chunk further on may make one colour transparent.
    let channels = if matches!(colour, 0 | 4) { 2 } else { 4 };
    // Values of 16 bits are there until the last of them is reduced to 8.
    let bytes = if facts.sixteen_bit { 3 } else { 1 };
    limits::check_decoded(facts.width, facts.height, channels * bytes)?;
    let channels = match colour {
        2 => 3,
        4 => 2,
        6 => 4,
        _ => 1,
    };
    let bits = facts.pixels() * channels * u64::from(*depth);
    limits::check_length(length, bits / 8 / DEFLATE_RATIO)
}

/// What the file says about its colours. A later standard's word goes before an earlier one's:
/// cICP, then iCCP, then sRGB, then gAMA and cHRM.
#[derive(Default)]
struct Said<'a> {
    pixels: bool,
    code_points: Option<&'a [u8]>,
    profile: Option<&'a [u8]>,
    srgb: bool,
    gamma: Option<u32>,
    primaries: Option<&'a [u8]>,
}

impl<'a> Said<'a> {
    fn colour(&mut self, kind: &[u8], data: &'a [u8]) {
        match kind {
            b"cICP" => self.code_points = Some(data),
            b"iCCP" => self.profile = Some(data),
            b"sRGB" => self.srgb = true,
            b"gAMA" => self.gamma = u32_at(data, 0),
            b"cHRM" => self.primaries = Some(data),
            _ => {}
        }
    }

    fn colours(&self) -> Result<Colours, Skip> {
        if let Some(code_points) = self.code_points {
            // BT.709 primaries, sRGB transfer, RGB, full range.
            return Ok(if code_points == [1, 13, 0, 1] {
                Colours::Srgb
            } else {
                Colours::Other
            });
        }
        if let Some(packed) = self.profile {
            return unpacked(packed).map(Colours::Icc);
        }
        if self.srgb || (self.gamma_is_ordinary() && self.primaries_are_ordinary()) {
            return Ok(Colours::Srgb);
        }
        Ok(Colours::Other)
    }

    /// 1/2.2 in units of 1/100000, give or take rounding by old editors.
    fn gamma_is_ordinary(&self) -> bool {
        self.gamma
            .is_none_or(|gamma| (45_000..=46_000).contains(&gamma))
    }

    fn primaries_are_ordinary(&self) -> bool {
        const SRGB: [u32; 8] = [
            31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000,
        ];
        self.primaries.is_none_or(|data| {
            SRGB.iter().enumerate().all(|(index, &expected)| {
                u32_at(data, index * 4).is_some_and(|value| value.abs_diff(expected) <= 200)
            })
        })
    }
}

/// The profile behind its name, unpacked to its limit and no further: ten kilobytes may claim to be ten megabytes.
pub(crate) fn unpacked(chunk: &[u8]) -> Result<Vec<u8>, Skip> {
    let name = chunk.iter().take(80).position(|&byte| byte == 0);
    let packed = name.and_then(|end| chunk.get(end + 1..)?.strip_prefix(&[0]));
    let mut profile = Vec::new();
    ZlibDecoder::new(packed.ok_or(Skip::Corrupt)?)
        .take(limits::ICC_BYTES as u64 + 1)
        .read_to_end(&mut profile)
        .map_err(|_| Skip::Corrupt)?;
    if profile.len() > limits::ICC_BYTES {
        return Err(Skip::WideGamutUnconverted);
    }
    Ok(profile)
}
