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

#[derive(Debug)]
pub(crate) enum Animation {}

impl Animation {
    pub(crate) fn begin(
        _width: u32,
        _height: u32,
        _loops: u16,
        _lossless: bool,
        _: u8,
        _: u8,
    ) -> Result<Self, Failure> {
        Err(Failure::Absent)
    }

    pub(crate) fn add(&mut self, _rgba: &[u8], _at_ms: i32) -> Result<(), Failure> {
        match *self {}
    }

    pub(crate) fn end(&mut self, _at_ms: i32) -> Result<Vec<u8>, Failure> {
        match *self {}
    }
}
