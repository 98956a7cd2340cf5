//! An animation's frames, one after the other, each as the whole canvas shows it.
//!
//! No more than two or three canvases are held at a time, however many frames there are.

use gif::{ColorOutput, DecodeOptions, Decoder, DisposalMethod, MemoryLimit};
use image::{DynamicImage, RgbaImage};

use crate::shape::Shape;
use crate::source::Facts;
use crate::{Picture, Skip, limits};

/// The shortest time for which browsers show a frame that asks for less, and what they give it instead.
const LEAST_MS: u32 = 20;
const INSTEAD_MS: u32 = 100;

/// An animation that the container has told enough about to read it.
#[derive(Debug, Clone, Copy)]
pub struct Animation<'a> {
    source: &'a [u8],
    facts: &'a Facts<'a>,
    shape: Shape,
}

/// What is seen for a while.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The whole canvas.
    pub picture: RgbaImage,
    /// For how long, in milliseconds, as browsers count.
    pub ms: u32,
}

impl<'a> Animation<'a> {
    pub(crate) fn new(source: &'a [u8], facts: &'a Facts<'a>, shape: Shape) -> Self {
        Self {
            source,
            facts,
            shape,
        }
    }

    /// Pixels across.
    pub fn width(&self) -> u32 {
        self.shape.width
    }

    /// Pixels down.
    pub fn height(&self) -> u32 {
        self.shape.height
    }

    /// How often it plays; nought is for ever.
    pub fn loops(&self) -> u16 {
        self.facts.loops
    }

    /// Pixels of all frames.
    pub fn pixels(&self) -> u64 {
        u64::from(self.width()) * u64::from(self.height()) * u64::from(self.facts.frames)
    }

    /// The frames from the first one on.
    pub fn frames(&self) -> Result<impl Iterator<Item = Result<Frame, Skip>>, Skip> {
        let frames = Frames::of(self.source, self.facts)?;
        Ok(frames.map(|frame| self.shaped(frame?)))
    }

    fn shaped(&self, frame: Frame) -> Result<Frame, Skip> {
        if self.shape.is_whole() {
            return Ok(frame);
        }
        let whole = Picture::new(DynamicImage::ImageRgba8(frame.picture), true);
        Ok(Frame {
            picture: self.shape.cut(whole)?.image().to_rgba8(),
            ms: frame.ms,
        })
    }
}

/// The frames of a GIF.
pub(crate) struct Frames<'a> {
    decoder: Decoder<&'a [u8]>,
    canvas: RgbaImage,
    /// One byte per pixel of a frame.
    indices: Vec<u8>,
    /// Frames that the container has, and that have not been read.
    left: u32,
}

impl<'a> Frames<'a> {
    /// Begins to read a file whose blocks the caller has walked over.
    pub(crate) fn of(source: &'a [u8], facts: &Facts<'_>) -> Result<Self, Skip> {
        let mut options = DecodeOptions::new();
        options.set_color_output(ColorOutput::Indexed);
        options.check_frame_consistency(true);
        if let Some(limit) = std::num::NonZeroU64::new(limits::DECODER_BYTES) {
            options.set_memory_limit(MemoryLimit::Bytes(limit));
        }
        Ok(Self {
            decoder: options.read_info(source).map_err(|_| Skip::Corrupt)?,
            // Browsers do not show the background colour.
            canvas: RgbaImage::new(facts.width, facts.height),
            indices: Vec::new(),
            left: facts.frames,
        })
    }

    fn frame(&mut self) -> Result<Frame, Skip> {
        let frame = self.decoder.next_frame_info();
        let frame = frame.ok().flatten().ok_or(Skip::Corrupt)?;
        let place = Place::of(frame);
        let (ms, after) = (u32::from(frame.delay) * 10, frame.dispose);
        let (transparent, palette) = (frame.transparent, frame.palette.clone());
        self.indices.resize(place.width * place.height, 0);
        self.decoder
            .read_into_buffer(&mut self.indices)
            .map_err(|_| Skip::Corrupt)?;
        let palette = match &palette {
            Some(own) => own,
            None => self.decoder.global_palette().ok_or(Skip::Corrupt)?,
        };
        let before = (after == DisposalMethod::Previous).then(|| self.canvas.clone());
        put(&mut self.canvas, place, &self.indices, palette, transparent)?;
        let picture = match before {
            Some(before) => std::mem::replace(&mut self.canvas, before),
            None => self.canvas.clone(),
        };
        if after == DisposalMethod::Background {
            clear(&mut self.canvas, place);
        }
        let ms = if ms < LEAST_MS { INSTEAD_MS } else { ms };
        Ok(Frame { picture, ms })
    }
}

impl Iterator for Frames<'_> {
    type Item = Result<Frame, Skip>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let frame = self.frame();
        if frame.is_err() {
            self.left = 0;
        }
        Some(frame)
    }
}

/// Where a frame is on the canvas.
#[derive(Clone, Copy)]
struct Place {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

impl Place {
    fn of(frame: &gif::Frame<'_>) -> Self {
        Self {
            left: usize::from(frame.left),
            top: usize::from(frame.top),
            width: usize::from(frame.width),
            height: usize::from(frame.height),
        }
    }

    /// The part of each of the canvas's rows.
    fn rows(self, canvas: &mut RgbaImage) -> impl Iterator<Item = &mut [[u8; 4]]> {
        let across = canvas.width() as usize;
        let (pixels, _) = canvas.as_chunks_mut::<4>();
        let rows = pixels.chunks_exact_mut(across);
        let rows = rows.skip(self.top).take(self.height);
        rows.filter_map(move |row| row.get_mut(self.left..self.left + self.width))
    }
}

/// Puts what is not transparent onto the canvas. Of an index beyond the palette, readers make different colours.
fn put(
    canvas: &mut RgbaImage,
    place: Place,
    indices: &[u8],
    palette: &[u8],
    transparent: Option<u8>,
) -> Result<(), Skip> {
    let (palette, _) = palette.as_chunks::<3>();
    for (row, indices) in place.rows(canvas).zip(indices.chunks_exact(place.width)) {
        for (pixel, index) in row.iter_mut().zip(indices) {
            if Some(*index) == transparent {
                continue;
            }
            let &[red, green, blue] = palette.get(usize::from(*index)).ok_or(Skip::Corrupt)?;
            *pixel = [red, green, blue, 255];
        }
    }
    Ok(())
}

fn clear(canvas: &mut RgbaImage, place: Place) {
    for row in place.rows(canvas) {
        row.fill([0; 4]);
    }
}
