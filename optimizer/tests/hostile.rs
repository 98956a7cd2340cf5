//! What must be left alone, and what is made to do harm. Hazards H71 and H72.
#![allow(
    clippy::disallowed_methods,
    reason = "it measures how long hostile files take"
)]
#![allow(clippy::unwrap_used, reason = "helpers of tests stop the test")]

mod common;

use std::time::{Duration, Instant};

use common::*;
use image::{DynamicImage, RgbImage};
use proptest::prelude::*;
use vitrine_optimizer::{Effort, Job, Quality, Skip, Target, encode, limits};

/// The noise of these pictures is no photograph's: only AVIF is measured.
fn effort(target: Target) -> Effort {
    match target {
        Target::Avif => Effort::Refined,
        _ => Effort::First,
    }
}

const TARGETS: [Target; 2] = [Target::Avif, Target::Same];

fn both(source: &[u8]) -> [Result<(), Skip>; 2] {
    TARGETS.map(|target| {
        encode(
            source,
            &Job {
                target,
                quality: Quality::default(),
                effort: effort(target),
                width: None,
                crop: None,
            },
        )
        .map(drop)
    })
}

#[test]
fn h71_an_animated_png_keeps_its_frames() {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 80, 60);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_animated(2, 0).unwrap();
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(photo(80, 60).as_raw()).unwrap();
    writer.write_image_data(photo(80, 60).as_raw()).unwrap();
    writer.finish().unwrap();
    assert_eq!(both(&file), [Err(Skip::Animated); 2]);
}

#[test]
fn h71_gain_maps_and_several_pictures_in_one_file_are_left_alone() {
    let plain = photo_jpeg(160, 120);
    assert_eq!(both(&plain), [Ok(()); 2]);
    let adobe = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:hdrgm='http://ns.adobe.com/hdr-gain-map/1.0/'/>";
    assert_eq!(
        both(&with_segment(&plain, 0xE1, adobe)),
        [Err(Skip::GainMap); 2]
    );
    assert_eq!(
        both(&with_segment(&plain, 0xE2, b"MPF\0MM\0\x2a")),
        [Err(Skip::GainMap); 2]
    );
    assert_eq!(
        both(&with_segment(
            &plain,
            0xE2,
            b"urn:iso:std:iso:ts:21496:-1\0\0\0"
        )),
        [Err(Skip::GainMap); 2]
    );
    let harmless = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>a caption</x:xmpmeta>";
    assert_eq!(both(&with_segment(&plain, 0xE1, harmless)), [Ok(()); 2]);
}

#[test]
fn h71_pixels_beacons_and_icons_are_left_alone() {
    let pixel = png(&RgbImage::new(1, 1).into());
    assert_eq!(both(&pixel), [Err(Skip::Tiny); 2]);
    let padded = with_chunk(&pixel, *b"tEXt", &[b'x'; 4000]);
    assert!(padded.len() > limits::MIN_SOURCE_BYTES);
    assert_eq!(both(&padded), [Err(Skip::Tiny); 2]);
    assert_eq!(both(&png(&photo(16, 16).into())), [Err(Skip::Tiny); 2]);
}

#[test]
fn h71_codes_and_logos_are_not_blurred() {
    let code = DynamicImage::from(code());
    assert_eq!(to_same(&jpeg(&code, 95), 75), Err(Skip::Graphic));
    let source = with_chunk(&png(&code), *b"tEXt", &[b'x'; 3000]);
    let kept = to_avif(&source, 75).unwrap();
    assert!(!kept.recipe.contains(";420"), "{}", kept.recipe);
    assert_eq!(pixels(&kept).into_rgb8(), code.to_rgb8());
    assert_eq!(
        pixels(&to_same(&source, 75).unwrap()).into_rgb8(),
        code.into_rgb8()
    );
}

#[test]
fn h71_formats_that_are_not_read_are_unsupported_by_name() {
    let pad = [0x20; 4096];
    for magic in [
        b"GIF88a".as_slice(),
        b"RIFF\0\0\0\0WAVEfmt ",
        b"\0\0\0\x1cftypavif",
        b"<svg xmlns='http://www.w3.org/2000/svg'>",
        b"\0\0\x01\0",
        b"II*\0",
        b"\xff\x0a",
        b"<!doctype html><title>404</title>",
        b"%PDF-1.7",
        b"",
    ] {
        assert_eq!(both(&[magic, &pad].concat()), [Err(Skip::Unsupported); 2]);
    }
}

