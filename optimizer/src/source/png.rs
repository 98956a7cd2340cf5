//! A walk over the chunks of a PNG, from IHDR to IEND.

use super::{Colours, Facts, Format, u32_at};
use crate::Skip;

const SIGNATURE: usize = 8;

pub(super) fn read(source: &[u8]) -> Result<Facts<'_>, Skip> {
    let mut facts = Facts::new(Format::Png);
    let mut said = Said::default();
    let mut at = SIGNATURE;
    loop {
        let length = u32_at(source, at).ok_or(Skip::Corrupt)? as usize;
        let kind = source.get(at + 4..at + 8).ok_or(Skip::Corrupt)?;
        let end = (at + 8).checked_add(length).ok_or(Skip::Corrupt)?;
        let data = source.get(at + 8..end).ok_or(Skip::Corrupt)?;
        // The checksum is the decoder's to verify; here it must only be there.
        source
            .get(end..end.saturating_add(4))
            .filter(|crc| crc.len() == 4)
            .ok_or(Skip::Corrupt)?;
        if (at == SIGNATURE) != (kind == b"IHDR") {
            return Err(Skip::Corrupt);
        }
        match kind {
            b"IHDR" => header(&mut facts, data)?,
            b"acTL" => facts.obstacle = Some(Skip::Animated),
            b"eXIf" => facts.exif = Some(data.strip_prefix(b"Exif\0\0").unwrap_or(data)),
            b"IDAT" => said.pixels = true,
            b"IEND" => break,
            _ => said.colour(kind, data),
        }
        at = end + 4;
    }
    if !said.pixels {
        return Err(Skip::Corrupt);
    }
    facts.colours = said.colours();
    Ok(facts)
}

fn header(facts: &mut Facts<'_>, data: &[u8]) -> Result<(), Skip> {
    let [.., depth, _colour, _compression, _filter, _interlace] = data else {
        return Err(Skip::Corrupt);
    };
    facts.width = u32_at(data, 0).ok_or(Skip::Corrupt)?;
    facts.height = u32_at(data, 4).ok_or(Skip::Corrupt)?;
    facts.sixteen_bit = *depth == 16;
    if data.len() != 13 || facts.width == 0 || facts.height == 0 {
        return Err(Skip::Corrupt);
    }
    Ok(())
}

/// What the file says about its colours. A later standard's word goes before an earlier one's:
/// cICP, then iCCP, then sRGB, then gAMA and cHRM.
#[derive(Default)]
struct Said<'a> {
    pixels: bool,
    code_points: Option<&'a [u8]>,
    profile: bool,
    srgb: bool,
    gamma: Option<u32>,
    primaries: Option<&'a [u8]>,
}

impl<'a> Said<'a> {
    fn colour(&mut self, kind: &[u8], data: &'a [u8]) {
        match kind {
            b"cICP" => self.code_points = Some(data),
            b"iCCP" => self.profile = true,
            b"sRGB" => self.srgb = true,
            b"gAMA" => self.gamma = u32_at(data, 0),
            b"cHRM" => self.primaries = Some(data),
            _ => {}
        }
    }

    fn colours(&self) -> Colours {
        if let Some(code_points) = self.code_points {
            // BT.709 primaries, sRGB transfer, RGB, full range.
            return if code_points == [1, 13, 0, 1] {
                Colours::Srgb
            } else {
                Colours::Other
            };
        }
        if self.profile {
            return Colours::Icc(Vec::new());
        }
        if self.srgb || (self.gamma_is_ordinary() && self.primaries_are_ordinary()) {
            return Colours::Srgb;
        }
        Colours::Other
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
