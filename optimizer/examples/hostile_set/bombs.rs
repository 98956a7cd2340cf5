//! Small files of very many pixels, and small files that unpack to very many bytes.

use super::Hostile;
use super::common::{chunk, photo, photo_jpeg, png, with_chunk, with_segment};
use super::raw::{
    FILL, gif_frame, gif_of, jpeg_that_claims, packed, png_of, riff_chunk, vp8x, webp_of,
};

const TOO_MANY: &[&str] = &["too-many-pixels"];

pub fn files() -> Vec<Hostile> {
    [pngs(), unpacking(), jpegs(), endless(), gifs(), webps()]
        .into_iter()
        .flatten()
        .collect()
}

/// Above 40 megapixels, or a side above 12 000.
const CLAIMS: [(u32, u32); 8] = [
    (8_000, 5_001),
    (6_400, 6_400),
    (12_001, 2),
    (2, 12_001),
    (12_000, 12_000),
    (60_000, 60_000),
    (1 << 24, 1 << 24),
    (u32::MAX, u32::MAX),
];

fn pngs() -> Vec<Hostile> {
    let mut files = Vec::new();
    for (width, height) in CLAIMS {
        for (depth, colour) in [(1, 0), (8, 2), (8, 3), (16, 6)] {
            let name = format!("{width}x{height} at {depth} bits, colour {colour}");
            files.push(Hostile::told(
                "png",
                name,
                png_of(width, height, depth, colour, &FILL),
                TOO_MANY,
            ));
        }
    }
    // Within the limit of pixels, and 16 bits of four channels of each.
    let wide = png_of(6_000, 6_000, 16, 6, &FILL);
    files.push(Hostile::told(
        "png",
        "36 megapixels of 16 bits",
        wide,
        TOO_MANY,
    ));
    let flat = packed(&vec![0; 750 * 6_000 + 6_000]);
    files.push(Hostile::told(
        "png",
        "36 megapixels of one colour",
        png_of(6_000, 6_000, 1, 0, &padded(&flat)),
        TOO_MANY,
    ));
    files
}

/// The bytes, and nothing that matters behind them.
fn padded(bytes: &[u8]) -> Vec<u8> {
    [bytes, &FILL].concat()
}

fn unpacking() -> Vec<Hostile> {
    let plain = png(&photo(72, 60).into());
    let zeros = packed(&vec![0; 64 << 20]);
    let text = |kind, head: &[u8]| with_chunk(&plain, kind, &[head, &zeros].concat());
    let more = png_of(64, 64, 8, 2, &padded(&zeros));
    let profile = with_chunk(&plain, *b"iCCP", &[b"icc\0\0", zeros.as_slice()].concat());
    let many = chunk(*b"teXt", &[]).repeat(100_000);
    let mut crowd = plain[..33].to_vec();
    crowd.extend(&many);
    crowd.extend(&plain[33..]);
    let split = [
        plain[..33].to_vec(),
        chunk(*b"IDAT", &[]).repeat(50_000),
        plain[33..].to_vec(),
    ]
    .concat();
    vec![
        Hostile::new(
            "png",
            "pixels that unpack to 64 MB for a picture of 12 KB",
            more,
        ),
        Hostile::new(
            "png",
            "zTXt that unpacks to 64 MB",
            text(*b"zTXt", b"k\0\0"),
        ),
        Hostile::new(
            "png",
            "iTXt that unpacks to 64 MB",
            text(*b"iTXt", b"k\0\x01\0\0\0"),
        ),
        Hostile::told(
            "png",
            "a profile that unpacks to 64 MB",
            profile,
            &["wide-gamut-unconverted"],
        ),
        Hostile::new("png", "a hundred thousand empty chunks", crowd),
        Hostile::new("png", "fifty thousand empty pieces of pixels", split),
    ]
}

fn jpegs() -> Vec<Hostile> {
    let plain = photo_jpeg(160, 120);
    let mut files = Vec::new();
    for (width, height) in [
        (8_000, 5_001),
        (6_400, 6_400),
        (12_001, 2),
        (2, 12_001),
        (12_000, 12_000),
        (65_535, 65_535),
        (65_535, 1),
    ] {
        for (coding, name) in [
            (0xC0, "baseline"),
            (0xC1, "extended"),
            (0xC2, "progressive"),
        ] {
            let file = jpeg_that_claims(&plain, width, height, coding);
            files.push(Hostile::told(
                "jpeg",
                format!("{name} {width}x{height}"),
                file,
                TOO_MANY,
            ));
        }
    }
    let held = jpeg_that_claims(&plain, 6_000, 6_000, 0xC2);
    files.push(Hostile::told(
        "jpeg",
        "36 megapixels that are all held at once",
        held,
        TOO_MANY,
    ));
    let large = jpeg_that_claims(&plain, 7_000, 5_000, 0xC0);
    files.push(Hostile::told(
        "jpeg",
        "35 megapixels that are not there",
        large,
        &["corrupt"],
    ));
    files.push(Hostile::new(
        "jpeg",
        "no height",
        jpeg_that_claims(&plain, 160, 0, 0xC0),
    ));
    files.push(Hostile::new(
        "jpeg",
        "no width",
        jpeg_that_claims(&plain, 0, 120, 0xC0),
    ));
    files
}

