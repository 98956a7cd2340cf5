//! Prints one line per generated picture, engine and setting: name, result size, SHA-256 and recipe.
//!
//! Built for `wasm32-wasip1` or `wasm32-wasip2` and run in any WASI runtime, it must print `tests/digests.txt`.
#![allow(clippy::print_stdout, reason = "a command-line tool")]

#[path = "../tests/common/mod.rs"]
mod common;

pub(crate) use common::has_c_engines;
use image::DynamicImage;
use moxcms::ColorProfile;
use sha2::{Digest, Sha256};
use vitrine_optimizer::{Effort, Encoded, Job, Skip, Target, encode, encode_by, pure_rust, strip};

fn main() {
    for line in lines() {
        println!("{line}");
    }
}

/// The lines, in a fixed order.
pub(crate) fn lines() -> Vec<String> {
    let photo = DynamicImage::from(common::photo(150, 110));
    let alpha = DynamicImage::from(image::RgbaImage::from_fn(120, 90, |x, y| {
        image::Rgba([
            (x * 2) as u8,
            (y * 2) as u8,
            (x + y) as u8,
            if x < 60 { (x * 4) as u8 } else { 255 },
        ])
    }));
    let jpeg = common::jpeg(&photo, 92);
    let p3 = ColorProfile::new_display_p3().encode().unwrap_or_default();
    let sources = [
        ("photo.jpg", jpeg.clone()),
        (
            "gray.jpg",
            common::jpeg(&DynamicImage::ImageLuma8(photo.to_luma8()), 92),
        ),
        ("turned.jpg", common::with_exif(&jpeg, 6)),
        ("display-p3.jpg", common::with_profile(&jpeg, &p3)),
        ("photo.png", common::png(&photo)),
        ("alpha.png", common::png(&alpha)),
        (
            "text.png",
            common::png(&common::screenshot(300, 200).into()),
        ),
        ("banner.png", common::png(&common::banner(320, 150).into())),
        (
            "page.png",
            common::png(&common::screenshot(700, 500).into()),
        ),
        ("code.jpg", common::jpeg(&common::code().into(), 92)),
        ("cutout.png", common::png(&common::cutout(150, 110).into())),
        (
            "deep.png",
            common::png(&DynamicImage::ImageRgb16(photo.to_rgb16())),
        ),
        ("photo.webp", common::webp(&photo)),
        (
            "cutout.webp",
            common::webp(&common::cutout(150, 110).into()),
        ),
        ("still.gif", common::gif(&[photo.to_rgb8()])),
        ("filmed.gif", common::gif(&common::film())),
        ("drawn.gif", common::gif(&common::slides())),
    ];
    sources
        .iter()
        .flat_map(|(name, source)| lines_of(name, source))
        .collect()
}

/// The lines of one picture: every engine, at every quality class, for both efforts, and narrower.
pub(crate) fn lines_of(name: &str, source: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut add = |what: &str, result: Result<Encoded, Skip>| {
        lines.push(match result {
            Ok(encoded) => {
                let digest = hexadecimal(&Sha256::digest(&encoded.bytes));
                let (size, recipe) = (encoded.bytes.len(), encoded.recipe);
                format!("{name} {what} {size} {digest} {recipe}")
            }
            Err(reason) => format!("{name} {what} skip {reason}"),
        });
    };
    if has_c_engines() {
        for quality in [55, 75, 88] {
            let job = common::job(Target::Avif, quality);
            let first = Job {
                effort: Effort::First,
                ..job
            };
            add(&format!("libaom-first-{quality}"), encode(source, &first));
            add(&format!("libaom-refined-{quality}"), encode(source, &job));
            add(
                &format!("libwebp-{quality}"),
                common::to_webp(source, quality),
            );
        }
    }
    let job = common::job(Target::Avif, 75);
    let narrow = Job {
        width: Some(97),
        ..job
    };
    let rust = |job: &Job| encode_by(source, job, |_| pure_rust());
    add("rust", rust(&job));
    add("rust-narrow", rust(&narrow));
    add("same", common::to_same(source, 75));
    add("same-refined", common::to_same_refined(source, 75));
    add("strip", strip(source).ok_or(Skip::NothingToDo));
    lines
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
