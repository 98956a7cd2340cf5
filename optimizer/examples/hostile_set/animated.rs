//! More pictures than one.

use super::Hostile;
use super::common::photo;
use super::raw::{gif_frame, gif_of, riff_chunk, vp8x, webp, webp_of};

/// No GIF is made of a GIF.
const MORE: &[&str] = &["animated", "too-many-frames", "tiny", "unsupported"];

pub fn files() -> Vec<Hostile> {
    let mut files = Vec::new();
    for count in [2, 100, 101, 5_000] {
        let frames = gif_frame(16, 16).repeat(count);
        files.push(Hostile::told(
            "gif",
            format!("{count} frames"),
            gif_of(64, 64, &frames),
            MORE,
        ));
        let file = webp_of(&[vp8x(2, 64, 64), anim(), webp_frame(16).repeat(count)].concat());
        files.push(Hostile::told("webp", format!("{count} frames"), file, MORE));
    }
    let large = gif_of(4_000, 4_000, &gif_frame(16, 16).repeat(90));
    files.push(Hostile::told(
        "gif",
        "90 frames on 16 megapixels",
        large,
        MORE,
    ));
    let large = webp_of(&[vp8x(2, 4_000, 4_000), anim(), webp_frame(16).repeat(90)].concat());
    files.push(Hostile::told(
        "webp",
        "90 frames on 16 megapixels",
        large,
        MORE,
    ));
    let outside = webp_of(&[vp8x(2, 8, 8), anim(), webp_frame(16).repeat(30)].concat());
    files.push(Hostile::told(
        "webp",
        "frames larger than the canvas",
        outside,
        MORE,
    ));
    let unsaid = webp_of(&[vp8x(0, 64, 64), webp_frame(16).repeat(30)].concat());
    files.push(Hostile::new(
        "webp",
        "frames that the header denies",
        unsaid,
    ));
    let empty = webp_of(&[vp8x(2, 64, 64), anim(), vec![0; 4096]].concat());
    files.push(Hostile::new("webp", "an animation of no frames", empty));
    files.push(Hostile::new(
        "gif",
        "no frames",
        gif_of(64, 64, &b"\x21\xFE\x04text\0".repeat(500)),
    ));
    files.extend(
        [2, 101].map(|count| {
            Hostile::told("png", format!("{count} frames"), apng(count), &["animated"])
        }),
    );
    files
}

fn anim() -> Vec<u8> {
    riff_chunk(*b"ANIM", &[0; 6])
}

/// One frame of a WebP, square.
fn webp_frame(side: u32) -> Vec<u8> {
    let mut head = vec![0; 6];
    head.extend(&(side - 1).to_le_bytes()[..3]);
    head.extend(&(side - 1).to_le_bytes()[..3]);
    head.extend([40, 0, 0, 0]);
    // The one chunk of a plain file is that of a frame.
    head.extend(&webp()[12..300]);
    riff_chunk(*b"ANMF", &head)
}

fn apng(count: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 40, 30);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_animated(count, 0).unwrap();
    let mut writer = encoder.write_header().unwrap();
    for _ in 0..count {
        writer.write_image_data(photo(40, 30).as_raw()).unwrap();
    }
    writer.finish().unwrap();
    file
}
