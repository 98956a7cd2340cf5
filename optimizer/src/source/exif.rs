//! What EXIF says about how a picture is shown: which way is up, and at what size.

use super::{u16_at, u32_at};
use crate::Skip;

const ORIENTATION: u16 = 0x0112;
const X_RESOLUTION: u16 = 0x011A;
const Y_RESOLUTION: u16 = 0x011B;
const CAMERA: u16 = 0x8769;
const PIXELS_ACROSS: u16 = 0xA002;
const PIXELS_DOWN: u16 = 0xA003;

const SHORT: u16 = 3;
const LONG: u16 = 4;
const RATIONAL: u16 = 5;

/// Dots per inch at which a pixel is a pixel of the page.
const USUAL_RESOLUTION: f64 = 72.0;

/// How the picture is turned, 2 to 8, or `None` where it stands as it is. What cannot be read is an error: another
/// reader may see more in it.
pub(crate) fn orientation(exif: &[u8]) -> Result<Option<u8>, Skip> {
    let tiff = Tiff::of(exif).ok_or(Skip::Corrupt)?;
    let Some(entry) = tiff.first()?.find(ORIENTATION) else {
        return Ok(None);
    };
    match entry.number() {
        Some(turned @ 2..=8) if entry.kind == SHORT => Ok(Some(turned as u8)),
        Some(_) if entry.kind == SHORT => Ok(None),
        _ => Err(Skip::Corrupt),
    }
}

/// Whether browsers show a picture of these pixels at another size. They do where the resolution and the size that EXIF
/// tells agree on one.
pub(crate) fn is_resized(exif: &[u8], width: u32, height: u32) -> bool {
    other_size(exif, width, height).unwrap_or(false)
}

fn other_size(exif: &[u8], width: u32, height: u32) -> Option<bool> {
    let tiff = Tiff::of(exif)?;
    let first = tiff.first().ok()?;
    let camera = first.find(CAMERA)?.number()?;
    let camera = tiff.directory(camera as usize).ok()?;
    let across = camera.find(PIXELS_ACROSS)?.number()?;
    let down = camera.find(PIXELS_DOWN)?.number()?;
    let agrees = |pixels: u32, resolution: f64, said: u32| {
        let shown = f64::from(pixels) * USUAL_RESOLUTION / resolution;
        (shown - f64::from(said)).abs() < 1.0
    };
    let agree = agrees(width, first.find(X_RESOLUTION)?.ratio()?, across)
        && agrees(height, first.find(Y_RESOLUTION)?.ratio()?, down);
    Some(agree && (across, down) != (width, height))
}

/// EXIF that says nothing but how the picture is turned.
pub(crate) fn only(orientation: u8) -> Vec<u8> {
    let mut exif = b"MM\0\x2a\0\0\0\x08\0\x01".to_vec();
    exif.extend(ORIENTATION.to_be_bytes());
    exif.extend(SHORT.to_be_bytes());
    exif.extend([0, 0, 0, 1, 0, orientation, 0, 0]);
    exif.extend([0; 4]);
    exif
}

#[derive(Clone, Copy)]
struct Tiff<'a> {
    bytes: &'a [u8],
    little: bool,
}

impl<'a> Tiff<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let little = match bytes.get(..4)? {
            b"II\x2a\0" => true,
            b"MM\0\x2a" => false,
            _ => return None,
        };
        Some(Self { bytes, little })
    }

    fn short(&self, at: usize) -> Option<u16> {
        let value = u16_at(self.bytes, at)?;
        Some(if self.little {
            value.swap_bytes()
        } else {
            value
        })
    }

    fn long(&self, at: usize) -> Option<u32> {
        let value = u32_at(self.bytes, at)?;
        Some(if self.little {
            value.swap_bytes()
        } else {
            value
        })
    }

    fn first(&self) -> Result<Directory<'a>, Skip> {
        let at = self.long(4).ok_or(Skip::Corrupt)?;
        self.directory(at as usize)
    }

    /// A directory that is all there.
    fn directory(&self, at: usize) -> Result<Directory<'a>, Skip> {
        let count = self.short(at).ok_or(Skip::Corrupt)?;
        let start = at + 2;
        let end = start.checked_add(usize::from(count) * 12);
        end.and_then(|end| self.bytes.get(start..end))
            .ok_or(Skip::Corrupt)?;
        Ok(Directory {
            tiff: *self,
            start,
            count: usize::from(count),
        })
    }
}

