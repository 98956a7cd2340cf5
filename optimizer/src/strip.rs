//! The same picture without what is no part of it: where and with what it was taken, comments, previews, whatever
//! follows its end.
//!
//! The file is copied piece by piece, and not one coded pixel is touched. What decides how it is shown stays: colour
//! profiles and their like, and which way is up. A file that breaks a rule of its container, or has a second picture
//! in it, stays whole.

use crate::source::{Format, exif, jpeg, png, u32_at};
use crate::{Encoded, Skip};

/// The recipe of what is made here.
const RECIPE: &str = "strip";

/// The file without what is no part of the picture. `None` where there is nothing of that kind, or where nobody knows.
pub fn strip(source: &[u8]) -> Option<Encoded> {
    let (stripped, content_type) = match Format::of(source)? {
        Format::Jpeg => (of_jpeg(source), "image/jpeg"),
        Format::Png => (of_png(source), "image/png"),
        Format::WebP | Format::Gif => return None,
    };
    let bytes = stripped.ok()?;
    (bytes.len() < source.len()).then(|| Encoded {
        bytes,
        content_type,
        recipe: RECIPE.into(),
    })
}

fn of_jpeg(source: &[u8]) -> Result<Vec<u8>, Skip> {
    let (mut said, mut width, mut height) = (None, 0, 0);
    let mut kept = Vec::with_capacity(source.len());
    kept.extend(&source[..2]);
    for segment in jpeg::segments(source) {
        let jpeg::Segment {
            marker,
            data,
            whole,
        } = segment?;
        if jpeg::has_second_picture(marker, data) {
            return Err(Skip::GainMap);
        }
        match marker {
            0xE0 if data.starts_with(b"JFIF\0") => jfif(&mut kept, data, whole),
            0xE1 if data.starts_with(jpeg::EXIF) => {
                let exif = &data[jpeg::EXIF.len()..];
                if let Some(turned) = orientation(&mut said, exif)? {
                    let exif = [jpeg::EXIF, &exif::only(turned)].concat();
                    put(&mut kept, marker, &exif);
                }
            }
            0xE2 if data.starts_with(jpeg::ICC) => kept.extend(whole),
            // Says whether colours are RGB, YCbCr or ink.
            0xEE if data.starts_with(b"Adobe") => kept.extend(whole),
            0xE0..=0xEF | 0xFE => {}
            _ => {
                if let (0xC0..=0xC2, &[_, h1, h2, w1, w2, ..]) = (marker, data) {
                    height = u32::from(u16::from_be_bytes([h1, h2]));
                    width = u32::from(u16::from_be_bytes([w1, w2]));
                }
                kept.extend(whole);
            }
        }
    }
    refuse_resized(said, width, height)?;
    Ok(kept)
}

/// Which way is up. Of two that say so, nobody knows which one counts.
fn orientation<'a>(said: &mut Option<&'a [u8]>, exif: &'a [u8]) -> Result<Option<u8>, Skip> {
    if said.replace(exif).is_some() {
        return Err(Skip::Corrupt);
    }
    exif::orientation(exif)
}

/// EXIF that makes a picture smaller on the page cannot go.
fn refuse_resized(said: Option<&[u8]>, width: u32, height: u32) -> Result<(), Skip> {
    match said {
        Some(exif) if exif::is_resized(exif, width, height) => Err(Skip::Resolution),
        _ => Ok(()),
    }
}

/// JFIF without the preview that may follow its fourteen bytes.
fn jfif(kept: &mut Vec<u8>, data: &[u8], whole: &[u8]) {
    const HEAD: usize = 12;
    match data.get(..HEAD) {
        Some(head) if data.len() > HEAD + 2 => put(kept, 0xE0, &[head, &[0, 0]].concat()),
        _ => kept.extend(whole),
    }
}

/// A segment of a few bytes.
fn put(kept: &mut Vec<u8>, marker: u8, data: &[u8]) {
    kept.extend([0xFF, marker]);
    kept.extend(((data.len() + 2) as u16).to_be_bytes());
    kept.extend(data);
}

/// What says how pixels become light, or how large they are. Everything else that may be left out of a PNG is.
const SHOWN: [&[u8; 4]; 11] = [
    b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"mDCV", b"cLLI", b"sBIT", b"bKGD",
    b"pHYs",
];

fn of_png(source: &[u8]) -> Result<Vec<u8>, Skip> {
    let (mut said, mut width, mut height) = (None, 0, 0);
    let mut kept = Vec::with_capacity(source.len());
    kept.extend(&source[..png::SIGNATURE]);
    for chunk in png::chunks(source) {
        let png::Chunk { kind, data, whole } = chunk?;
        match kind {
            b"acTL" | b"fcTL" | b"fdAT" => return Err(Skip::Animated),
            b"IHDR" => {
                width = u32_at(data, 0).ok_or(Skip::Corrupt)?;
                height = u32_at(data, 4).ok_or(Skip::Corrupt)?;
                kept.extend(whole);
            }
            b"eXIf" => {
                if let Some(turned) = orientation(&mut said, png::exif_of(data))? {
                    kept.extend(png::chunk(*kind, &exif::only(turned)));
                }
            }
            // An upper-case letter: the picture cannot be shown without it.
            [b'A'..=b'Z', ..] => kept.extend(whole),
            kind if SHOWN.contains(&kind) => kept.extend(whole),
            _ => {}
        }
    }
    refuse_resized(said, width, height)?;
    Ok(kept)
}
