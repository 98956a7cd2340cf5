//! Which format a picture gets, by what it shows. Hazards H69 to H71.
#![allow(clippy::unwrap_used, reason = "helpers of tests stop the test")]

mod common;

use common::*;
use image::{DynamicImage, RgbImage};
use vitrine_optimizer::{Effort, Job, Kind, Picture, Skip, Target, encode};

fn kind(picture: impl Into<DynamicImage>) -> Kind {
    Kind::of(&Picture::new(picture.into(), true))
}

/// A product on pure white, as catalogues show it.
fn product(width: u32, height: u32) -> RgbImage {
    let cut_out = cutout(width, height);
    RgbImage::from_fn(width, height, |x, y| {
        let [r, g, b, a] = cut_out.get_pixel(x, y).0.map(u32::from);
        image::Rgb([r, g, b].map(|value| ((value * a + 255 * (255 - a)) / 255) as u8))
    })
}

fn first(source: &[u8]) -> Result<vitrine_optimizer::Encoded, Skip> {
    let effort = Effort::First;
    encode(
        source,
        &Job {
            effort,
            ..job(Target::Avif, 75)
        },
    )
}

#[test]
fn photographs_drawings_and_text_are_told_apart() {
    for (width, height) in [(160, 120), (640, 480), (1300, 900)] {
        let size = format!("{width}x{height}");
        assert_eq!(kind(photo(width, height)), Kind::Photo, "{size}");
        assert_eq!(kind(product(width, height)), Kind::Photo, "{size}");
        assert_eq!(kind(cutout(width, height)), Kind::Photo, "{size}");
        assert_eq!(kind(banner(width, height)), Kind::Graphic, "{size}");
    }
    for (width, height) in [(400, 300), (640, 480), (1300, 900)] {
        assert_eq!(kind(screenshot(width, height)), Kind::Text, "{width}");
    }
}

#[test]
fn a_photograph_that_a_jpeg_has_made_coarse_is_still_one() {
    for quality in [20, 50, 92] {
        for picture in [photo(320, 240), product(320, 240)] {
            let seen = image::load_from_memory(&jpeg(&picture.into(), quality)).unwrap();
            assert_eq!(kind(seen), Kind::Photo, "{quality}");
        }
    }
}

#[test]
fn smooth_light_without_noise_is_no_drawing() {
    let lamp = RgbImage::from_fn(320, 240, |x, y| {
        let distance = (f64::from(x) - 160.0).hypot(f64::from(y) - 120.0);
        let light = 255.0 - distance.min(110.0) * 1.6;
        image::Rgb([light, light * 0.9, light * 0.7].map(|value| value as u8))
    });
    assert_eq!(kind(lamp), Kind::Photo);
}

#[test]
fn a_page_of_text_stays_as_it_is_read_for_browsers_with_and_without_avif() {
    let page = screenshot(640, 480);
    let source = png(&page.clone().into());
    for made in [to_avif(&source, 75), to_webp(&source, 75)] {
        let made = made.unwrap();
        let (kind, engine) = if has_c_engines() {
            ("image/webp", "libwebp-1.6.0;lossless;")
        } else {
            ("image/png", "png;")
        };
        assert_eq!(made.content_type, kind);
        assert!(made.recipe.starts_with(engine), "{}", made.recipe);
        assert_eq!(pixels(&made).into_rgb8(), page);
    }
}

#[test]
fn h71_a_drawing_is_never_coded_with_colour_at_half_resolution() {
    let source = png(&banner(640, 300).into());
    for made in [first(&source), to_avif(&source, 75)] {
        let made = made.unwrap();
        assert!(!made.recipe.contains("420"), "{}", made.recipe);
        assert!(made.bytes.len() * 100 <= source.len() * 95);
    }
}

#[test]
fn what_is_drawn_becomes_the_smaller_of_both_where_nobody_waits() {
    if !has_c_engines() {
        return;
    }
    let job = job(Target::Avif, 75);
    for picture in [banner(640, 300), screenshot(640, 480)] {
        let source = png(&picture.into());
        let chosen = encode(&source, &job).unwrap();
        let lossless = to_webp(&source, 75).unwrap();
        assert!(chosen.bytes.len() <= lossless.bytes.len());
        if chosen.content_type == "image/avif" {
            assert!(chosen.recipe.contains(";s7;"), "{}", chosen.recipe);
            assert!(chosen.recipe.ends_with(";cq20;444"), "{}", chosen.recipe);
        } else {
            assert_eq!(chosen, lossless);
        }
    }
}

#[test]
fn h71_a_code_in_a_jpeg_is_measured_or_keeps_every_value() {
    let source = jpeg(&code().into(), 95);
    let made = to_avif(&source, 75);
    if has_c_engines() {
        let made = made.unwrap();
        assert!(made.bytes.len() * 100 <= source.len() * 95);
        if made.content_type == "image/avif" {
            assert_eq!(avif_facts(&made), (210, 210, false));
            assert!(made.recipe.contains(";ssim2-"), "{}", made.recipe);
            assert!(made.recipe.ends_with(";444"), "{}", made.recipe);
        } else {
            let shown = image::load_from_memory(&source).unwrap().into_rgb8();
            let (mean, _) = difference(&shown, &pixels(&made).into_rgb8());
            assert!(mean < 1.0, "{mean}");
        }
    } else {
        assert_eq!(made, Err(Skip::Graphic));
    }
}

#[test]
fn while_a_visitor_waits_a_large_drawing_is_made_by_the_faster_engine() {
    if !has_c_engines() {
        return;
    }
    let at = |width, height| first(&png(&screenshot(width, height).into())).unwrap();
    assert_eq!(at(500, 400).content_type, "image/webp");
    let large = at(1000, 800);
    assert_eq!(large.content_type, "image/avif");
    assert_eq!(large.recipe, "libaom-3.14.1;iq;s9;cq16;444");
}

#[test]
fn a_drawing_that_is_made_smaller_is_judged_by_what_has_become_of_it() {
    let narrow = |picture: RgbImage, width| {
        let picture = Picture::new(picture.into(), true);
        Kind::of(&picture.narrowed(width).unwrap())
    };
    assert!(narrow(code(), 105).is_drawn());
    assert_eq!(narrow(screenshot(1280, 900), 320), Kind::Photo);
}

#[test]
fn h70_a_cut_out_keeps_its_mask_in_every_format() {
    let cut_out = DynamicImage::from(cutout(320, 240));
    let source = png(&cut_out);
    assert_eq!(avif_facts(&to_avif(&source, 75).unwrap()), (320, 240, true));
    let mask = |image: &DynamicImage| {
        let image = image.to_rgba8();
        image.pixels().map(|pixel| pixel.0[3]).collect::<Vec<u8>>()
    };
    assert_eq!(
        mask(&pixels(&to_webp(&source, 75).unwrap())),
        mask(&cut_out)
    );
    let logo = DynamicImage::from(image::RgbaImage::from_fn(200, 160, |x, y| {
        let inside = (x / 20 + y / 16) % 3 != 0;
        image::Rgba([200, 30, 40, if inside { 255 } else { 0 }])
    }));
    let source = with_chunk(&png(&logo), *b"tEXt", &[b'x'; 3000]);
    let kept = to_avif(&source, 75).unwrap();
    if kept.content_type == "image/avif" {
        assert_eq!(avif_facts(&kept), (200, 160, true));
    } else {
        assert_eq!(mask(&pixels(&kept)), mask(&logo));
    }
}
