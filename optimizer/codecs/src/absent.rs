//! In place of the libraries, where they are not built.

use crate::{Failure, Pixels, Planes, Shown};

pub(crate) fn av1(
    _: &Planes<'_>,
    _speed: u8,
    _quantizer: u8,
    _: Option<&mut Shown>,
) -> Result<Vec<u8>, Failure> {
    Err(Failure::Absent)
}

pub(crate) fn webp(_: &Pixels<'_>, _lossless: bool, _: u8, _: u8) -> Result<Vec<u8>, Failure> {
    Err(Failure::Absent)
}
