//! The part of a picture that is kept where another shape is asked for.

/// A shape, and the point that matters: the largest part of that shape is kept, with the point as near to its middle as
/// the picture's edges allow.
///
/// ```
/// use vitrine_optimizer::Crop;
///
/// assert!(Crop::from_name("4x5@50-30").is_some());
/// assert!(Crop::from_name("4x5").is_none());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Crop {
    /// Width to height.
    aspect: (u8, u8),
    /// From the left and from the top, in percent.
    focus: (u8, u8),
}

/// A part of a picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) x: u32,
    pub(crate) y: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Crop {
    /// Reads what stands in `x-vitrine-crop`: width and height of the shape, 1 to 99, and the point in percent.
    pub fn from_name(name: &str) -> Option<Self> {
        let (aspect, focus) = name.split_once('@')?;
        let aspect = pair(aspect, 'x', 1..=99)?;
        let focus = pair(focus, '-', 0..=100)?;
        Some(Self { aspect, focus })
    }

    /// What is kept of a picture of this size.
    pub(crate) fn region(self, width: u32, height: u32) -> Region {
        let (across, down) = (u64::from(self.aspect.0), u64::from(self.aspect.1));
        let (full_width, full_height) = (u64::from(width), u64::from(height));
        let is_too_wide = full_width * down > full_height * across;
        let (kept_width, kept_height) = if is_too_wide {
            (rounded(full_height * across, down), full_height)
        } else {
            (full_width, rounded(full_width * down, across))
        };
        let (x, kept_width) = span(full_width, kept_width, self.focus.0);
        let (y, kept_height) = span(full_height, kept_height, self.focus.1);
        Region {
            x,
            y,
            width: kept_width,
            height: kept_height,
        }
    }
}

fn pair(text: &str, between: char, allowed: std::ops::RangeInclusive<u8>) -> Option<(u8, u8)> {
    let number = |digits: &str| {
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse().ok().filter(|n| plain && allowed.contains(n))
    };
    let (first, second) = text.split_once(between)?;
    Some((number(first)?, number(second)?))
}

fn rounded(dividend: u64, divisor: u64) -> u64 {
    (dividend * 2 + divisor) / (divisor * 2)
}

/// Where a part of one side begins, and how long it is.
fn span(full: u64, kept: u64, focus: u8) -> (u32, u32) {
    let kept = kept.clamp(1, full.max(1));
    let middle = rounded(full * u64::from(focus), 100);
    let start = middle.saturating_sub(kept / 2).min(full - kept.min(full));
    (start as u32, kept as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(name: &str, width: u32, height: u32) -> (u32, u32, u32, u32) {
        let region = Crop::from_name(name).unwrap().region(width, height);
        (region.x, region.y, region.width, region.height)
    }

    #[test]
    fn the_largest_part_of_the_shape_is_kept_around_the_point() {
        assert_eq!(region("1x1@50-50", 300, 200), (50, 0, 200, 200));
        assert_eq!(region("1x1@50-50", 200, 300), (0, 50, 200, 200));
        assert_eq!(region("4x5@50-30", 1600, 1000), (400, 0, 800, 1000));
        assert_eq!(region("16x9@50-30", 1600, 1600), (0, 30, 1600, 900));
    }

    #[test]
    fn a_point_near_an_edge_leaves_the_part_within_the_picture() {
        assert_eq!(region("1x1@0-50", 300, 200), (0, 0, 200, 200));
        assert_eq!(region("1x1@100-50", 300, 200), (100, 0, 200, 200));
        assert_eq!(region("1x1@40-50", 300, 200), (20, 0, 200, 200));
    }

    #[test]
    fn a_picture_of_the_shape_is_kept_whole() {
        assert_eq!(region("4x3@10-90", 400, 300), (0, 0, 400, 300));
        assert_eq!(region("3x2@10-90", 4, 3), (0, 0, 4, 3));
    }

    #[test]
    fn no_part_leaves_its_picture_and_none_is_empty() {
        for name in ["1x99@0-0", "99x1@100-100", "9x16@90-10", "2x1@30-70"] {
            for width in 1..40 {
                for height in 1..40 {
                    let (x, y, kept_width, kept_height) = region(name, width, height);
                    assert!(kept_width >= 1 && kept_height >= 1, "{name}");
                    assert!(
                        x + kept_width <= width && y + kept_height <= height,
                        "{name}"
                    );
                    assert!(kept_width == width || kept_height == height, "{name}");
                }
            }
        }
    }

    #[test]
    fn whatever_else_is_written_is_no_crop() {
        for no in [
            "",
            "4x5",
            "4x5@",
            "@50-30",
            "4x5@50",
            "4x5@50-101",
            "0x5@50-30",
            "4x100@50-30",
            "4x+5@50-30",
            "4x5@-50-30",
            "4x5@50-30-1",
            "4x5@50-30 ",
            "4X5@50-30",
            "4x5x6@50-30",
        ] {
            assert_eq!(Crop::from_name(no), None, "{no:?}");
        }
    }
}
