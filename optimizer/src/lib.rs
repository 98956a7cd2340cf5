//! Better bytes for an image or a style sheet, when there are any, and the rules for when it pays.
//!
//! One call does one image: [`encode`] takes the original file and a [`Job`], and gives a smaller file that
//! looks the same, or the reason why the original stays ([`Skip`]). Nothing here caches, fetches or negotiates:
//! that is `edge`'s work. Every input is treated as hostile: what the header claims is checked before
//! memory is taken for it, and a file that is not understood whole is left alone.
//!
//! - [`strip`]: the original without what is no part of its picture, where it stays.
//! - [`minify`]: a style sheet.
//! - [`respond`]: the same over HTTP, `POST /encode` and `POST /css`, for the doors.
//! - [`Encoder`]: what an engine is; one file per engine.
//! - [`limits`]: what is refused unread.
//!
//! ```
//! use vitrine_optimizer::{Effort, Job, Quality, Skip, Target, encode};
//!
//! let job = Job { target: Target::Avif, quality: Quality::default(), effort: Effort::Refined, width: None, crop: None };
//! assert_eq!(encode(b"<html>not an image", &job).unwrap_err(), Skip::Unsupported);
//! ```

mod animation;
mod colour;
mod crop;
mod decode;
mod encoder;
#[cfg(fuzzing)]
pub mod fuzz;
mod job;
mod kind;
pub mod limits;
mod metric;
mod picture;
#[cfg(any(feature = "codecs", feature = "pure-rust"))]
mod planes;
mod search;
mod service;
mod shape;
mod sheet;
mod skip;
mod source;
mod strip;

pub use animation::{Animation, Frame};
pub use crop::Crop;
pub use encoder::{Coded, Encoder, engine, pure_rust};
pub use job::{Effort, Job, Quality, Target};
pub use kind::Kind;
pub use picture::Picture;
pub use service::{PATH, SHEET_PATH, respond};
pub use sheet::{Coding, minify};
pub use skip::Skip;
pub use source::Format;
pub use strip::strip;

use shape::Shape;

/// A smaller file that shows the same picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The file.
    pub bytes: Vec<u8>,
    /// Its media type.
    pub content_type: &'static str,
    /// Engine and settings, for cache keys and ledgers: the same recipe on the same source gives the same bytes.
    pub recipe: String,
}

/// Makes a smaller file out of `source`, or says why the original stays.
pub fn encode(source: &[u8], job: &Job) -> Result<Encoded, Skip> {
    encode_by(source, job, |format| engine(job.target, format))
}

/// The same by another engine than the one that is built in for the job.
pub fn encode_by(
    source: &[u8],
    job: &Job,
    engine: impl Fn(Format) -> Option<&'static dyn Encoder>,
) -> Result<Encoded, Skip> {
    if source.len() > limits::SOURCE_BYTES {
        return Err(Skip::TooLarge);
    }
    let facts = source::Facts::read(source)?;
    facts.refuse_what_is_not_a_plain_picture(source.len())?;
    let engine = engine(facts.format).ok_or(Skip::Unsupported)?;
    let (full_width, full_height) = facts.upright();
    let shape = Shape::of(job, full_width, full_height);
    // What is decoded and made smaller costs the engine only what is left.
    limits::check_result(shape.width, shape.height, engine.max_pixels())?;
    if shape.is_whole() {
        engine.refuse_early(&facts, job.quality)?;
    }

    let coded = if facts.frames > 1 {
        let animation = Animation::new(source, &facts, shape);
        engine.animate(&animation, job.quality, job.effort)?
    } else {
        let picture = shape.cut(decode::decode(source, &facts)?)?;
        // Made smaller, a drawing may have become what a lossy codec is made for.
        let kind = Kind::of(&picture);
        engine.encode(&picture, kind, job.quality, job.effort)?
    };
    if !limits::pays(coded.bytes.len(), source.len()) {
        return Err(Skip::NotSmaller);
    }
    Ok(Encoded {
        bytes: coded.bytes,
        content_type: coded.content_type,
        recipe: coded.recipe,
    })
}
