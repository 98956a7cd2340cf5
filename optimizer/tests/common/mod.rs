//! Pictures made here, so that no test needs a file or a network.
#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(unreachable_pub, reason = "a module of test binaries")]
#![allow(
    clippy::unwrap_used,
    reason = "what is made here is well-formed, or the test must stop"
)]

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ExtendedColorType, ImageEncoder, RgbImage};
use vitrine_optimizer::{Effort, Encoded, Job, Quality, Skip, Target, encode};

/// A picture with the statistics of a photograph: slow gradients, edges, and a sensor's noise.
pub fn photo(width: u32, height: u32) -> RgbImage {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    RgbImage::from_fn(width, height, |x, y| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let noise = (state >> 40) as i32 % 7 - 3;
        let inside = (x as i32 - width as i32 / 2).pow(2) + (y as i32 - height as i32 / 2).pow(2)
            < (width.min(height) as i32 / 3).pow(2);
        let slope = (x * 160 / width) as i32;
        let fall = (y * 120 / height) as i32;
        let (red, green, blue) = if inside {
            (200 - fall, 60 + slope / 2, 40 + fall)
        } else {
            (70 + slope / 2, 90 + fall, 180 - slope / 2)
        };
        image::Rgb([red, green, blue].map(|value| (value + noise).clamp(0, 255) as u8))
    })
}

/// A photograph whose four corners say which way is up: red, green, blue and white, clockwise from the top left.
pub fn compass() -> RgbImage {
    let (width, height) = (192, 128);
    let mut picture = photo(width, height);
    let corners = [
        (0, 0, [230, 30, 30]),
        (width - 48, 0, [30, 200, 30]),
        (width - 48, height - 48, [30, 30, 230]),
        (0, height - 48, [240, 240, 240]),
    ];
    for (left, top, colour) in corners {
        for (x, y) in (0..48).flat_map(|x| (0..48).map(move |y| (x, y))) {
            picture.put_pixel(left + x, top + y, image::Rgb(colour));
        }
    }
    picture
}

/// A JPEG of the given quality.
pub fn jpeg(picture: &DynamicImage, quality: u8) -> Vec<u8> {
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, quality)
        .write_image(
            picture.as_bytes(),
            picture.width(),
            picture.height(),
            picture.color().into(),
        )
        .unwrap();
    file
}

/// A JPEG of a photograph, quality 92.
pub fn photo_jpeg(width: u32, height: u32) -> Vec<u8> {
    jpeg(&photo(width, height).into(), 92)
}

/// A PNG as simple encoders write it: fast deflate and no thought.
pub fn png(picture: &DynamicImage) -> Vec<u8> {
    use image::codecs::png::{CompressionType, FilterType, PngEncoder};
    let mut file = Vec::new();
    PngEncoder::new_with_quality(&mut file, CompressionType::Fast, FilterType::NoFilter)
        .write_image(
            picture.as_bytes(),
            picture.width(),
            picture.height(),
            ExtendedColorType::from(picture.color()),
        )
        .unwrap();
    file
}

/// The JPEG with a segment put after SOI.
pub fn with_segment(file: &[u8], marker: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len() + 2).unwrap().to_be_bytes();
    [&file[..2], &[0xFF, marker], &length, data, &file[2..]].concat()
}

/// The JPEG with an ICC profile, in as many parts as it needs.
pub fn with_profile(file: &[u8], profile: &[u8]) -> Vec<u8> {
    let parts: Vec<&[u8]> = profile.chunks(60_000).collect();
    parts
        .iter()
        .enumerate()
        .rev()
        .fold(file.to_vec(), |file, (index, part)| {
            let head = [
                b"ICC_PROFILE\0".as_slice(),
                &[index as u8 + 1, parts.len() as u8],
            ]
            .concat();
            with_segment(&file, 0xE2, &[&head, *part].concat())
        })
}

