//! An original that stays loses what is no part of its picture, and not one pixel. Hazards H69 to H72.
#![allow(clippy::unwrap_used, reason = "helpers of tests stop the test")]

mod common;

use bytes::Bytes;
use common::*;
use http::{Request, Response, StatusCode};
use image::{DynamicImage, ImageDecoder as _};
use vitrine_optimizer::{respond, strip};

const SECRETS: [(u8, &[u8]); 6] = [
    (
        0xE1,
        b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>SECRET</x:xmpmeta>",
    ),
    (0xED, b"Photoshop 3.0\08BIM\x04\x04SECRET"),
    (0xE2, b"FPXR\0SECRET"),
    (0xEC, b"Ducky SECRET"),
    (0xEB, b"JP SECRET"),
    (0xFE, b"CREATOR: SECRET"),
];

/// What a reader sees: pixels, which way is up, and the colour profile.
fn seen(file: &[u8]) -> (DynamicImage, Option<u8>, Option<Vec<u8>>) {
    let reader = image::ImageReader::new(std::io::Cursor::new(file));
    let mut decoder = reader
        .with_guessed_format()
        .unwrap()
        .into_decoder()
        .unwrap();
    let orientation = decoder.orientation().unwrap().to_exif();
    let profile = decoder.icc_profile().unwrap();
    let image = DynamicImage::from_decoder(decoder).unwrap();
    (image, Some(orientation), profile)
}

fn has(file: &[u8], needle: &[u8]) -> bool {
    file.windows(needle.len()).any(|window| window == needle)
}

/// A photograph with all that cameras and editors leave in it.
fn burdened_jpeg(orientation: u8) -> Vec<u8> {
    let p3 = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let mut file = with_profile(&photo_jpeg(200, 150), &p3);
    for (marker, data) in SECRETS {
        file = with_segment(&file, marker, data);
    }
    let file = with_exif(&file, orientation);
    [&file, b"SECRET trailer".as_slice()].concat()
}

fn burdened_png(orientation: u8) -> Vec<u8> {
    let mut file = png(&photo(60, 40).into());
    for (kind, data) in [
        (b"tEXt", b"Author\0SECRET".as_slice()),
        (b"zTXt", b"SECRET\0\0x"),
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0SECRET"),
        (b"tIME", b"\x07\xea\x01\x01\0\0\0"),
        (b"caNv", b"SECRET"),
        (b"gAMA", b"\0\0\xb1\x8f"),
        (b"pHYs", b"\0\0\x0b\x13\0\0\x0b\x13\x01"),
    ] {
        file = with_chunk(&file, *kind, data);
    }
    let file = with_chunk(&file, *b"eXIf", &exif(orientation));
    [&file, b"SECRET trailer".as_slice()].concat()
}

#[test]
fn h70_what_is_private_goes_and_what_is_seen_stays() {
    for orientation in 1..=8 {
        for source in [burdened_jpeg(orientation), burdened_png(orientation)] {
            let stripped = strip(&source).unwrap();
            assert!(!has(&stripped.bytes, b"SECRET"), "{orientation}");
            assert!(!has(&stripped.bytes, b"tIME"));
            assert_eq!(seen(&stripped.bytes), seen(&source), "{orientation}");
            assert_eq!(seen(&source).1, Some(orientation));
            assert_eq!(stripped.recipe, "strip");
            assert_eq!(strip(&stripped.bytes), None, "nothing is left to go");
        }
    }
    let plain = strip(&burdened_png(1)).unwrap().bytes;
    assert!(has(&plain, b"gAMA") && has(&plain, b"pHYs"));
    assert!(!has(&plain, b"eXIf"), "an upright picture needs none");
}

#[test]
fn h70_inks_keep_the_marker_that_tells_them_from_colours() {
    let adobe = b"Adobe\0\x64\0\0\0\0\0";
    let source = with_segment(&burdened_jpeg(1), 0xEE, adobe);
    assert!(has(&strip(&source).unwrap().bytes, adobe));
}

#[test]
fn h70_the_preview_in_a_jfif_header_goes_and_the_header_stays() {
    let jfif = |preview: &[u8]| {
        let sides = if preview.is_empty() { [0, 0] } else { [1, 2] };
        let data = [
            b"JFIF\0\x01\x02\x01\0\x48\0\x48".as_slice(),
            &sides,
            preview,
        ]
        .concat();
        with_segment(&photo_jpeg(80, 60), 0xE0, &data)
    };
    let stripped = strip(&jfif(b"SECRET")).unwrap();
    assert_eq!(stripped.bytes, jfif(b""));
}

