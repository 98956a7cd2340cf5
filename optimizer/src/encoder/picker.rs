//! The engine that suits the picture: one for photographs, and the best of a few for what is drawn.

use super::{Coded, Effort, Encoder};
use crate::source::Facts;
use crate::{Animation, Kind, Picture, Quality, Skip};

pub(super) struct Picker {
    pub(super) photo: &'static dyn Encoder,
    /// Nobody tries them all while a visitor waits: the first is for small pictures, the last for any other.
    pub(super) drawn: &'static [&'static dyn Encoder],
}

/// Pixels up to which a picture is coded without losses while a visitor waits: 0.2 s in wasm at the worst.
const LOSSLESS_IN_TIME: u64 = 320_000;

impl Encoder for Picker {
    fn max_pixels(&self) -> u64 {
        self.photo.max_pixels()
    }

    fn refuse_early(&self, facts: &Facts<'_>, quality: Quality) -> Result<(), Skip> {
        self.photo.refuse_early(facts, quality)
    }

    fn encode(
        &self,
        picture: &Picture,
        kind: Kind,
        quality: Quality,
        effort: Effort,
    ) -> Result<Coded, Skip> {
        let candidates = match (kind, effort, self.drawn) {
            (Kind::Photo, _, _) => &[self.photo][..],
            (_, Effort::Refined, all) => all,
            (_, Effort::First, [lossless, ..]) if picture.pixels() <= LOSSLESS_IN_TIME => {
                &[*lossless]
            }
            (_, Effort::First, all) => &all[all.len().saturating_sub(1)..],
        };
        let mut best: Result<Coded, Skip> = Err(Skip::Unsupported);
        for engine in candidates {
            let made = engine.encode(picture, kind, quality, effort);
            best = match (best, made) {
                (Ok(best), Ok(made)) if made.bytes.len() < best.bytes.len() => Ok(made),
                (Err(_), made) => made,
                (best, _) => best,
            };
        }
        best
    }

    fn animate(
        &self,
        animation: &Animation<'_>,
        quality: Quality,
        effort: Effort,
    ) -> Result<Coded, Skip> {
        let made = |engine: &&dyn Encoder| engine.animate(animation, quality, effort);
        let mut made = self.drawn.iter().map(made);
        made.find(|made| *made != Err(Skip::Animated))
            .unwrap_or(Err(Skip::Animated))
    }
}
