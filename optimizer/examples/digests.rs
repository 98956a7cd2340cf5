//! Prints one line per generated picture and target: name, result size, SHA-256 and recipe.
//!
//! Built for `wasm32-wasip1` or `wasm32-wasip2` and run in any WASI runtime, it must print `tests/digests.txt`.
#![allow(clippy::print_stdout, reason = "a command-line tool")]

#[path = "../tests/common/mod.rs"]
mod common;

use image::DynamicImage;
use moxcms::ColorProfile;
use sha2::{Digest, Sha256};

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
            "deep.png",
            common::png(&DynamicImage::ImageRgb16(photo.to_rgb16())),
        ),
    ];
    let mut lines = Vec::new();
    for (name, source) in &sources {
        for (target, result) in [
            ("avif", common::to_avif(source, 75)),
            ("same", common::to_same(source, 75)),
        ] {
            lines.push(match result {
                Ok(encoded) => {
                    let digest = hexadecimal(&Sha256::digest(&encoded.bytes));
                    format!(
                        "{name} {target} {} {digest} {}",
                        encoded.bytes.len(),
                        encoded.recipe
                    )
                }
                Err(reason) => format!("{name} {target} skip {reason}"),
            });
        }
    }
    lines
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
