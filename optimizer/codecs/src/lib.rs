//! libaom and libwebp, encoders only, behind safe functions: pixels in, a bitstream out.
//!
//! Neither library sees a byte from the network: pictures are decoded elsewhere, in Rust. (libwebp's muxer reads what its
//! encoder has just written.) In WebAssembly a fault of
//! theirs ends the instance and nothing else.
//!
//! Whether they are there is decided when this crate is built: see [`LINKED`].
//!
//! ```
//! use vitrine_codecs::{Chroma, LINKED, Planes, av1};
//!
//! let gray = Planes { width: 16, height: 16, luma: &[128; 256], chroma: Chroma::None };
//! assert_eq!(av1(&gray, 9, 30).is_ok(), LINKED);
//! ```

#[cfg(not(linked))]
mod absent;
#[cfg(linked)]
mod ffi;
#[cfg(test)]
mod tests;

#[cfg(not(linked))]
use absent as engine;
#[cfg(linked)]
use ffi as engine;

/// Whether the C libraries are linked. `cargo xtask setup` builds them; without them nothing here encodes.
pub const LINKED: bool = cfg!(linked);
/// The version of libaom.
pub const LIBAOM: &str = env!("LIBAOM");
/// The version of libwebp.
pub const LIBWEBP: &str = env!("LIBWEBP");

/// Pixels along one side of what is encoded: AV1 and the shim count in 16 bits.
const AV1_SIDE: u32 = 65_535;
/// Pixels along one side of a WebP file.
const WEBP_SIDE: u32 = 16_383;

/// Why nothing was encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The buffers are not what the dimensions say, or a setting is out of its range.
    #[error("the picture or a setting is not one that the encoder takes")]
    Input,
    /// The C libraries are not linked.
    #[error("the C encoders are not built in")]
    Absent,
    /// The library gave up; its own code, or -1 where memory ran out.
    #[error("the encoder failed with code {0}")]
    Encoder(i32),
}

/// A picture as AV1 takes it: 8 bits, full range, rows without gaps.
#[derive(Debug, Clone, Copy)]
pub struct Planes<'a> {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Brightness, one byte per pixel.
    pub luma: &'a [u8],
    /// The colour, if there is any.
    pub chroma: Chroma<'a>,
}

/// The colour of a picture: Cb and Cr.
#[derive(Debug, Clone, Copy)]
pub enum Chroma<'a> {
    /// Gray.
    None,
    /// 4:2:0, half as wide and half as high, rounded up.
    Halved(&'a [u8], &'a [u8]),
    /// 4:4:4.
    Full(&'a [u8], &'a [u8]),
}

impl Planes<'_> {
    fn is_whole(&self) -> bool {
        let size = |width: u32, height: u32| width as usize * height as usize;
        let (width, height) = (self.width, self.height);
        let fits = (1..=AV1_SIDE).contains(&width) && (1..=AV1_SIDE).contains(&height);
        let chroma = match self.chroma {
            Chroma::None => true,
            Chroma::Halved(blue, red) => {
                let half = size(width.div_ceil(2), height.div_ceil(2));
                blue.len() == half && red.len() == half
            }
            Chroma::Full(blue, red) => {
                blue.len() == self.luma.len() && red.len() == self.luma.len()
            }
        };
        fits && self.luma.len() == size(width, height) && chroma
    }
}

/// One AV1 still picture by libaom, for an AVIF container: `speed` 0 to 9, `quantizer` 1 (fine) to 63: 0, without
/// losses, is not for this tuning.
///
/// Colours are BT.601 of sRGB, as the sequence header says.
pub fn av1(planes: &Planes<'_>, speed: u8, quantizer: u8) -> Result<Vec<u8>, Failure> {
    if !planes.is_whole() || speed > 9 || !(1..=63).contains(&quantizer) {
        return Err(Failure::Input);
    }
    engine::av1(planes, speed, quantizer, None)
}

/// The planes that a decoder will show, laid out as those that went in. Without colour, `blue` and `red` are empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Brightness.
    pub luma: Vec<u8>,
    /// Cb.
    pub blue: Vec<u8>,
    /// Cr.
    pub red: Vec<u8>,
}