#[test]
fn h71_a_second_picture_keeps_the_whole_file() {
    let source = burdened_jpeg(1);
    let gain_map = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:hdrgm='http://ns.adobe.com/hdr-gain-map/1.0/'/>";
    for (marker, data) in [
        (0xE1, gain_map.as_slice()),
        (0xE2, b"MPF\0MM\0\x2a"),
        (0xE2, b"urn:iso:std:iso:ts:21496:-1\0"),
    ] {
        assert_eq!(strip(&with_segment(&source, marker, data)), None);
    }
    for kind in [b"acTL", b"fcTL", b"fdAT"] {
        assert_eq!(strip(&with_chunk(&burdened_png(1), *kind, &[0; 8])), None);
    }
}

#[test]
fn h72_a_file_that_breaks_off_or_is_not_read_stays_whole() {
    for source in [burdened_jpeg(6), burdened_png(6)] {
        let end = source.len() - b"SECRET trailer".len();
        for length in 0..end {
            assert_eq!(strip(&source[..length]), None, "{length} of {end}");
        }
    }
    let broken = with_segment(&photo_jpeg(80, 60), 0xE1, b"Exif\0\0MM\0\x2a\0\0\xff\xff");
    assert_eq!(strip(&broken), None, "who knows which way is up");
    let twice = with_exif(&with_exif(&photo_jpeg(80, 60), 6), 1);
    assert_eq!(strip(&twice), None, "nor here");
    assert_eq!(strip(b"GIF89a"), None);
    assert_eq!(strip(&photo_jpeg(80, 60)), None, "there is nothing in it");
}

fn ask(source: &[u8], target: &str) -> Response<Bytes> {
    let request = Request::post("/encode").header("x-vitrine-to", target);
    respond(&request.body(Bytes::copy_from_slice(source)).unwrap())
}

fn header<'r>(response: &'r Response<Bytes>, name: &str) -> &'r str {
    let value = response.headers().get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

#[test]
fn h69_an_original_that_stays_is_answered_without_its_metadata_and_with_the_reason() {
    let coarse = jpeg(&photo(240, 180).into(), 60);
    let response = ask(&with_exif(&coarse, 6), "same");
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header(&response, "x-vitrine-skip"), "already-compressed");
    assert_eq!(header(&response, "x-vitrine-recipe"), "strip");
    assert_eq!(header(&response, "content-type"), "image/jpeg");
    assert_eq!(seen(response.body()).1, Some(6));
    assert!(!has(response.body(), b"GPS"));

    let response = ask(&coarse, "same");
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert_eq!(header(&response, "x-vitrine-skip"), "already-compressed");
}

#[test]
fn h69_what_is_too_large_to_decode_is_stripped_all_the_same() {
    let mut huge = with_exif(&photo_jpeg(160, 120), 1);
    let frame = huge.windows(2).position(|at| at == [0xFF, 0xC0]).unwrap();
    huge[frame + 5..frame + 9].copy_from_slice(&[0x2E, 0xE0, 0x2E, 0xE0]);
    let response = ask(&huge, "avif");
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header(&response, "x-vitrine-skip"), "too-many-pixels");
    assert!(!has(response.body(), b"GPS"));
}

/// Exif says 144 dots per inch and half of the pixels: browsers show half the size.
#[test]
fn h70_a_picture_that_is_shown_at_another_size_stays_whole() {
    let mut data = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x03".to_vec();
    data.extend([0x01, 0x1A, 0, 5, 0, 0, 0, 1, 0, 0, 0, 80]);
    data.extend([0x01, 0x1B, 0, 5, 0, 0, 0, 1, 0, 0, 0, 80]);
    data.extend([0x87, 0x69, 0, 4, 0, 0, 0, 1, 0, 0, 0, 50]);
    data.extend([0; 4]);
    data.extend([0, 2, 0xA0, 2, 0, 3, 0, 0, 0, 1, 0, 80, 0, 0]);
    data.extend([0xA0, 3, 0, 3, 0, 0, 0, 1, 0, 60, 0, 0, 0, 0, 0, 0]);
    data.extend([0, 0, 0, 144, 0, 0, 0, 1]);
    let source = with_segment(&photo_jpeg(160, 120), 0xE1, &data);
    assert_eq!(strip(&source), None);
    for target in ["avif", "webp", "same"] {
        let response = ask(&source, target);
        assert_eq!(header(&response, "x-vitrine-skip"), "resolution");
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
    }
    let usual = with_segment(&photo_jpeg(80, 60), 0xE1, &data);
    assert!(strip(&usual).is_some());
}
