//! A walk over the blocks of a GIF, to its trailer.

use super::{Facts, Format, u16_le};
use crate::{Skip, limits};

/// Pixels that one byte of LZW unpacks to at most: a code of 12 bits for nearly as many pixels as there are codes.
const LZW_RATIO: u64 = 2_731;

pub(super) fn read(source: &[u8]) -> Result<Facts<'_>, Skip> {
    let mut walk = Walk {
        source,
        at: 6,
        facts: Facts::new(Format::Gif),
        palette: false,
    };
    walk.screen()?;
    walk.facts.frames = 0;
    walk.facts.loops = 1;
    loop {
        match walk.byte()? {
            0x21 => walk.extension()?,
            0x2C => walk.frame()?,
            0x3B => return walk.finish(),
            _ => return Err(Skip::Corrupt),
        }
    }
}

struct Walk<'a> {
    source: &'a [u8],
    at: usize,
    facts: Facts<'a>,
    /// There is one for the frames that bring none.
    palette: bool,
}

impl<'a> Walk<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Skip> {
        let taken = self.source.get(self.at..self.at + length);
        self.at += length;
        taken.ok_or(Skip::Corrupt)
    }

    fn byte(&mut self) -> Result<u8, Skip> {
        self.take(1).map(|byte| byte[0])
    }

    /// The next block of up to 255 bytes; an empty one is the last.
    fn block(&mut self) -> Result<&'a [u8], Skip> {
        let length = self.byte()?;
        self.take(usize::from(length))
    }

    fn skip_blocks(&mut self) -> Result<(), Skip> {
        while !self.block()?.is_empty() {}
        Ok(())
    }

    fn palette(&mut self, flags: u8) -> Result<bool, Skip> {
        if flags & 0x80 == 0 {
            return Ok(false);
        }
        self.take(6 << (flags & 7))?;
        Ok(true)
    }

    fn screen(&mut self) -> Result<(), Skip> {
        let screen = self.take(7)?;
        self.facts.width = u32::from(u16_le(screen, 0).ok_or(Skip::Corrupt)?);
        self.facts.height = u32::from(u16_le(screen, 2).ok_or(Skip::Corrupt)?);
        limits::check_source(self.facts.width, self.facts.height)?;
        // The canvas, and the frame that is put on it.
        limits::check_decoded(self.facts.width, self.facts.height, 5)?;
        self.palette = self.palette(screen[4])?;
        Ok(())
    }

    fn extension(&mut self) -> Result<(), Skip> {
        let label = self.byte()?;
        let first = self.block()?;
        match label {
            // How the next frame is shown. Above 3, readers differ on what becomes of it afterwards.
            0xF9 if first.len() != 4 || first[0] >> 2 & 7 > 3 => return Err(Skip::Corrupt),
            0xFF if matches!(first, b"NETSCAPE2.0" | b"ANIMEXTS1.0") => {
                let again = self.block()?;
                if let &[1, low, high] = again {
                    self.facts.loops = loops(u16::from_le_bytes([low, high]));
                }
                if again.is_empty() {
                    return Ok(());
                }
            }
            0xF9 | 0xFE | 0xFF => {}
            // Text to be drawn, which nobody draws, and what no standard knows.
            _ => return Err(Skip::Unsupported),
        }
        if first.is_empty() {
            return Ok(());
        }
        self.skip_blocks()
    }

    fn frame(&mut self) -> Result<(), Skip> {
        let place = self.take(9)?;
        let number = |at| u16_le(place, at).map(u32::from).ok_or(Skip::Corrupt);
        let (left, top, width, height) = (number(0)?, number(2)?, number(4)?, number(6)?);
        let within = left + width <= self.facts.width && top + height <= self.facts.height;
        // Of a frame beyond the canvas, some readers show a part, and some make the canvas larger.
        if width == 0 || height == 0 || !within {
            return Err(Skip::Corrupt);
        }
        let own = self.palette(place[8])?;
        if !(own || self.palette) || !(2..=8).contains(&self.byte()?) {
            return Err(Skip::Corrupt);
        }
        let begin = self.at;
        if self.block()?.is_empty() {
            return Err(Skip::Corrupt);
        }
        self.skip_blocks()?;
        let pixels = u64::from(width) * u64::from(height);
        limits::check_length(self.at - begin, pixels / LZW_RATIO)?;
        self.facts.frames += 1;
        limits::check_frames(self.facts.frames, self.facts.pixels())
    }

    fn finish(self) -> Result<Facts<'a>, Skip> {
        if self.facts.frames == 0 {
            return Err(Skip::Corrupt);
        }
        Ok(self.facts)
    }
}

/// How often an animation plays that is to be played this many times again. In both, nought is for ever.
fn loops(again: u16) -> u16 {
    match again {
        0 => 0,
        again => again.saturating_add(1),
    }
}
