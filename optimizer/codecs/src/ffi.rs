//! The calls into C: the mirror of `c/encode.h`, and nothing else.
#![allow(unsafe_code, reason = "the one module that calls C")]

use std::ptr::{self, NonNull};

use crate::{Chroma, Failure, Pixels, Planes, Shown};

#[repr(C)]
struct RawPlanes {
    y: *const u8,
    u: *const u8,
    v: *const u8,
    width: u32,
    height: u32,
    subsampled: i32,
}

#[repr(C)]
struct RawShown {
    y: *mut u8,
    u: *mut u8,
    v: *mut u8,
}

/// Seen by C only.
#[repr(C)]
struct RawAnimation {
    _nothing: [u8; 0],
}

unsafe extern "C" {
    fn vitrine_av1(
        planes: *const RawPlanes,
        speed: i32,
        quantizer: i32,
        shown: *const RawShown,
        bytes: *mut *mut u8,
        length: *mut usize,
    ) -> i32;

    fn vitrine_webp(
        pixels: *const u8,
        channels: i32,
        width: u32,
        height: u32,
        lossless: i32,
        quality: f32,
        method: i32,
        bytes: *mut *mut u8,
        length: *mut usize,
    ) -> i32;

    fn vitrine_animation_begin(
        width: u32,
        height: u32,
        loops: u32,
        lossless: i32,
        quality: f32,
        method: i32,
    ) -> *mut RawAnimation;

    fn vitrine_animation_add(animation: *mut RawAnimation, pixels: *const u8, at_ms: i32) -> i32;

    fn vitrine_animation_end(
        animation: *mut RawAnimation,
        at_ms: i32,
        bytes: *mut *mut u8,
        length: *mut usize,
    ) -> i32;

    fn vitrine_animation_free(animation: *mut RawAnimation);

    fn vitrine_free(bytes: *mut u8);
}

/// The caller has checked that the planes, and what there is for the shown ones, are as long as the dimensions say.
pub(crate) fn av1(
    planes: &Planes<'_>,
    speed: u8,
    quantizer: u8,
    shown: Option<&mut Shown>,
) -> Result<Vec<u8>, Failure> {
    let (u, v, subsampled) = match planes.chroma {
        Chroma::None => (ptr::null(), ptr::null(), 0),
        Chroma::Halved(u, v) => (u.as_ptr(), v.as_ptr(), 1),
        Chroma::Full(u, v) => (u.as_ptr(), v.as_ptr(), 0),
    };
    let raw = RawPlanes {
        y: planes.luma.as_ptr(),
        u,
        v,
        width: planes.width,
        height: planes.height,
        subsampled,
    };
    let shown = shown.map(|shown| RawShown {
        y: shown.luma.as_mut_ptr(),
        u: shown.blue.as_mut_ptr(),
        v: shown.red.as_mut_ptr(),
    });
    let mut made = Made::nothing();
    // SAFETY: `raw` and the planes it points to outlive the call and are read only, and only as far as the
    // dimensions say, which the caller has held against their lengths. `made` is written to, and so are the buffers
    // of `shown`, which are as long as the planes and borrowed for the length of this function.
    let code = unsafe {
        vitrine_av1(
            &raw const raw,
            i32::from(speed),
            i32::from(quantizer),
            shown.as_ref().map_or(ptr::null(), ptr::from_ref),
            &raw mut made.bytes,
            &raw mut made.length,
        )
    };
    made.take(code)
}

/// The caller has checked that the pixels are as many as the dimensions say, and that both fit into 14 bits.
pub(crate) fn webp(
    pixels: &Pixels<'_>,
    lossless: bool,
    quality: u8,
    method: u8,
) -> Result<Vec<u8>, Failure> {
    let mut made = Made::nothing();
    // SAFETY: the pixels outlive the call and are read only, and only as far as the dimensions say, which the caller
    // has held against their length. `made` is written to.
    let code = unsafe {
        vitrine_webp(
            pixels.bytes.as_ptr(),
            if pixels.alpha { 4 } else { 3 },
            pixels.width,
            pixels.height,
            i32::from(lossless),
            f32::from(quality),
            i32::from(method),
            &raw mut made.bytes,
            &raw mut made.length,
        )
    };
    made.take(code)
}

/// An animation in the making, which C holds.
#[derive(Debug)]
pub(crate) struct Animation {
    raw: NonNull<RawAnimation>,
}

impl Animation {
    /// The caller has checked that both dimensions fit into 14 bits, and the settings into their ranges.
    pub(crate) fn begin(
        width: u32,
        height: u32,
        loops: u16,
        lossless: bool,
        quality: u8,
        method: u8,
    ) -> Result<Self, Failure> {
        // SAFETY: only numbers go in, and what comes out is null or for this value alone.
        let raw = unsafe {
            vitrine_animation_begin(
                width,
                height,
                u32::from(loops),
                i32::from(lossless),
                f32::from(quality),
                i32::from(method),
            )
        };
        let raw = NonNull::new(raw).ok_or(Failure::Encoder(-1))?;
        Ok(Self { raw })
    }

    /// The caller has checked that the pixels are as many as the dimensions say, and that times do not go back.
    pub(crate) fn add(&mut self, rgba: &[u8], at_ms: i32) -> Result<(), Failure> {
        // SAFETY: `raw` is alive and borrowed for the length of this function. The pixels outlive the call and are
        // read only, and only as far as the dimensions say, which the caller has held against their length.
        let code = unsafe { vitrine_animation_add(self.raw.as_ptr(), rgba.as_ptr(), at_ms) };
        if code == 0 {
            Ok(())
        } else {
            Err(Failure::Encoder(code))
        }
    }

    pub(crate) fn end(&mut self, at_ms: i32) -> Result<Vec<u8>, Failure> {
        let mut made = Made::nothing();
        // SAFETY: `raw` is alive and borrowed for the length of this function. `made` is written to.
        let code = unsafe {
            vitrine_animation_end(
                self.raw.as_ptr(),
                at_ms,
                &raw mut made.bytes,
                &raw mut made.length,
            )
        };
        made.take(code)
    }
}

impl Drop for Animation {
    fn drop(&mut self) {
        // SAFETY: C has made it, and it is freed here only.
        unsafe { vitrine_animation_free(self.raw.as_ptr()) };
    }
}

/// A buffer that C has made, or none.
struct Made {
    bytes: *mut u8,
    length: usize,
}

impl Made {
    fn nothing() -> Self {
        Self {
            bytes: ptr::null_mut(),
            length: 0,
        }
    }

    fn take(&self, code: i32) -> Result<Vec<u8>, Failure> {
        if code != 0 || self.bytes.is_null() {
            return Err(Failure::Encoder(code));
        }
        // SAFETY: on success C leaves a buffer of `length` initialised bytes, which nobody else holds.
        let bytes = unsafe { std::slice::from_raw_parts(self.bytes, self.length) };
        Ok(bytes.to_vec())
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        // SAFETY: the buffer came from C's `malloc` and is freed here only; a null pointer is freed by doing nothing.
        unsafe { vitrine_free(self.bytes) };
    }
}
