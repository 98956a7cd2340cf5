//! The AVIF container: what both AV1 engines put their pictures into.

use avif_serialize::Aviffy;

use crate::planes::{Chroma, Planes};

/// A file of one picture, with its mask where it has one.
///
/// There is no `colr` box: readers take the colours from the picture's own header, which says sRGB and BT.601.
pub(super) fn file(planes: &Planes, colour: &[u8], alpha: Option<&[u8]>) -> Vec<u8> {
    let halved = planes.chroma == Chroma::Halved;
    Aviffy::new()
        .set_chroma_subsampling((halved, halved))
        .set_seq_profile(u8::from(!halved))
        .to_vec(colour, alpha, planes.width as u32, planes.height as u32, 8)
}
