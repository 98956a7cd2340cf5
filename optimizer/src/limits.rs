//! What is refused before memory or time is spent on it.

use crate::Skip;

/// Bytes of source that are read. A product photograph straight from a camera is about 12 MB.
pub const SOURCE_BYTES: usize = 20 * 1024 * 1024;

/// Sources below this many bytes are left alone: container overhead eats what a codec saves.
pub const MIN_SOURCE_BYTES: usize = 2 * 1024;

/// Pixels that any source may claim, whatever the engine.
pub const PIXELS: u64 = 40_000_000;

/// Pixels along one side.
pub const SIDE: u32 = 12_000;

/// Bytes that decoding may take, as the header tells: 40 megapixels of RGBA, and a little.
pub const DECODER_BYTES: u64 = 192 * 1024 * 1024;

/// Pixels of a result, whatever the engine.
pub const OUTPUT_PIXELS: u64 = 4_000_000;

/// Pixels along one side of a result: a screen of 1280 pixels that shows two for one.
pub const OUTPUT_SIDE: u32 = 2_560;

/// Scans of a progressive JPEG. Encoders write about ten; a file of thousands of scans is made to burn time.
pub const JPEG_SCANS: usize = 32;

/// Frames of an animation.
pub const FRAMES: u32 = 100;

/// Pixels of an animation, as often as its canvas is shown.
pub const ANIMATION_PIXELS: u64 = 50_000_000;

/// Bytes of an embedded colour profile, unpacked. Printer profiles reach 2 MB.
pub const ICC_BYTES: usize = 4 * 1024 * 1024;

/// Bytes of a style sheet. The largest frameworks with every utility class written out are about 4 MB, and
/// nobody ships one.
pub const SHEET_BYTES: usize = 2 * 1024 * 1024;

/// Blocks, parentheses and brackets within each other in a style sheet. Nobody writes ten; a parser that
/// calls itself needs an end.
pub const SHEET_DEPTH: usize = 32;

/// Refuses a source by its dimensions, as soon as they are read.
pub(crate) fn check_source(width: u32, height: u32) -> Result<(), Skip> {
    if width == 0 || height == 0 {
        return Err(Skip::Corrupt);
    }
    within(width, height, SIDE, PIXELS)
}

/// Refuses dimensions that no engine, or not this one, should make a result of.
pub(crate) fn check_result(width: u32, height: u32, engine_pixels: u64) -> Result<(), Skip> {
    within(width, height, OUTPUT_SIDE, OUTPUT_PIXELS.min(engine_pixels))
}

/// Refuses a source whose decoding would take too many bytes for each of its pixels.
pub(crate) fn check_decoded(width: u32, height: u32, bytes_per_pixel: u64) -> Result<(), Skip> {
    within(width, height, SIDE, DECODER_BYTES / bytes_per_pixel.max(1))
}

/// Refuses an animation of more frames, or of more pixels in all of them, than anybody waits for to load.
pub(crate) fn check_frames(frames: u32, canvas: u64) -> Result<(), Skip> {
    if frames > FRAMES || (frames > 1 && canvas * u64::from(frames) > ANIMATION_PIXELS) {
        return Err(Skip::TooManyFrames);
    }
    Ok(())
}

/// Refuses a source that is too short for the pixels it claims, however simple they are.
pub(crate) fn check_length(source: usize, least: u64) -> Result<(), Skip> {
    if (source as u64) < least {
        return Err(Skip::Corrupt);
    }
    Ok(())
}

fn within(width: u32, height: u32, side: u32, pixels: u64) -> Result<(), Skip> {
    if width > side || height > side || u64::from(width) * u64::from(height) > pixels {
        return Err(Skip::TooManyPixels);
    }
    Ok(())
}

/// Whether a result is small enough to be worth a second representation: at most 95 % of the source.
pub(crate) fn pays(result: usize, source: usize) -> bool {
    result.saturating_mul(100) <= source.saturating_mul(95)
}
