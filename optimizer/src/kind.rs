//! What a picture shows, as far as a codec cares.
//!
//! Blocks of 8 by 8 pixels are looked at, evenly spread where there are many. Transparency is no kind of its own: every
//! format that is made of a picture with alpha keeps it.

use std::collections::HashSet;

use image::{GenericImageView, Pixel};

use crate::Picture;

/// What a picture shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Textures and slow changes: a lossy codec is made for it.
    Photo,
    /// Flat areas with sharp edges, few colours, or black on white: a logo, a drawing, a code.
    Graphic,
    /// The same with strokes all over: a screenshot of text, a table of sizes.
    Text,
}

/// Blocks that are looked at: a picture of 512 by 512 is seen whole, and any other in a few milliseconds.
const BLOCKS: u64 = 4_096;
/// Pixels along a block's side.
const SIDE: u32 = 8;
/// Colours that fit into a PNG palette.
pub(crate) const MAX_PALETTE: usize = 256;
/// Gray levels up to which a gray picture counts as drawn.
const MAX_GRAY_LEVELS: usize = 16;
/// Difference in a channel that a block of one colour may have after a lossy codec.
const FLAT: u8 = 4;
/// Difference between neighbours that is an edge.
const EDGE: u8 = 64;
/// Colours of a block that is drawn, its smoothed edges included. Noise gives nearly each of 64 pixels its own.
const DRAWN_COLOURS: usize = 32;
/// Pairs of neighbours with an edge between them, in a block that strokes run through. One straight edge gives eight.
const STROKES: usize = 12;

/// Colours below which libwebp codes a frame without losses, whatever it is asked for.
#[cfg(feature = "codecs")]
const LOSSY_COLOURS: usize = 31;

impl Kind {
    /// Decides by the pixels alone.
    ///
    /// ```
    /// use vitrine_optimizer::{Kind, Picture};
    ///
    /// let red = image::RgbImage::from_pixel(64, 64, image::Rgb([255, 0, 0]));
    /// assert_eq!(Kind::of(&Picture::new(red.into(), true)), Kind::Graphic);
    /// ```
    pub fn of(picture: &Picture) -> Self {
        let seen = Seen::of(picture.image());
        if !(seen.has_few_colours() || seen.is_two_toned() || seen.has_drawn_blocks()) {
            Self::Photo
        } else if seen.stroked * 2 > seen.drawn && seen.stroked * 10 > seen.blocks {
            Self::Text
        } else {
            Self::Graphic
        }
    }

    /// Whether edges matter more than anything else.
    pub fn is_drawn(self) -> bool {
        self != Self::Photo
    }
}

/// Whether a frame, which may have few colours whatever it shows, is one of a film. A frame of hardly any says nothing.
/// On a flat ground, what moves with losses leaves a trail.
#[cfg(feature = "codecs")]
pub(crate) fn is_filmed(frame: &image::RgbaImage) -> Option<bool> {
    let seen = Seen::of(frame);
    let drawn = seen.is_two_toned() || seen.flat * 2 >= seen.blocks;
    (seen.colours.len() >= LOSSY_COLOURS).then_some(!drawn)
}

/// What the blocks say. Tones are counted in pixels, everything else in blocks.
#[derive(Debug, Default)]
struct Seen {
    blocks: u64,
    flat: u64,
    /// Few colours, and an edge.
    drawn: u64,
    /// Drawn, and full of edges.
    stroked: u64,
    /// More colours than anybody draws.
    rich: u64,
    pixels: u64,
    dark: u64,
    light: u64,
    /// Up to one more than a palette holds.
    colours: HashSet<[u8; 4]>,
}

