//! Every picture of the shop: rendered once, in parallel, and kept on disk.

use std::collections::HashMap;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::Context;
use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};

use super::catalog::{CATEGORIES, Form, PRODUCTS};
use super::scene::{self, Scene};

/// Changes whenever the renderer's output does, so that an older cache is not served.
const EDITION: &str = "1";

/// What a camera or a merchant's plug-in typically writes: good, and far larger than it need be.
const JPEG_QUALITY: u8 = 90;

/// The pictures by file name, as the shop serves them under `/media/`.
pub(crate) type Gallery = HashMap<String, Bytes>;

struct Picture {
    name: String,
    scene: Scene,
}

/// Reads the gallery from `cache`, rendering what is not there.
pub(crate) fn open(cache: &Path, seed: u64) -> anyhow::Result<Gallery> {
    let shelf = cache.join(format!("shop-images-{EDITION}-{seed}"));
    std::fs::create_dir_all(&shelf)
        .with_context(|| format!("cannot create {}", shelf.display()))?;
    let pictures = pictures(seed);
    let missing: Vec<&Picture> = pictures
        .iter()
        .filter(|picture| !shelf.join(&picture.name).exists())
        .collect();
    if !missing.is_empty() {
        render_all(&missing, &shelf)?;
    }
    pictures
        .iter()
        .map(|picture| {
            let file = shelf.join(&picture.name);
            let bytes =
                std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            Ok((picture.name.clone(), Bytes::from(bytes)))
        })
        .collect()
}

/// Photographs of every product from two sides, banners, and art in PNG as merchants upload it.
fn pictures(seed: u64) -> Vec<Picture> {
    let mut all = Vec::new();
    for (i, product) in PRODUCTS.iter().enumerate() {
        for (suffix, turn) in [("", -0.4), ("-side", 0.7)] {
            all.push(Picture {
                name: format!("{}{suffix}.jpg", product.slug),
                scene: Scene {
                    seed: seed + i as u64,
                    width: 1600,
                    height: 1200,
                    form: product.form,
                    colour: product.colour,
                    companions: false,
                    turn,
                },
            });
        }
    }
    for (i, category) in CATEGORIES.iter().enumerate() {
        let product = &PRODUCTS[i * 6];
        all.push(banner(
            format!("banner-{}.jpg", category.slug),
            seed + 100 + i as u64,
            product.form,
            product.colour,
            (2000, 800),
        ));
    }
    all.push(banner(
        "hero.jpg".into(),
        seed + 200,
        Form::Vase,
        [62, 108, 122],
        (2200, 1000),
    ));
    all.push(banner(
        "journal-kiln.png".into(),
        seed + 301,
        Form::Bowl,
        [196, 160, 104],
        (720, 480),
    ));
    all.push(banner(
        "journal-linen.png".into(),
        seed + 302,
        Form::Cushion,
        [140, 152, 120],
        (720, 480),
    ));
    all.push(banner(
        "journal-light.png".into(),
        seed + 303,
        Form::Lamp,
        [206, 186, 142],
        (720, 480),
    ));
    all
}

fn banner(name: String, seed: u64, form: Form, colour: [u8; 3], size: (u32, u32)) -> Picture {
    let scene = Scene {
        seed,
        width: size.0,
        height: size.1,
        form,
        colour,
        companions: form != Form::Cushion,
        turn: 0.2,
    };
    Picture { name, scene }
}

fn render_all(missing: &[&Picture], shelf: &Path) -> anyhow::Result<()> {
    let started = Instant::now();
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let next = AtomicUsize::new(0);
    let done = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(picture) = missing.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(error) = draw(picture, shelf) {
                        failure
                            .lock()
                            .unwrap_or_else(std::sync::PoisonError::into_inner)
                            .get_or_insert(error);
                        return;
                    }
                    eprint!(
                        "\rrendering the shop's pictures: {}/{} ",
                        done.fetch_add(1, Ordering::Relaxed) + 1,
                        missing.len()
                    );
                }
            });
        }
    });
    eprintln!("in {:.1} s", started.elapsed().as_secs_f32());
    match failure.into_inner() {
        Ok(Some(error)) => Err(error),
        _ => Ok(()),
    }
}

/// Draws to a temporary name first: a picture is either whole or absent, also after Ctrl-C.
fn draw(picture: &Picture, shelf: &Path) -> anyhow::Result<()> {
    let pixels = scene::render(&picture.scene);
    let (width, height) = pixels.dimensions();
    let mut encoded = Cursor::new(Vec::new());
    if has_extension(&picture.name, "png") {
        pixels.write_to(&mut encoded, image::ImageFormat::Png)?;
    } else {
        JpegEncoder::new_with_quality(&mut encoded, JPEG_QUALITY).write_image(
            &pixels,
            width,
            height,
            ExtendedColorType::Rgb8,
        )?;
    }
    let partial: PathBuf = shelf.join(format!("{}.{}.partial", picture.name, std::process::id()));
    std::fs::write(&partial, encoded.into_inner())?;
    std::fs::rename(&partial, shelf.join(&picture.name))?;
    Ok(())
}

pub(crate) fn has_extension(name: &str, extension: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|found| found == extension)
}
