//! What becomes of a picture's shape: a part of it, and fewer pixels.

use crate::crop::Region;
use crate::{Job, Picture, Skip, picture};

/// The part that is kept, and how large it is in the end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    part: Option<Region>,
    narrower: Option<u32>,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Shape {
    /// What is asked for of a picture that is this large, seen upright.
    pub(crate) fn of(job: &Job, full_width: u32, full_height: u32) -> Self {
        let part = job.crop.map(|crop| crop.region(full_width, full_height));
        let part = part.filter(|part| (part.width, part.height) != (full_width, full_height));
        let (width, height) =
            part.map_or((full_width, full_height), |part| (part.width, part.height));
        let narrower = job.width.filter(|wanted| *wanted < width);
        let (width, height) = narrower.map_or((width, height), |wanted| {
            (wanted, picture::height_at(wanted, width, height))
        });
        Self {
            part,
            narrower,
            width,
            height,
        }
    }

    /// Whether the picture stays as large as it is.
    pub(crate) fn is_whole(&self) -> bool {
        self.part.is_none() && self.narrower.is_none()
    }

    pub(crate) fn cut(&self, mut picture: Picture) -> Result<Picture, Skip> {
        if let Some(part) = self.part {
            picture = picture.cropped(part);
        }
        if let Some(width) = self.narrower {
            picture = picture.narrowed(width)?;
        }
        Ok(picture)
    }
}