fn endless() -> Vec<Hostile> {
    let plain = photo_jpeg(160, 120);
    let scan = plain
        .windows(2)
        .position(|pair| pair == [0xFF, 0xDA])
        .unwrap();
    let head = &plain[scan..scan + 14];
    let scans = |count| [&plain[..scan], &head.repeat(count), &plain[scan..]].concat();
    let fill = [&plain[..2], vec![0xFF; 1 << 20].as_slice(), &plain[2..]].concat();
    let restarts = [
        &plain[..plain.len() - 2],
        &b"\xFF\xD0".repeat(200_000),
        b"\xFF\xD9",
    ]
    .concat();
    let comments = (0..20).fold(plain.clone(), |file, _| {
        with_segment(&file, 0xFE, &vec![b'c'; 60_000])
    });
    let mut stuffed = plain[..plain.len() - 2].to_vec();
    stuffed.extend(b"\xFF\x00".repeat(200_000));
    stuffed.extend(b"\xFF\xD9");
    let mut huge = plain.clone();
    huge.resize(vitrine_optimizer::limits::SOURCE_BYTES + 1, 0);
    vec![
        Hostile::told(
            "jpeg",
            "five thousand scans",
            scans(5_000),
            &["unsupported"],
        ),
        Hostile::new("jpeg", "thirty scans", scans(29)),
        Hostile::new("jpeg", "a megabyte of fill bytes", fill),
        Hostile::new("jpeg", "two hundred thousand restarts", restarts),
        Hostile::new("jpeg", "a megabyte of comments", comments),
        Hostile::new("jpeg", "pixels that go on after the last one", stuffed),
        Hostile::told("jpeg", "more bytes than are read", huge, &["too-large"]),
    ]
}

fn gifs() -> Vec<Hostile> {
    let frame = gif_frame(72, 60);
    [
        (8_000, 5_001),
        (6_400, 6_400),
        (12_001, 2),
        (2, 12_001),
        (65_535, 65_535),
    ]
    .into_iter()
    .flat_map(|(width, height)| {
        let mut claims = frame.clone();
        claims[13..15].copy_from_slice(&u16::to_le_bytes(width));
        claims[15..17].copy_from_slice(&u16::to_le_bytes(height));
        let told: &[&str] = &["too-many-pixels", "unsupported"];
        [
            Hostile::told(
                "gif",
                format!("canvas of {width}x{height}"),
                gif_of(width, height, &frame),
                told,
            ),
            Hostile::new(
                "gif",
                format!("frame of {width}x{height}"),
                gif_of(72, 60, &claims),
            ),
        ]
    })
    .collect()
}

fn webps() -> Vec<Hostile> {
    let told: &[&str] = &["too-many-pixels", "unsupported"];
    let mut files = Vec::new();
    for (width, height) in [(8_000, 5_001), (12_001, 2), (2, 12_001), (16_383, 16_383)] {
        let lossy = [
            &[0x10, 0, 0, 0x9D, 0x01, 0x2A],
            [u16::to_le_bytes(width), u16::to_le_bytes(height)]
                .concat()
                .as_slice(),
            &FILL,
        ]
        .concat();
        let bits = (u32::from(width) - 1) | (u32::from(height) - 1) << 14;
        let lossless = [&[0x2F], bits.to_le_bytes().as_slice(), &FILL].concat();
        let canvas = [
            vp8x(0, width.into(), height.into()),
            riff_chunk(*b"VP8L", &lossless),
        ]
        .concat();
        for (name, chunks) in [
            ("lossy", riff_chunk(*b"VP8 ", &lossy)),
            ("lossless", riff_chunk(*b"VP8L", &lossless)),
            ("extended", canvas),
        ] {
            let name = format!("{name} {width}x{height}");
            files.push(Hostile::told("webp", name, webp_of(&chunks), told));
        }
    }
    let sky = [vp8x(0, 1 << 24, 1 << 24), FILL.to_vec()].concat();
    files.push(Hostile::told(
        "webp",
        "canvas of all bits",
        webp_of(&sky),
        told,
    ));
    files
}
