//! Traps in GIF and WebP: frames where there is no canvas, codes without end, headers that contradict each other.

use super::Hostile;
use super::common::exif;
use super::raw::{FILL, gif, gif_frame, gif_of, riff_chunk, vp8x, webp, webp_of};

pub fn files() -> Vec<Hostile> {
    [
        places(),
        codes(),
        blocks(),
        disposals(),
        headers(),
        masks(),
        lengths(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

const CORRUPT: &[&str] = &["corrupt"];

/// Frames that are not on the canvas, or have no pixels.
fn places() -> Vec<Hostile> {
    let places: [(u16, u16, u16, u16); 10] = [
        (1, 0, 72, 60),
        (0, 1, 72, 60),
        (72, 60, 1, 1),
        (65_535, 65_535, 72, 60),
        (65_535, 0, 1, 1),
        (0, 0, 65_535, 65_535),
        (0, 0, 0, 60),
        (0, 0, 72, 0),
        (0, 0, 0, 0),
        (71, 59, 2, 2),
    ];
    let files = places.into_iter().flat_map(|(left, top, width, height)| {
        let mut frame = gif_frame(72, 60);
        for (at, value) in [(9, left), (11, top), (13, width), (15, height)] {
            frame[at..at + 2].copy_from_slice(&value.to_le_bytes());
        }
        let name = format!("a frame of {width}x{height} at {left},{top}");
        let after = [gif_frame(72, 60), frame.clone()].concat();
        [
            Hostile::told("gif", name.clone(), gif_of(72, 60, &frame), CORRUPT),
            Hostile::told(
                "gif",
                format!("{name}, as the second"),
                gif_of(72, 60, &after),
                CORRUPT,
            ),
        ]
    });
    files.collect()
}

/// The head of a frame whose coded pixels are these blocks.
fn frame_of(width: u16, height: u16, code_size: u8, data: &[u8]) -> Vec<u8> {
    let mut frame = b"\x2C\0\0\0\0".to_vec();
    frame.extend([width.to_le_bytes(), height.to_le_bytes()].concat());
    frame.extend([0, code_size]);
    for block in data.chunks(255) {
        frame.push(block.len() as u8);
        frame.extend(block);
    }
    frame.push(0);
    frame
}

/// LZW that ends too early, never ends, or is none.
fn codes() -> Vec<Hostile> {
    // Nine bits of "begin anew", over and over.
    let clears: Vec<u8> = (0..1 << 20)
        .map(|at: u32| ((0x100_u64 << (9 - at * 8 % 9) >> 8) & 0xFF) as u8)
        .collect();
    let mut files = Vec::new();
    for (name, size, data) in [
        ("no codes", 8, Vec::new()),
        ("codes of nothing but zeros", 8, vec![0; 1 << 20]),
        ("codes of nothing but ones", 8, vec![0xFF; 1 << 20]),
        ("codes that begin anew for ever", 8, clears),
        (
            "codes that end at once",
            8,
            [&[0x00, 0x03], FILL.as_slice()].concat(),
        ),
        ("codes that are not there yet", 8, vec![0xFE; 4096]),
        ("codes of two bits", 2, FILL.to_vec()),
    ] {
        for (width, height) in [(72, 60), (2_000, 1_900)] {
            let frame = frame_of(width, height, size, &data);
            let name = format!("{name} for {width}x{height}");
            let padded = [frame.as_slice(), b"\x21\xFE", &[0xFF], &[b' '; 255], &[0]].concat();
            files.push(Hostile::new("gif", name, gif_of(width, height, &padded)));
        }
    }
    for size in [0, 1, 9, 11, 12, 255] {
        let frame = frame_of(72, 60, size, &FILL);
        let name = format!("codes of {size} bits");
        files.push(Hostile::told("gif", name, gif_of(72, 60, &frame), CORRUPT));
    }
    // The decoder takes the next block for more of the frame's codes.
    let between = [gif_frame(72, 60), frame_of(1, 1, 8, &[]), gif_frame(72, 60)].concat();
    files.push(Hostile::told(
        "gif",
        "a frame without codes between others",
        gif_of(72, 60, &between),
        CORRUPT,
    ));
    let far = frame_of(6_000, 6_000, 8, &FILL);
    files.push(Hostile::told(
        "gif",
        "36 megapixels that are not there",
        gif_of(6_000, 6_000, &far),
        CORRUPT,
    ));
    files
}

/// Extensions without end or of the wrong size, and a missing trailer.
fn blocks() -> Vec<Hostile> {
    let frame = gif_frame(72, 60);
    let around = |before: &[u8], after: &[u8]| gif_of(72, 60, &[before, &frame, after].concat());
    let many = |one: &[u8], count: usize| one.repeat(count);
    let mut unended = gif();
    unended.pop();
    let mut without_palette = gif();
    without_palette[10] = 0;
    without_palette.drain(13..13 + 768);
    let mut files = vec![
        Hostile::told("gif", "no trailer", unended, CORRUPT),
        Hostile::told("gif", "no palette", without_palette, CORRUPT),
        Hostile::told(
            "gif",
            "a control of five bytes",
            around(b"\x21\xF9\x05\0\0\0\0\0\0", b""),
            CORRUPT,
        ),
        Hostile::told(
            "gif",
            "a control of nothing",
            around(b"\x21\xF9\0", b""),
            CORRUPT,
        ),
        Hostile::told(
            "gif",
            "text to be drawn",
            around(b"\x21\x01\x01\0\0", b""),
            &["unsupported"],
        ),
        Hostile::told(
            "gif",
            "an unknown extension",
            around(b"\x21\x77\x01\0\0", b""),
            &["unsupported"],
        ),
        Hostile::told(
            "gif",
            "an unknown block",
            around(b"\x77\x01\0\0", b""),
            CORRUPT,
        ),
        Hostile::new(
            "gif",
            "a hundred thousand comments",
            around(&many(b"\x21\xFE\x01c\0", 100_000), b""),
        ),
        Hostile::new(
            "gif",
            "ten thousand loop counts",
            around(
                &many(b"\x21\xFF\x0BNETSCAPE2.0\x03\x01\x05\0\0", 10_000),
                b"",
            ),
        ),
        Hostile::new(
            "gif",
            "a loop count of no bytes",
            around(b"\x21\xFF\x0BNETSCAPE2.0\0", b""),
        ),
        Hostile::new(
            "gif",
            "a loop count of one byte",
            around(b"\x21\xFF\x0BNETSCAPE2.0\x01\x01\0", b""),
        ),
        Hostile::new(
            "gif",
            "a control that controls nothing",
            around(b"", b"\x21\xF9\x04\x08\x0A\0\0\0"),
        ),
        Hostile::new(
            "gif",
            "metadata of megabytes",
            around(
                &[
                    b"\x21\xFF\x0BXMP DataXMP".as_slice(),
                    &many(&[&[255_u8], [b'x'; 255].as_slice()].concat(), 8_000),
                    b"\0",
                ]
                .concat(),
                b"",
            ),
        ),
    ];
    let crowd = gif_of(64, 64, &frame_of(1, 1, 2, &[0x44, 0x01]).repeat(100_000));
    files.push(Hostile::told(
        "gif",
        "a hundred thousand frames of a pixel",
        crowd,
        &["too-many-frames"],
    ));
    let index = {
        let mut small = gif();
        small[10] = 0xF0;
        small.drain(13 + 6..13 + 768);
        small
    };
    files.push(Hostile::new("gif", "colours beyond the palette", index));
    files
}

/// Ways to clear a frame away that no standard knows.
fn disposals() -> Vec<Hostile> {
    let controlled = (4..8).map(|dispose| {
        let control = [0x21, 0xF9, 4, dispose << 2, 0, 0, 0, 0];
        let name = format!("what becomes of a frame is {dispose}");
        let frames = [control.as_slice(), &gif_frame(72, 60)].concat();
        Hostile::told("gif", name, gif_of(72, 60, &frames), CORRUPT)
    });
    controlled.collect()
}

/// The one chunk of a plain WebP.
fn pixels() -> Vec<u8> {
    webp()[12..].to_vec()
}

/// Extended headers that say something else than the pixels.
fn headers() -> Vec<Hostile> {
    let mut files = Vec::new();
    for (width, height) in [(71, 60), (72, 61), (1, 1), (144, 120), (11_000, 3_000)] {
        let file = webp_of(&[vp8x(0, width, height), pixels()].concat());
        let name = format!("a canvas of {width}x{height} for 72x60");
        files.push(Hostile::told("webp", name, file, &["corrupt", "tiny"]));
    }
    for bit in 0..8 {
        let file = webp_of(&[vp8x(1 << bit, 72, 60), pixels()].concat());
        files.push(Hostile::new("webp", format!("flag {bit}"), file));
    }
    let twice = webp_of(&[vp8x(0, 72, 60), pixels(), pixels()].concat());
    files.push(Hostile::told("webp", "two pictures", twice, CORRUPT));
    let none = webp_of(&[vp8x(0, 72, 60), riff_chunk(*b"JUNK", &FILL)].concat());
    files.push(Hostile::told("webp", "no picture", none, CORRUPT));
    let junk = webp_of(&[riff_chunk(*b"JUNK", &FILL), pixels()].concat());
    files.push(Hostile::told(
        "webp",
        "an unknown chunk first",
        junk,
        &["unsupported"],
    ));
    let crowd = [
        vp8x(0, 72, 60),
        riff_chunk(*b"JUNK", b"").repeat(200_000),
        pixels(),
    ]
    .concat();
    files.push(Hostile::new(
        "webp",
        "two hundred thousand chunks",
        webp_of(&crowd),
    ));
    let turned = [vp8x(8, 72, 60), pixels(), riff_chunk(*b"EXIF", &exif(6))].concat();
    files.push(Hostile::told(
        "webp",
        "an orientation",
        webp_of(&turned),
        &["unsupported"],
    ));
    for (name, profile) in [
        ("a profile of nothing", &b""[..]),
        ("a profile of noise", &FILL),
    ] {
        let file = [vp8x(0x20, 72, 60), riff_chunk(*b"ICCP", profile), pixels()].concat();
        files.push(Hostile::new("webp", name, webp_of(&file)));
        let file = [vp8x(0, 72, 60), riff_chunk(*b"ICCP", profile), pixels()].concat();
        let why: &[&str] = &["wide-gamut-unconverted"];
        files.push(Hostile::told(
            "webp",
            format!("{name}, denied"),
            webp_of(&file),
            why,
        ));
    }
    let large = vec![0; 5 << 20];
    let file = [vp8x(0x20, 72, 60), riff_chunk(*b"ICCP", &large), pixels()].concat();
    let why: &[&str] = &["wide-gamut-unconverted"];
    files.push(Hostile::told(
        "webp",
        "a profile of megabytes",
        webp_of(&file),
        why,
    ));
    files
}

/// Chunks of alpha that are no alpha, or where none belongs.
fn masks() -> Vec<Hostile> {
    let mut vp8 = vec![0x10, 0, 0, 0x9D, 0x01, 0x2A, 72, 0, 60, 0];
    vp8.extend(FILL);
    let vp8 = riff_chunk(*b"VP8 ", &vp8);
    let mut files = Vec::new();
    for (name, mask) in [
        ("nothing", Vec::new()),
        ("noise", FILL.to_vec()),
        ("noise that is packed", [&[1], FILL.as_slice()].concat()),
        ("too little", vec![0; 100]),
        ("an unknown kind", vec![3; 4321]),
    ] {
        let mask = riff_chunk(*b"ALPH", &mask);
        for (flags, said) in [(0x10, ""), (0, ", denied")] {
            let file = webp_of(&[vp8x(flags, 72, 60), mask.clone(), vp8.clone()].concat());
            files.push(Hostile::new(
                "webp",
                format!("a mask of {name}{said}"),
                file,
            ));
        }
        let late = webp_of(&[vp8x(0x10, 72, 60), vp8.clone(), mask.clone()].concat());
        files.push(Hostile::told(
            "webp",
            format!("a mask of {name}, too late"),
            late,
            CORRUPT,
        ));
        let other = webp_of(&[vp8x(0x10, 72, 60), mask, pixels()].concat());
        files.push(Hostile::new(
            "webp",
            format!("a mask of {name} for lossless pixels"),
            other,
        ));
    }
    let unmasked = webp_of(&[vp8x(0x10, 72, 60), vp8].concat());
    files.push(Hostile::told(
        "webp",
        "a mask that is not there",
        unmasked,
        CORRUPT,
    ));
    files
}

/// Every length of an extended file, said wrong.
fn lengths() -> Vec<Hostile> {
    let whole = webp_of(&[vp8x(0x20, 72, 60), riff_chunk(*b"ICCP", &FILL), pixels()].concat());
    let mut files = Vec::new();
    for at in [4, 16, 34, 34 + 8 + FILL.len()] {
        for lie in [
            0,
            1,
            9,
            11,
            4095,
            4097,
            0x7FFF_FFFE,
            0x8000_0000,
            u32::MAX - 7,
            u32::MAX,
        ] {
            let mut file = whole.clone();
            file[at..at + 4].copy_from_slice(&lie.to_le_bytes());
            files.push(Hostile::new(
                "webp",
                format!("extended, length at {at} of {lie}"),
                file,
            ));
        }
    }
    files
}
