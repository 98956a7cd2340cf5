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
        crop: None,
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

/// Asks for the source's own format, of one quality: the noise of these pictures is no photograph's to measure.
pub fn to_same(source: &[u8], quality: u8) -> Result<Encoded, Skip> {
    at_once(source, Target::Same, quality)
}

/// What a visitor who waits gets: nothing is measured.
pub fn at_once(source: &[u8], target: Target, quality: u8) -> Result<Encoded, Skip> {
    let job = Job {
        effort: Effort::First,
        ..job(target, quality)
    };
    encode(source, &job)
}

/// Asks for the source's own format, of the quality that the picture needs.
pub fn to_same_refined(source: &[u8], quality: u8) -> Result<Encoded, Skip> {
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

/// Rows of five pixels each, from the top, of a few letters.
const LETTERS: [[u8; 7]; 8] = [
    [0x1F, 4, 4, 4, 4, 4, 4],
    [0x0E, 0x11, 0x11, 0x1F, 0x11, 0x11, 0x11],
    [0x1E, 0x11, 0x11, 0x1E, 0x11, 0x11, 0x1E],
    [0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x1F],
    [0x1F, 0x10, 0x10, 0x1E, 0x10, 0x10, 0x1F],
    [0x0E, 0x11, 0x10, 0x0E, 1, 0x11, 0x0E],
    [0x11, 0x11, 0x15, 0x15, 0x15, 0x1B, 0x11],
    [0x11, 0x0A, 4, 4, 4, 0x0A, 0x11],
];

/// Writes lines of letters with smoothed edges, as a browser does, from `top` on.
pub fn write(picture: &mut RgbImage, left: u32, top: u32, lines: u32, ink: [u8; 3]) {
    let (width, height) = picture.dimensions();
    let mut draft = image::GrayImage::new(width * 2, height * 2);
    for line in 0..lines {
        for column in 0..(width.saturating_sub(2 * left)) / 9 {
            if (column * 7 + line * 3) % 6 == 0 {
                continue;
            }
            let letter = LETTERS[((column * 5 + line * 11 + column * line) % 8) as usize];
            for (y, row) in (0..).zip(letter) {
                for x in (0..5).filter(|x| row >> (4 - x) & 1 == 1) {
                    let at = (
                        (left + column * 9) * 2 + x * 3,
                        (top + line * 16) * 2 + y * 3,
                    );
                    for (dx, dy) in (0..3).flat_map(|dx| (0..3).map(move |dy| (dx, dy))) {
                        if let Some(pixel) = draft.get_pixel_mut_checked(at.0 + dx, at.1 + dy) {
                            pixel.0 = [255];
                        }
                    }
                }
            }
        }
    }
    let cover = image::imageops::thumbnail(&draft, width, height);
    for (x, y, cover) in cover.enumerate_pixels() {
        let cover = u32::from(cover.0[0]);
        let pixel = picture.get_pixel_mut(x, y);
        for (value, ink) in pixel.0.iter_mut().zip(ink) {
            *value = ((u32::from(*value) * (255 - cover) + u32::from(ink) * cover) / 255) as u8;
        }
    }
}

/// A page of text as a screenshot shows it: a coloured bar, tinted boxes, and lines of text.
pub fn screenshot(width: u32, height: u32) -> RgbImage {
    let mut picture = RgbImage::from_fn(width, height, |x, y| {
        image::Rgb(match (x, y) {
            (_, 0..24) => [20, 60, 120],
            (0..80, _) => [238, 241, 246],
            _ if y % 96 < 2 => [200, 200, 205],
            _ => [255; 3],
        })
    });
    write(&mut picture, 6, 6, 1, [255; 3]);
    write(
        &mut picture,
        90,
        34,
        height.saturating_sub(40) / 16,
        [35, 35, 40],
    );
    picture
}

/// Black and white squares, as a two-dimensional code has them.
pub fn code() -> RgbImage {
    RgbImage::from_fn(210, 210, |x, y| {
        let dark = (x / 10 * 7 + y / 10 * 13 + (x / 10) * (y / 10)) % 3 == 0;
        image::Rgb(if dark { [0; 3] } else { [255; 3] })
    })
}

/// A banner: discs in strong colours with smooth edges on one colour, and a line of text.
pub fn banner(width: u32, height: u32) -> RgbImage {
    let mut picture = RgbImage::from_fn(width, height, |x, y| {
        let disc = x * 5 / width;
        let (dx, dy) = (
            f64::from(x) - (f64::from(disc) + 0.5) * f64::from(width) / 5.0,
            f64::from(y) - f64::from(height) / 2.0,
        );
        let inside = (f64::from(width) / 14.0 + 0.5 - (dx * dx + dy * dy).sqrt()).clamp(0.0, 1.0);
        let colour = [
            [220, 30, 40],
            [20, 140, 60],
            [30, 60, 200],
            [240, 180, 0],
            [120, 20, 140],
        ][disc.min(4) as usize];
        let ground = [250, 246, 235];
        image::Rgb([0, 1, 2].map(|c| {
            (f64::from(colour[c]) * inside + f64::from(ground[c]) * (1.0 - inside)).round() as u8
        }))
    });
    write(&mut picture, width / 3, height - 24, 1, [90, 20, 20]);
    picture
}

/// A photograph cut out along a circle, with a smooth edge.
pub fn cutout(width: u32, height: u32) -> image::RgbaImage {
    let photo = photo(width, height);
    image::RgbaImage::from_fn(width, height, |x, y| {
        let [r, g, b] = photo.get_pixel(x, y).0;
        let (dx, dy) = (
            f64::from(x) - f64::from(width) / 2.0,
            f64::from(y) - f64::from(height) / 2.0,
        );
        let radius = f64::from(width.min(height)) * 0.4;
        let cover = (radius - (dx * dx + dy * dy).sqrt()).clamp(0.0, 1.0);
        image::Rgba([r, g, b, (cover * 255.0) as u8])
    })
}

/// A WebP without losses, as simple encoders write it.
pub fn webp(picture: &DynamicImage) -> Vec<u8> {
    let mut file = Vec::new();
    image::codecs::webp::WebPEncoder::new_lossless(&mut file)
        .write_image(
            picture.as_bytes(),
            picture.width(),
            picture.height(),
            picture.color().into(),
        )
        .unwrap();
    file
}

/// A photograph that a camera moves over.
pub fn film() -> Vec<RgbImage> {
    let scene = DynamicImage::from(photo(200, 140));
    let part = |at: u32| scene.crop_imm(at * 4, at * 2, 160, 120).into_rgb8();
    (0..8).map(part).collect()
}

/// Banners of which one fades into the next.
pub fn slides() -> Vec<RgbImage> {
    let (first, second) = (banner(240, 120), screenshot(240, 120));
    let mixed =
        |part: u32| {
            RgbImage::from_fn(240, 120, |x, y| {
                let (a, b) = (first.get_pixel(x, y).0, second.get_pixel(x, y).0);
                image::Rgb([0, 1, 2].map(|at| {
                    ((u32::from(a[at]) * (4 - part) + u32::from(b[at]) * part) / 4) as u8
                }))
            })
        };
    (0..=4).map(mixed).collect()
}

/// A GIF of these frames, for a tenth of a second each and for ever.
pub fn gif(frames: &[RgbImage]) -> Vec<u8> {
    let (width, height) = frames[0].dimensions();
    let mut file = Vec::new();
    let mut encoder =
        gif::Encoder::new(&mut file, width as u16, height as u16, &gif_palette()).unwrap();
    encoder.set_repeat(gif::Repeat::Infinite).unwrap();
    for frame in frames {
        encoder.write_frame(&gif_frame(frame, 10)).unwrap();
    }
    drop(encoder);
    file
}

/// The entry of the palette that is seen through.
pub const TRANSPARENT: u8 = 216;

/// Six steps of each colour, and one entry that is seen through.
pub fn gif_palette() -> Vec<u8> {
    let levels = (0..216).flat_map(|at: u8| [at / 36 * 51, at / 6 % 6 * 51, at % 6 * 51]);
    levels.chain([0, 0, 0]).collect()
}

/// A frame in the colours of the palette, dithered as tools do it, for so many hundredths of a second.
pub fn gif_frame(picture: &RgbImage, delay: u16) -> gif::Frame<'static> {
    let pixels = picture.enumerate_pixels().map(|(x, y, pixel)| {
        let threshold = [0, 32, 8, 40, 48, 16, 56, 24][((x + y * 3) % 8) as usize] * 51 / 64;
        let level = |value: u8| ((u32::from(value) + threshold) / 51).min(5) as u8;
        let [red, green, blue] = pixel.0.map(level);
        red * 36 + green * 6 + blue
    });
    gif::Frame {
        width: picture.width() as u16,
        height: picture.height() as u16,
        buffer: pixels.collect::<Vec<u8>>().into(),
        delay,
        ..gif::Frame::default()
    }
}