/// EXIF with an orientation and the position where the photograph was taken.
pub fn exif(orientation: u8) -> Vec<u8> {
    let mut data = b"MM\0\x2a\0\0\0\x08\0\x02".to_vec();
    data.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]);
    data.extend([0x88, 0x25, 0, 4, 0, 0, 0, 1, 0, 0, 0, 38]);
    data.extend([0, 0, 0, 0]);
    data.extend([0, 1, 0, 1, 0, 2, 0, 0, 0, 2]);
    data.extend(b"N\0\0\0\0\0\0\0GPS-SECRET-PLACE");
    data
}

/// The JPEG with EXIF.
pub fn with_exif(file: &[u8], orientation: u8) -> Vec<u8> {
    with_segment(
        file,
        0xE1,
        &[b"Exif\0\0".as_slice(), &exif(orientation)].concat(),
    )
}

/// The PNG with a chunk put after IHDR.
pub fn with_chunk(file: &[u8], kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    const AFTER_IHDR: usize = 8 + 25;
    [&file[..AFTER_IHDR], &chunk(kind, data), &file[AFTER_IHDR..]].concat()
}

/// One PNG chunk with its checksum.
pub fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let checked = [kind.as_slice(), data].concat();
    let crc = checked.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            if crc & 1 == 1 {
                crc >> 1 ^ 0xEDB8_8320
            } else {
                crc >> 1
            }
        })
    });
    [
        &u32::try_from(data.len()).unwrap().to_be_bytes(),
        checked.as_slice(),
        &(!crc).to_be_bytes(),
    ]
    .concat()
}

/// What is asked for when nobody waits and the width stays.
pub fn job(target: Target, quality: u8) -> Job {
    Job {
        target,
        quality: Quality::new(quality).unwrap(),
        effort: Effort::Refined,
        width: None,
    }
}

/// Asks for AVIF.
pub fn to_avif(source: &[u8], quality: u8) -> Result<Encoded, Skip> {
    encode(source, &job(Target::Avif, quality))
}

/// Asks for WebP.
pub fn to_webp(source: &[u8], quality: u8) -> Result<Encoded, Skip> {
    encode(source, &job(Target::WebP, quality))
}

/// Asks for the source's own format.
pub fn to_same(source: &[u8], quality: u8) -> Result<Encoded, Skip> {
    encode(source, &job(Target::Same, quality))
}

/// Whether libaom and libwebp are linked.
pub fn has_c_engines() -> bool {
    vitrine_codecs::LINKED
}

/// Decodes a result in its own format.
pub fn pixels(encoded: &Encoded) -> DynamicImage {
    image::load_from_memory(&encoded.bytes).unwrap()
}

/// Width, height and whether there is alpha, read from the coded AVIF frames themselves.
pub fn avif_facts(encoded: &Encoded) -> (u32, u32, bool) {
    assert_eq!(encoded.content_type, "image/avif");
    let file = avif_parse::read_avif(&mut encoded.bytes.as_slice()).unwrap();
    let frame = file.primary_item_metadata().unwrap();
    if let Some(alpha) = file.alpha_item_metadata().unwrap() {
        assert_eq!(
            (alpha.max_frame_width, alpha.max_frame_height),
            (frame.max_frame_width, frame.max_frame_height)
        );
    }
    (
        frame.max_frame_width.get(),
        frame.max_frame_height.get(),
        file.alpha_item.is_some(),
    )
}

/// Mean and greatest difference per channel.
pub fn difference(a: &RgbImage, b: &RgbImage) -> (f64, u8) {
    assert_eq!(a.dimensions(), b.dimensions());
    let steps = || {
        a.as_raw()
            .iter()
            .zip(b.as_raw())
            .map(|(a, b)| a.abs_diff(*b))
    };
    (
        steps().map(f64::from).sum::<f64>() / a.as_raw().len() as f64,
        steps().max().unwrap_or(0),
    )
}
