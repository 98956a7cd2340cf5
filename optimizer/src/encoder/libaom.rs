//! AVIF by libaom, tuned for still pictures: 8 bits, one thread.
//!
//! Speed 9 answers a visitor, at a quantizer that most pictures look good at. Speed 6, or 7 above a megapixel, is for the
//! file that stays: a fifth fewer bytes for five times the work, at the quantizer that this picture needs. What is drawn
//! keeps its colour at full resolution, and is made at speed 7: above it, flat areas take twice the bytes.

use vitrine_codecs::{self as codecs, LIBAOM};

use super::{Coded, Effort, Encoder, avif};
use crate::metric::Original;
use crate::planes::{Chroma, Planes};
use crate::search::{Attempt, Scale, TOLERANCE, search};
use crate::{Kind, Picture, Quality, Skip};

pub(super) struct Libaom;

/// Above this many pixels a picture is refined at speed 7.
const LARGE: u64 = 1_000_000;

/// Quantizer (0 to 63) for a SSIMULACRA2 score: means over product photographs.
const QUANTIZERS: [(f64, f64); 5] = [
    (10.0, 63.0),
    (58.0, 41.0),
    (70.0, 34.0),
    (80.0, 23.0),
    (95.0, 4.0),
];

/// Steps of the quantizer by which a picture that nobody measures is made better, so that the worst of a dozen is at
/// its target too.
const MARGIN: f64 = 4.0;

/// Cut-outs show a coarse mask at once, and masks cost little.
const ALPHA_QUANTIZER: u8 = 18;

/// Quantizer of what is drawn: flat areas cost nothing, and edges are to stay.
const DRAWN_QUANTIZER: f64 = 20.0;

/// Its quantizer is the step of a search.
const SCALE: Scale = Scale {
    finest: 1.0,
    coarsest: 63.0,
    slopes: (-1.2, -1.2),
    attempts: 4,
};

/// From this target on, colour keeps its full resolution: what is asked for is detail.
const FULL_CHROMA_TARGET: f64 = 80.0;

impl Encoder for Libaom {
    /// Speed 9 takes 0.1 s per megapixel in wasm, speed 7 takes 0.5; 60 MB per megapixel and a half.
    fn max_pixels(&self) -> u64 {
        4_000_000
    }

    fn encode(
        &self,
        picture: &Picture,
        kind: Kind,
        quality: Quality,
        effort: Effort,
    ) -> Result<Coded, Skip> {
        let target = quality.target();
        let chroma = if kind.is_drawn() || target >= FULL_CHROMA_TARGET {
            Chroma::Full
        } else {
            Chroma::Halved
        };
        let planes = Planes::of(picture, chroma);
        let usual = if kind.is_drawn() {
            DRAWN_QUANTIZER
        } else {
            super::between(&QUANTIZERS, target)
        };
        let (speed, colour, how) = match effort {
            Effort::First => {
                let quantizer = (usual - MARGIN).round().clamp(1.0, 63.0) as u8;
                let raw = raw(&planes, &planes.luma, chroma_of(&planes));
                let colour = codecs::av1(&raw, 9, quantizer).map_err(|_| Skip::EncoderFailed)?;
                (9, colour, format!("cq{quantizer}"))
            }
            Effort::Refined => {
                let speed = if kind.is_drawn() || picture.pixels() > LARGE {
                    7
                } else {
                    6
                };
                let aim = floor(kind, target);
                let found = refined(picture, &planes, kind, speed, target, usual)?;
                if found.score < aim {
                    return Err(Skip::BelowQuality);
                }
                let aim = if kind.is_drawn() { aim } else { target };
                let how = format!("ssim2-{aim:.0};cq{}", found.step);
                (speed, found.made, how)
            }
        };
        let mask = match &planes.alpha {
            Some(alpha) => Some(mask(&planes, alpha, speed)?),
            None => None,
        };
        Ok(Coded {
            bytes: avif::file(&planes, &colour, mask.as_deref()),
            content_type: "image/avif",
            recipe: format!("libaom-{LIBAOM};iq;s{speed};{how};{}", chroma.name()),
        })
    }
}

/// The score below which nothing is served. A photograph may miss its target by what nobody would measure again; edges
/// show every fault, and text is read.
fn floor(kind: Kind, target: f64) -> f64 {
    match kind {
        Kind::Photo => target - TOLERANCE,
        Kind::Graphic => target.max(80.0),
        Kind::Text => target.max(90.0),
    }
}

/// The coarsest encode that still looks as good as was asked; of what is drawn, the one at its quantizer.
fn refined(
    picture: &Picture,
    planes: &Planes,
    kind: Kind,
    speed: u8,
    target: f64,
    usual: f64,
) -> Result<Attempt<Vec<u8>>, Skip> {
    let seen = |pixels: &[[u8; 3]]| planes.over_white(pixels);
    let original = picture.image().to_rgb8();
    let (original, _) = original.as_chunks::<3>();
    let original = Original::new(&seen(original), planes.width)?;
    let attempt = |quantizer| {
        let raw = raw(planes, &planes.luma, chroma_of(planes));
        let shown = codecs::av1_shown(&raw, speed, quantizer);
        let (bytes, shown) = shown.map_err(|_| Skip::EncoderFailed)?;
        let shown = Planes {
            luma: shown.luma,
            blue: shown.blue,
            red: shown.red,
            alpha: None,
            ..*planes
        };
        Ok((bytes, original.score(&seen(&shown.to_rgb()))?))
    };
    if kind.is_drawn() {
        let quantizer = usual as u8;
        let (made, score) = attempt(quantizer)?;
        return Ok(Attempt {
            step: quantizer,
            made,
            score,
        });
    }
    search(&SCALE, target, usual, attempt)
}

fn chroma_of(planes: &Planes) -> codecs::Chroma<'_> {
    match planes.chroma {
        Chroma::Halved => codecs::Chroma::Halved(&planes.blue, &planes.red),
        Chroma::Full => codecs::Chroma::Full(&planes.blue, &planes.red),
    }
}

fn mask(planes: &Planes, alpha: &[u8], speed: u8) -> Result<Vec<u8>, Skip> {
    let raw = raw(planes, alpha, codecs::Chroma::None);
    codecs::av1(&raw, speed, ALPHA_QUANTIZER).map_err(|_| Skip::EncoderFailed)
}

fn raw<'a>(planes: &Planes, luma: &'a [u8], chroma: codecs::Chroma<'a>) -> codecs::Planes<'a> {
    codecs::Planes {
        width: planes.width as u32,
        height: planes.height as u32,
        luma,
        chroma,
    }
}