/// The same bytes as [`av1`], and what a decoder will show: the encoder has it, so nobody has to decode.
pub fn av1_shown(
    planes: &Planes<'_>,
    speed: u8,
    quantizer: u8,
) -> Result<(Vec<u8>, Shown), Failure> {
    if !planes.is_whole() || speed > 9 || !(1..=63).contains(&quantizer) {
        return Err(Failure::Input);
    }
    let colour = match planes.chroma {
        Chroma::None => 0,
        Chroma::Halved(blue, _) | Chroma::Full(blue, _) => blue.len(),
    };
    let mut shown = Shown {
        luma: vec![0; planes.luma.len()],
        blue: vec![0; colour],
        red: vec![0; colour],
    };
    let bytes = engine::av1(planes, speed, quantizer, Some(&mut shown))?;
    Ok((bytes, shown))
}

/// Pixels as WebP takes them: 8 bits, rows without gaps.
#[derive(Debug, Clone, Copy)]
pub struct Pixels<'a> {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// RGB or RGBA.
    pub bytes: &'a [u8],
    /// Whether there are four bytes per pixel, the last one its alpha.
    pub alpha: bool,
}

/// How a WebP file is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebP {
    /// With losses: `quality` 0 to 100, `method` 0 (fast) to 6.
    Lossy {
        /// 0 to 100.
        quality: u8,
        /// 0 (fast) to 6.
        method: u8,
    },
    /// Every visible value is kept: `effort` 0 to 100, `method` 0 (fast) to 6.
    Lossless {
        /// 0 to 100.
        effort: u8,
        /// 0 (fast) to 6.
        method: u8,
    },
}

impl WebP {
    fn is_lossless(self) -> bool {
        matches!(self, Self::Lossless { .. })
    }

    /// Quality or effort, and method.
    fn settings(self) -> (u8, u8) {
        match self {
            Self::Lossy { quality, method } => (quality, method),
            Self::Lossless { effort, method } => (effort, method),
        }
    }
}

/// One WebP file by libwebp. The colour of pixels that nobody sees may change.
pub fn webp(pixels: &Pixels<'_>, how: WebP) -> Result<Vec<u8>, Failure> {
    let channels = if pixels.alpha { 4 } else { 3 };
    let (width, height) = (pixels.width, pixels.height);
    let fits = (1..=WEBP_SIDE).contains(&width) && (1..=WEBP_SIDE).contains(&height);
    let (quality, method) = how.settings();
    if !fits
        || pixels.bytes.len() != width as usize * height as usize * channels
        || quality > 100
        || method > 6
    {
        return Err(Failure::Input);
    }
    engine::webp(pixels, how.is_lossless(), quality, method)
}

/// An animated WebP file in the making. Only what changes from one frame to the next is coded.
#[derive(Debug)]
pub struct WebPAnimation {
    engine: engine::Animation,
    /// Bytes of a frame.
    length: usize,
    /// When the next frame begins, in milliseconds.
    at_ms: i32,
}

/// Milliseconds that one frame of a WebP file may last: 24 bits of them.
const WEBP_FRAME_MS: u32 = (1 << 24) - 1;

impl WebPAnimation {
    /// Begins one that plays `loops` times; nought is for ever. Of frames that may be lossy, each is coded in whichever
    /// way is smaller.
    pub fn begin(width: u32, height: u32, loops: u16, how: WebP) -> Result<Self, Failure> {
        let (quality, method) = how.settings();
        let fits = (1..=WEBP_SIDE).contains(&width) && (1..=WEBP_SIDE).contains(&height);
        if !fits || quality > 100 || method > 6 {
            return Err(Failure::Input);
        }
        Ok(Self {
            engine: engine::Animation::begin(
                width,
                height,
                loops,
                how.is_lossless(),
                quality,
                method,
            )?,
            length: width as usize * height as usize * 4,
            at_ms: 0,
        })
    }

    /// Adds a frame: the whole canvas, RGBA, and for how many milliseconds it is seen.
    pub fn add(&mut self, rgba: &[u8], ms: u32) -> Result<(), Failure> {
        let end = i32::try_from(ms)
            .ok()
            .and_then(|ms| self.at_ms.checked_add(ms));
        let end = end.filter(|_| rgba.len() == self.length && ms <= WEBP_FRAME_MS);
        let end = end.ok_or(Failure::Input)?;
        self.engine.add(rgba, self.at_ms)?;
        self.at_ms = end;
        Ok(())
    }

    /// The file, when at least one frame has been added.
    pub fn end(mut self) -> Result<Vec<u8>, Failure> {
        self.engine.end(self.at_ms)
    }
}
