//! Files put together byte by byte: what no encoder would write.

use std::io::Write as _;

use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder as _};

use super::common::{chunk, photo};

/// Bytes that follow a header, so that no file is refused for being small.
pub const FILL: [u8; 4096] = [0x2A; 4096];

/// The numbers of xorshift, from a seed.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % end.max(1)
    }
}

/// `bytes` by zlib, as small as it gets.
pub fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// A PNG of these dimensions, bits and colour type, with whatever `pixels` says.
pub fn png_of(width: u32, height: u32, depth: u8, colour: u8, pixels: &[u8]) -> Vec<u8> {
    let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
    [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(
            *b"IHDR",
            &[&size, [depth, colour, 0, 0, 0].as_slice()].concat(),
        ),
        chunk(*b"IDAT", pixels),
        chunk(*b"IEND", &[]),
    ]
    .concat()
}

/// One frame of a GIF, in its own place on the canvas: codes of nine bits, and never a longer one.
pub fn gif_frame(width: u16, height: u16) -> Vec<u8> {
    let mut frame = b"\x21\xF9\x04\0\x0A\0\0\0\x2C\0\0\0\0".to_vec();
    frame.extend([width.to_le_bytes(), height.to_le_bytes()].concat());
    frame.extend([0, 8]);
    let (mut bits, mut held, mut data) = (0_u32, 0, Vec::new());
    let mut put = |code: u32| {
        bits |= code << held;
        held += 9;
        while held >= 8 {
            data.push(bits as u8);
            bits >>= 8;
            held -= 8;
        }
    };
    for at in 0..u32::from(width) * u32::from(height) {
        if at % 200 == 0 {
            put(256);
        }
        put((at * 7 + at / 31) % 256);
    }
    put(257);
    put(0);
    for block in data.chunks(255) {
        frame.push(block.len() as u8);
        frame.extend(block);
    }
    frame.push(0);
    frame
}

/// A GIF on a canvas of these dimensions, with a palette and these frames.
pub fn gif_of(width: u16, height: u16, frames: &[u8]) -> Vec<u8> {
    let size = [width.to_le_bytes(), height.to_le_bytes()].concat();
    let palette: Vec<u8> = (0..=255)
        .flat_map(|value| [value, 255 - value, value / 2])
        .collect();
    [
        b"GIF89a".as_slice(),
        &size,
        &[0xF7, 0, 0],
        &palette,
        frames,
        b"\x3B",
    ]
    .concat()
}

/// A plain GIF.
pub fn gif() -> Vec<u8> {
    gif_of(72, 60, &gif_frame(72, 60))
}

/// One chunk of a WebP.
pub fn riff_chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap().to_le_bytes();
    let pad: &[u8] = if data.len() % 2 == 1 { &[0] } else { &[] };
    [kind.as_slice(), &length, data, pad].concat()
}

/// A WebP of these chunks.
pub fn webp_of(chunks: &[u8]) -> Vec<u8> {
    riff_chunk(*b"RIFF", &[b"WEBP", chunks].concat())
}

/// What the extended header of a WebP says: flags and the canvas.
pub fn vp8x(flags: u8, width: u32, height: u32) -> Vec<u8> {
    let mut data = vec![flags, 0, 0, 0];
    data.extend(&(width - 1).to_le_bytes()[..3]);
    data.extend(&(height - 1).to_le_bytes()[..3]);
    riff_chunk(*b"VP8X", &data)
}

/// A plain WebP, lossless.
pub fn webp() -> Vec<u8> {
    let mut file = Vec::new();
    WebPEncoder::new_lossless(&mut file)
        .write_image(photo(72, 60).as_raw(), 72, 60, ExtendedColorType::Rgb8)
        .unwrap();
    file
}

/// Where a JPEG's segments begin, from the first after SOI to its first scan, and their markers.
pub fn segments(file: &[u8]) -> Vec<(usize, u8)> {
    let mut found = Vec::new();
    let mut at = 2;
    while file[at + 1] != 0xDA {
        found.push((at, file[at + 1]));
        at += 2 + usize::from(u16::from_be_bytes([file[at + 2], file[at + 3]]));
    }
    found.push((at, 0xDA));
    found
}

/// Where a PNG's chunks begin.
pub fn chunks(file: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut at = 8;
    while at < file.len() {
        found.push(at);
        let length: [u8; 4] = file[at..at + 4].try_into().unwrap();
        at += 12 + u32::from_be_bytes(length) as usize;
    }
    found
}

/// The JPEG with another frame header: dimensions, kind of coding.
pub fn jpeg_that_claims(file: &[u8], width: u16, height: u16, coding: u8) -> Vec<u8> {
    let mut file = file.to_vec();
    let frames = |&&(_, marker): &&(usize, u8)| (0xC0..=0xC2).contains(&marker);
    let at = segments(&file).iter().find(frames).unwrap().0;
    file[at + 1] = coding;
    file[at + 5..at + 7].copy_from_slice(&height.to_be_bytes());
    file[at + 7..at + 9].copy_from_slice(&width.to_be_bytes());
    file
}