#[test]
fn h72_a_header_that_claims_too_much_is_refused_before_memory_is_taken() {
    let header = |width: u32, height: u32| {
        let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
        let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
        file.extend(chunk(
            *b"IHDR",
            &[&size, [8, 6, 0, 0, 0].as_slice()].concat(),
        ));
        file.extend(chunk(*b"IDAT", &[0; 4096]));
        file.extend(chunk(*b"IEND", &[]));
        file
    };
    let begin = Instant::now();
    for (width, height) in [
        (60_000, 60_000),
        (u32::MAX, u32::MAX),
        (12_001, 2),
        (2, 12_001),
        (8_000, 8_000),
    ] {
        assert_eq!(both(&header(width, height)), [Err(Skip::TooManyPixels); 2]);
    }
    assert_eq!(both(&header(0, 10)), [Err(Skip::Corrupt); 2]);
    assert!(begin.elapsed() < Duration::from_millis(200));
}

#[test]
fn h72_a_jpeg_frame_that_claims_too_much_is_refused() {
    let mut source = photo_jpeg(160, 120);
    let frame = source
        .windows(2)
        .position(|pair| pair == [0xFF, 0xC0])
        .unwrap();
    source[frame + 5..frame + 9].copy_from_slice(&[0xFF; 4]);
    assert_eq!(both(&source), [Err(Skip::TooManyPixels); 2]);
}

#[test]
fn h72_a_small_file_of_very_many_pixels_is_refused_unread() {
    // 36 megapixels of one colour in a few kilobytes: within the limit of any picture, not within an engine's.
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 6000, 6000);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&vec![0; 750 * 6000]).unwrap();
    writer.finish().unwrap();
    let begin = Instant::now();
    assert_eq!(both(&file), [Err(Skip::TooManyPixels); 2]);
    assert!(begin.elapsed() < Duration::from_millis(200));
}

#[test]
fn h72_a_jpeg_of_endless_scans_is_refused_unread() {
    let source = photo_jpeg(160, 120);
    let scan = source
        .windows(2)
        .position(|pair| pair == [0xFF, 0xDA])
        .unwrap();
    let head = &source[scan..scan + 14];
    let many = [&source[..scan], &head.repeat(5000), &source[scan..]].concat();
    assert_eq!(both(&many), [Err(Skip::Unsupported); 2]);
}

#[test]
fn h72_more_bytes_than_the_limit_are_refused_unread() {
    let mut source = photo_jpeg(160, 120);
    source.resize(limits::SOURCE_BYTES + 1, 0);
    assert_eq!(both(&source), [Err(Skip::TooLarge); 2]);
}

#[test]
fn h72_every_prefix_of_a_file_is_refused() {
    for (source, step) in [(photo_jpeg(140, 110), 1), (png(&photo(60, 48).into()), 1)] {
        assert!(
            source.len() > 2 * limits::MIN_SOURCE_BYTES,
            "{}",
            source.len()
        );
        for end in (0..source.len()).step_by(step) {
            let reason = to_avif(&source[..end], 75).unwrap_err();
            assert!(
                matches!(reason, Skip::Corrupt | Skip::Unsupported | Skip::Tiny),
                "{end} bytes: {reason}"
            );
        }
    }
}

#[test]
fn h72_what_follows_the_end_of_a_file_is_not_carried_over() {
    let evil = b"<script>alert(1)</script>PK\x03\x04";
    for source in [photo_jpeg(160, 120), png(&photo(160, 120).into())] {
        let polyglot = [&source, evil.as_slice()].concat();
        for target in TARGETS {
            let job = Job {
                target,
                quality: Quality::default(),
                effort: effort(target),
                width: None,
                crop: None,
            };
            let result = encode(&polyglot, &job).unwrap();
            assert_eq!(result, encode(&source, &job).unwrap());
            assert!(!result.bytes.windows(8).any(|window| window == b"<script>"));
        }
    }
}

#[test]
fn h72_comments_and_texts_are_not_carried_over() {
    let evil = b"<script>alert(document.domain)</script>";
    let comment = with_segment(&photo_jpeg(160, 120), 0xFE, evil);
    let text = with_chunk(&png(&photo(160, 120).into()), *b"tEXt", evil);
    for source in [comment, text] {
        for target in TARGETS {
            let result = encode(
                &source,
                &Job {
                    target,
                    quality: Quality::default(),
                    effort: effort(target),
                    width: None,
                    crop: None,
                },
            )
            .unwrap();
            assert!(!result.bytes.windows(8).any(|window| window == b"<script>"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn h72_no_bytes_at_all_cause_a_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..6000), kind in 0..3_u8) {
        let magic: &[u8] = match kind {
            0 => b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR",
            1 => b"\xff\xd8\xff\xe0\0\x10JFIF\0",
            _ => b"",
        };
        bytes.splice(0..0, magic.iter().copied());
        let _ = both(&bytes);
    }

    #[test]
    fn h72_no_damage_to_a_real_file_causes_a_panic(at in 0.0..1.0_f64, with in any::<[u8; 3]>(), jpeg in any::<bool>()) {
        let mut source = if jpeg { photo_jpeg(72, 60) } else { png(&photo(40, 30).into()) };
        let at = (at * (source.len() - 3) as f64) as usize;
        source[at..at + 3].copy_from_slice(&with);
        let _ = to_same(&source, 75);
    }
}