struct Directory<'a> {
    tiff: Tiff<'a>,
    start: usize,
    count: usize,
}

impl<'a> Directory<'a> {
    fn find(&self, tag: u16) -> Option<Field<'a>> {
        let mut places = (0..self.count).map(|index| self.start + index * 12);
        let at = places.find(|&at| self.tiff.short(at) == Some(tag))?;
        Some(Field {
            tiff: self.tiff,
            kind: self.tiff.short(at + 2)?,
            single: self.tiff.long(at + 4)? == 1,
            value: at + 8,
        })
    }
}

struct Field<'a> {
    tiff: Tiff<'a>,
    kind: u16,
    single: bool,
    value: usize,
}

impl Field<'_> {
    fn number(&self) -> Option<u32> {
        match self.kind {
            SHORT if self.single => self.tiff.short(self.value).map(u32::from),
            LONG if self.single => self.tiff.long(self.value),
            _ => None,
        }
    }

    fn ratio(&self) -> Option<f64> {
        if self.kind != RATIONAL || !self.single {
            return None;
        }
        let at = self.tiff.long(self.value)? as usize;
        let over = self.tiff.long(at)?;
        let under = self.tiff.long(at.checked_add(4)?)?;
        (over > 0 && under > 0).then(|| f64::from(over) / f64::from(under))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Little-endian, as most cameras write it: resolution in the first directory, pixels in the camera's.
    fn camera(turned: u16, resolution: u32, across: u32, down: u32) -> Vec<u8> {
        let mut exif = b"II\x2a\0\x08\0\0\0\x04\0".to_vec();
        let mut entry = |tag: u16, kind: u16, value: u32| {
            exif.extend(tag.to_le_bytes());
            exif.extend(kind.to_le_bytes());
            exif.extend(1_u32.to_le_bytes());
            exif.extend(value.to_le_bytes());
        };
        entry(ORIENTATION, SHORT, u32::from(turned));
        entry(X_RESOLUTION, RATIONAL, 92);
        entry(Y_RESOLUTION, RATIONAL, 92);
        entry(CAMERA, LONG, 62);
        exif.extend([0; 4]);
        exif.extend(2_u16.to_le_bytes());
        for (tag, value) in [(PIXELS_ACROSS, across), (PIXELS_DOWN, down)] {
            exif.extend(tag.to_le_bytes());
            exif.extend(LONG.to_le_bytes());
            exif.extend(1_u32.to_le_bytes());
            exif.extend(value.to_le_bytes());
        }
        exif.extend([0; 4]);
        assert_eq!(exif.len(), 92);
        exif.extend(resolution.to_le_bytes());
        exif.extend(1_u32.to_le_bytes());
        exif
    }

    #[test]
    fn h70_the_orientation_is_read_in_either_byte_order() {
        for turned in 2..=8 {
            let exif = camera(u16::from(turned), 72, 400, 300);
            assert_eq!(orientation(&exif), Ok(Some(turned)));
            assert_eq!(orientation(&only(turned)), Ok(Some(turned)));
        }
        for upright in [0, 1, 9, 700] {
            assert_eq!(orientation(&camera(upright, 72, 400, 300)), Ok(None));
        }
    }

    #[test]
    fn h70_exif_that_is_cut_off_is_not_taken_for_upright() {
        let exif = only(6);
        for length in 0..exif.len() - 4 {
            assert_eq!(orientation(&exif[..length]), Err(Skip::Corrupt), "{length}");
        }
    }

    #[test]
    fn h70_a_picture_that_browsers_show_at_another_size_is_known() {
        assert!(is_resized(&camera(1, 144, 400, 300), 800, 600));
        for (resolution, across, down) in [(72, 800, 600), (300, 800, 600), (144, 800, 600)] {
            assert!(!is_resized(&camera(1, resolution, across, down), 800, 600));
        }
    }
}