impl Seen {
    fn of<P: Pixel<Subpixel = u8>>(image: &impl GenericImageView<Pixel = P>) -> Self {
        let (across, down) = (image.width().div_ceil(SIDE), image.height().div_ceil(SIDE));
        let all = u64::from(across) * u64::from(down);
        let count = all.min(BLOCKS);
        let mut seen = Self::default();
        for index in 0..count {
            let at = index * all / count.max(1);
            let (x, y) = (at % u64::from(across), at / u64::from(across));
            seen.block(&block(image, x as u32 * SIDE, y as u32 * SIDE));
        }
        seen
    }

    fn block(&mut self, rows: &[Vec<[u8; 4]>]) {
        self.blocks += 1;
        let mut colours = rows.concat();
        for pixel in &colours {
            self.pixels += 1;
            match luma(*pixel) {
                ..32 => self.dark += 1,
                224.. => self.light += 1,
                _ => {}
            }
        }
        colours.sort_unstable();
        colours.dedup();
        for &colour in &colours {
            if self.colours.len() <= MAX_PALETTE {
                self.colours.insert(colour);
            }
        }
        let edges = edges(rows);
        if is_flat(&colours) {
            self.flat += 1;
        } else if colours.len() > DRAWN_COLOURS {
            self.rich += 1;
        } else if edges > 0 {
            self.drawn += 1;
            self.stroked += u64::from(edges >= STROKES);
        }
    }

    fn has_few_colours(&self) -> bool {
        if self.colours.len() > MAX_PALETTE {
            return false;
        }
        // A gray photograph has at most 256 values too, in one channel or in three equal ones.
        let coloured = |&[r, g, b, _]: &[u8; 4]| r != g || g != b;
        self.colours.len() <= MAX_GRAY_LEVELS || self.colours.iter().any(coloured)
    }

    fn is_two_toned(&self) -> bool {
        let Self {
            dark,
            light,
            pixels,
            ..
        } = *self;
        // Both tones must weigh something: a small dark shoe on white is a photograph.
        (dark + light) * 100 >= pixels * 97
            && dark * 100 >= pixels * 15
            && light * 100 >= pixels * 15
    }

    /// A product on white is flat in many places too, but textured or smooth everywhere else.
    fn has_drawn_blocks(&self) -> bool {
        let busy = self.blocks - self.flat;
        self.flat * 2 >= self.blocks && self.drawn * 2 >= busy && self.rich * 10 <= self.drawn
    }
}

/// The block's rows, as far as the picture goes. What nobody sees has no colour.
fn block<P: Pixel<Subpixel = u8>>(
    image: &impl GenericImageView<Pixel = P>,
    left: u32,
    top: u32,
) -> Vec<Vec<[u8; 4]>> {
    let visible = |x, y| match image.get_pixel(x, y).to_rgba().0 {
        [.., 0] => [0; 4],
        pixel => pixel,
    };
    (top..image.height().min(top + SIDE))
        .map(|y| {
            let columns = left..image.width().min(left + SIDE);
            columns.map(|x| visible(x, y)).collect()
        })
        .collect()
}

fn luma([r, g, b, _]: [u8; 4]) -> u8 {
    ((u32::from(r) * 2 + u32::from(g) * 5 + u32::from(b)) / 8) as u8
}

fn is_flat(colours: &[[u8; 4]]) -> bool {
    (0..4).all(|channel| {
        let values = colours.iter().map(|colour| colour[channel]);
        let (least, most) = values.fold((255, 0), |(least, most): (u8, u8), value| {
            (least.min(value), most.max(value))
        });
        most.saturating_sub(least) <= FLAT
    })
}

/// Pairs of neighbours, side by side or above each other, with an edge between them.
fn edges(rows: &[Vec<[u8; 4]>]) -> usize {
    let is_edge = |a: &[u8; 4], b: &[u8; 4]| a.iter().zip(b).any(|(a, b)| a.abs_diff(*b) >= EDGE);
    let across = rows.iter().flat_map(|row| row.iter().zip(&row[1..]));
    let down = rows
        .windows(2)
        .flat_map(|pair| pair[0].iter().zip(&pair[1]));
    across.chain(down).filter(|(a, b)| is_edge(a, b)).count()
}
