//! The component in its host gives the bytes that the library gives natively: for every engine and setting, on
//! generated pictures and on the photographs in the folder `VITRINE_PHOTOS`. And no hostile file makes it trap.
//!
//! `cargo xtask test` builds what this needs, and names it: `VITRINE_BIN`, and the component in `OPTIMIZER_WASM`. Prints
//! what wasm takes beside native, queue and transport included.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test of a whole host starts it, and measures time"
)]

#[path = "hosted/host.rs"]
mod host;
#[path = "hosted/hostile.rs"]
mod hostile;
#[path = "../examples/hostile_set/main.rs"]
mod hostile_set;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bytes::Bytes;
use host::Host;
use hostile_set::common;
use http::Request;
use image::DynamicImage;
use vitrine_optimizer::respond;

/// Photographs that are looked at without `VITRINE_PHOTOS_ALL`.
const PHOTOGRAPHS: usize = 12;

/// What is asked for: target, quality, effort, and width (0: the source's own).
type Asked = (&'static str, u8, &'static str, u32);

#[test]
fn wasm_gives_the_bytes_that_native_code_gives() {
    let host = Host::shared();
    let mut seen = 0;
    let mut times: BTreeMap<Asked, (Duration, Duration)> = BTreeMap::new();
    for (name, source, asked) in work() {
        for asked in asked {
            let request = request(source.clone(), asked);
            let begun = Instant::now();
            let native = respond(&request);
            let natively = begun.elapsed();
            let begun = Instant::now();
            let (status, headers, body) = host.ask(&request);
            let time = times.entry(asked).or_default();
            *time = (time.0 + natively, time.1 + begun.elapsed());
            assert_eq!(status, native.status().as_u16(), "{name} {asked:?}");
            for header in ["content-type", "x-vitrine-recipe", "x-vitrine-skip"] {
                assert_eq!(
                    headers.get(header),
                    native.headers().get(header),
                    "{name} {asked:?}"
                );
            }
            assert!(
                native.body() == body.as_slice(),
                "{name} {asked:?}: other bytes"
            );
            seen += usize::from(!body.is_empty());
        }
    }
    println!("{seen} files, byte for byte");
    for (asked, (native, wasm)) in times {
        let ratio = wasm.as_secs_f64() / native.as_secs_f64();
        println!("{asked:?}: native {native:.2?}, wasm {wasm:.2?}, {ratio:.2} times");
    }
    assert!(seen > 40, "only {seen} pictures came out smaller");
}

fn request(source: Bytes, (target, quality, effort, width): Asked) -> Request<Bytes> {
    let mut request = Request::post("/encode")
        .header("x-vitrine-to", target)
        .header("x-vitrine-quality", u16::from(quality))
        .header("x-vitrine-effort", effort);
    if width > 0 {
        request = request.header("x-vitrine-width", width);
    }
    request.body(source).unwrap()
}

fn work() -> Vec<(String, Bytes, Vec<Asked>)> {
    let photo = DynamicImage::from(common::photo(150, 110));
    let cut_out = image::RgbaImage::from_fn(121, 91, |x, y| {
        let alpha = if x < 60 { (x * 4) as u8 } else { 255 };
        image::Rgba([(x * 2) as u8, (y * 2) as u8, (x * y / 30) as u8, alpha])
    });
    let drawing = image::RgbImage::from_fn(200, 150, |x, y| {
        image::Rgb(if (x / 7 + y / 5) % 3 == 0 {
            [200, 30, 40]
        } else {
            [250, 250, (x / 50 * 60) as u8]
        })
    });
    let mut every = vec![("same", 75, "first", 0), ("same", 75, "first", 97)];
    for quality in [55, 75, 88] {
        for width in [0, 97] {
            every.push(("avif", quality, "first", width));
            every.push(("avif", quality, "refined", width));
            every.push(("webp", quality, "first", width));
            every.push(("webp", quality, "refined", width));
        }
    }
    let mut work: Vec<_> = [
        ("photo.jpg", common::jpeg(&photo, 92)),
        ("gray.jpg", common::jpeg(&photo.to_luma8().into(), 92)),
        (
            "turned.jpg",
            common::with_exif(&common::jpeg(&photo, 92), 6),
        ),
        ("photo.png", common::png(&photo)),
        ("cut-out.png", common::png(&cut_out.into())),
        ("drawing.png", common::png(&drawing.into())),
        ("photo.webp", common::webp(&photo)),
        ("still.gif", common::gif(&[photo.to_rgb8()])),
        ("filmed.gif", common::gif(&common::film())),
        ("drawn.gif", common::gif(&common::slides())),
    ]
    .into_iter()
    .map(|(name, source)| (name.to_owned(), source.into(), every.clone()))
    .collect();
    let photographs = photographs();
    let least = if std::env::var_os("VITRINE_PHOTOS_ALL").is_some() {
        usize::MAX
    } else {
        PHOTOGRAPHS
    };
    for path in photographs.into_iter().take(least) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let asked = vec![
            ("avif", 75, "first", 640),
            ("avif", 75, "refined", 640),
            ("avif", 88, "first", 640),
            ("webp", 75, "first", 640),
            ("same", 75, "first", 640),
        ];
        work.push((name, std::fs::read(path).unwrap().into(), asked));
    }
    work
}

fn photographs() -> Vec<PathBuf> {
    let Some(folder) = std::env::var_os("VITRINE_PHOTOS") else {
        return Vec::new();
    };
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|end| end == "jpg"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "VITRINE_PHOTOS has none");
    paths
}
