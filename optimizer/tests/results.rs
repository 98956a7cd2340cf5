//! What comes out: smaller, whole, and the same picture. Hazards H69 and H70.
#![allow(clippy::unwrap_used, reason = "helpers of tests stop the test")]

mod common;

use common::*;
use image::{DynamicImage, GrayAlphaImage, RgbaImage};
use moxcms::{ColorProfile, Layout, TransformOptions};
use vitrine_optimizer::{Crop, Effort, Encoded, Job, Skip, Target, encode};

#[test]
fn a_jpeg_photograph_becomes_a_smaller_avif_of_the_same_size() {
    let source = photo_jpeg(240, 180);
    let avif = to_avif(&source, 75).unwrap();
    assert_eq!(avif_facts(&avif), (240, 180, false));
    assert!(avif.bytes.len() * 100 <= source.len() * 95);
    let engine = if has_c_engines() {
        "libaom-3.14.1;iq;s6;ssim2-70;cq"
    } else {
        "rav1e-0.8.1;s8;q125;420"
    };
    assert!(avif.recipe.starts_with(engine), "{}", avif.recipe);
}

#[test]
fn only_an_engine_in_c_makes_an_avif_while_a_visitor_waits() {
    let job = Job {
        effort: Effort::First,
        ..job(Target::Avif, 75)
    };
    let first = encode(&photo_jpeg(240, 180), &job);
    if has_c_engines() {
        let first = first.unwrap();
        assert_eq!(avif_facts(&first), (240, 180, false));
        assert_eq!(first.recipe, "libaom-3.14.1;iq;s9;cq30;420");
    } else {
        assert_eq!(first, Err(Skip::TooSlow));
    }
}

#[test]
fn a_photograph_becomes_a_smaller_webp_that_looks_the_same() {
    let picture = photo(240, 180);
    let source = jpeg(&picture.clone().into(), 95);
    let webp = at_once(&source, Target::WebP, 75).unwrap();
    let made = (webp.content_type, webp.recipe.as_str());
    if has_c_engines() {
        assert_eq!(made, ("image/webp", "libwebp-1.6.0;q75;m4"));
    } else {
        assert_eq!(made, ("image/jpeg", "mozjpeg;q=75;420"));
    }
    assert!(webp.bytes.len() * 100 <= source.len() * 95);
    let (mean, _) = difference(&picture, &pixels(&webp).into_rgb8());
    assert!(mean < 3.0, "mean difference {mean}");
}

#[test]
fn a_drawing_becomes_a_webp_without_losing_a_single_value() {
    let drawing = DynamicImage::from(image::RgbImage::from_fn(200, 150, |x, y| {
        image::Rgb(if (x / 7 + y / 5) % 3 == 0 {
            [200, 30, 40]
        } else {
            [250, 250, (x / 50 * 60) as u8]
        })
    }));
    let webp = to_webp(&png(&drawing), 75);
    let webp = webp.unwrap();
    assert_eq!(
        webp.recipe.contains(";lossless;"),
        has_c_engines(),
        "{}",
        webp.recipe
    );
    assert_eq!(pixels(&webp).into_rgb8(), drawing.into_rgb8());
}

#[test]
fn h70_alpha_is_kept_for_browsers_without_avif() {
    let cut_out = RgbaImage::from_fn(160, 120, |x, y| {
        let [r, g, b] = [(x * 3) as u8, (y * 2 + x) as u8, (x * y / 40) as u8];
        image::Rgba([r, g, b, if x < 80 { (y * 2) as u8 } else { 255 }])
    });
    let webp = at_once(&png(&cut_out.clone().into()), Target::WebP, 90).unwrap();
    let shown = pixels(&webp).into_rgba8();
    let alpha = |image: &RgbaImage| image.pixels().map(|pixel| pixel.0[3]).collect::<Vec<u8>>();
    assert_eq!(alpha(&shown), alpha(&cut_out));
}

#[test]
fn a_png_photograph_becomes_a_smaller_avif() {
    let source = png(&photo(200, 150).into());
    let avif = to_avif(&source, 75).unwrap();
    assert_eq!(avif_facts(&avif), (200, 150, false));
    assert!(avif.bytes.len() * 4 < source.len());
}

#[test]
fn a_jpeg_is_compressed_again_and_still_looks_the_same() {
    let picture = photo(240, 180);
    let source = jpeg(&picture.clone().into(), 95);
    let smaller = to_same(&source, 80).unwrap();
    assert_eq!(smaller.content_type, "image/jpeg");
    assert!(smaller.bytes.len() * 100 <= source.len() * 95);
    let (mean, _) = difference(&picture, &pixels(&smaller).into_rgb8());
    assert!(mean < 3.0, "mean difference {mean}");
}

#[test]
fn a_png_is_compressed_again_without_losing_a_single_value() {
    let picture = DynamicImage::from(photo(160, 120));
    let smaller = to_same(&png(&picture), 75).unwrap();
    assert_eq!(smaller.content_type, "image/png");
    assert_eq!(pixels(&smaller), picture);
}

#[test]
fn a_picture_is_made_narrower_in_its_proportions_and_never_wider() {
    let source = photo_jpeg(400, 300);
    let at = |target, width| {
        let job = Job {
            width: Some(width),
            ..job(target, 75)
        };
        encode(&source, &job)
    };
    let avif = at(Target::Avif, 160).unwrap();
    assert_eq!(avif_facts(&avif), (160, 120, false));
    let small = pixels(&at(Target::Same, 160).unwrap()).into_rgb8();
    assert_eq!(small.dimensions(), (160, 120));
    let full = image::imageops::thumbnail(&photo(400, 300), 160, 120);
    let (mean, _) = difference(&full, &small);
    assert!(mean < 4.0, "mean difference {mean}");
    assert_eq!(
        avif_facts(&at(Target::Avif, 900).unwrap()),
        (400, 300, false)
    );
}

/// Width and height of a result, whatever its format.
fn size(encoded: &Encoded) -> (u32, u32) {
    if encoded.content_type == "image/avif" {
        let (width, height, _) = avif_facts(encoded);
        return (width, height);
    }
    let picture = pixels(encoded);
    (picture.width(), picture.height())
}

#[test]
fn no_format_and_no_step_makes_a_picture_or_a_part_of_it_wider_than_it_is() {
    let drawn = uncompressed(&quarters(150, 100));
    let mut made = 0;
    for (source, own) in [(photo_jpeg(150, 100), (150, 100)), (drawn, (150, 100))] {
        for target in [Target::Avif, Target::WebP, Target::Same] {
            for effort in [Effort::First, Effort::Refined] {
                for width in [150, 151, 320, 1920] {
                    for (crop, own) in [(None, own), (Crop::from_name("1x1@50-50"), (100, 100))] {
                        let job = Job {
                            effort,
                            width: Some(width),
                            crop,
                            ..job(target, 75)
                        };
                        if let Ok(encoded) = encode(&source, &job) {
                            assert_eq!(
                                size(&encoded),
                                own,
                                "{target:?} {effort:?} {width} {crop:?}"
                            );
                            made += 1;
                        }
                    }
                }
            }
        }
    }
    let least = if has_c_engines() { 88 } else { 40 };
    assert!(made >= least, "only {made} were made");
}

#[test]
fn a_picture_on_its_side_keeps_its_proportions_when_it_is_made_narrower() {
    let source = with_exif(&photo_jpeg(400, 300), 6);
    let job = Job {
        width: Some(150),
        ..job(Target::Avif, 75)
    };
    assert_eq!(
        avif_facts(&encode(&source, &job).unwrap()),
        (150, 200, false)
    );
}

/// Four quarters of one colour each: which is where says what was kept.
fn quarters(width: u32, height: u32) -> image::RgbImage {
    image::RgbImage::from_fn(width, height, |x, y| {
        image::Rgb(match (x < width / 2, y < height / 2) {
            (true, true) => [255, 0, 0],
            (false, true) => [0, 255, 0],
            (true, false) => [0, 0, 255],
            (false, false) => [255, 255, 255],
        })
    })
}

fn cropped(source: &[u8], crop: &str, width: Option<u32>) -> DynamicImage {
    let job = Job {
        width,
        crop: Some(Crop::from_name(crop).unwrap()),
        ..job(Target::Same, 90)
    };
    pixels(&encode(source, &job).unwrap())
}

/// A PNG of its own values, so that every pixel can be told.
fn uncompressed(picture: &image::RgbImage) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, picture.width(), picture.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::NoCompression);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(picture.as_raw()).unwrap();
    writer.finish().unwrap();
    file
}

#[test]
fn a_crop_keeps_the_part_around_its_point_pixel_by_pixel() {
    let picture = quarters(300, 200);
    let source = uncompressed(&picture);
    for (crop, x, y, width, height) in [
        ("1x1@50-50", 50, 0, 200, 200),
        ("1x1@10-50", 0, 0, 200, 200),
        ("1x1@90-50", 100, 0, 200, 200),
        ("2x1@50-10", 0, 0, 300, 150),
        ("2x1@50-90", 0, 50, 300, 150),
        ("3x2@10-90", 0, 0, 300, 200),
    ] {
        let expected = image::imageops::crop_imm(&picture, x, y, width, height).to_image();
        assert_eq!(cropped(&source, crop, None).into_rgb8(), expected, "{crop}");
    }
}

#[test]
fn a_crop_is_made_narrower_after_it_is_cut_and_never_wider() {
    let picture = photo(300, 200);
    let source = jpeg(&picture.clone().into(), 100);
    let part = image::imageops::crop_imm(&picture, 100, 0, 200, 200).to_image();
    let narrow = cropped(&source, "1x1@90-50", Some(100)).into_rgb8();
    let (mean, _) = difference(&image::imageops::thumbnail(&part, 100, 100), &narrow);
    assert!(mean < 4.0, "mean difference {mean}");
    for beyond in [200, 201, 299, 1920] {
        let own = cropped(&source, "1x1@90-50", Some(beyond)).into_rgb8();
        assert_eq!(own.dimensions(), (200, 200), "{beyond}");
        let (mean, _) = difference(&part, &own);
        assert!(mean < 4.0, "mean difference {mean}");
    }
}

/// The point is that of the picture as it is seen, not as it lies in the file.
#[test]
fn h70_a_picture_on_its_side_is_cut_upright() {
    let lying = jpeg(&photo(320, 240).into(), 100);
    let upright = DynamicImage::from(photo(320, 240)).rotate90().into_rgb8();
    let seen = cropped(&with_exif(&lying, 6), "1x1@50-10", None).into_rgb8();
    assert_eq!(seen.dimensions(), (240, 240));
    let expected = image::imageops::crop_imm(&upright, 0, 0, 240, 240).to_image();
    let (mean, _) = difference(&expected, &seen);
    assert!(mean < 4.0, "mean difference {mean}");
}

#[test]
fn the_same_crop_gives_the_same_bytes_for_every_target() {
    let source = photo_jpeg(240, 180);
    for target in [Target::Avif, Target::WebP, Target::Same] {
        let job = |focus: &str| Job {
            effort: Effort::First,
            width: Some(120),
            crop: Crop::from_name(&format!("1x1@{focus}")),
            ..job(target, 75)
        };
        let first = encode(&source, &job("10-50"));
        assert_eq!(first, encode(&source, &job("10-50")), "{target:?}");
        assert_ne!(first, encode(&source, &job("90-50")), "{target:?}");
    }
}

#[test]
fn every_small_or_odd_size_is_encoded_or_left_alone() {
    for (width, height) in [
        (2, 900),
        (900, 2),
        (3, 700),
        (17, 131),
        (65, 67),
        (127, 1),
        (16, 16),
        (8, 300),
    ] {
        let source = png(&photo(width, height).into());
        match to_avif(&source, 75) {
            Ok(avif) => assert_eq!(avif_facts(&avif), (width, height, false)),
            Err(reason) => assert!(
                matches!(reason, Skip::Tiny | Skip::NotSmaller),
                "{width}x{height}: {reason}"
            ),
        }
    }
}

#[test]
fn h69_a_result_that_is_not_smaller_gives_the_original() {
    let optimal = to_same(&png(&photo(160, 120).into()), 75).unwrap().bytes;
    assert_eq!(to_same(&optimal, 75), Err(Skip::NotSmaller));
}

#[test]
fn h69_a_jpeg_that_is_already_as_small_as_asked_is_not_compressed_twice() {
    let coarse = jpeg(&photo(240, 180).into(), 60);
    assert_eq!(to_same(&coarse, 75), Err(Skip::AlreadyCompressed));
    let ours = to_same(&photo_jpeg(240, 180), 75).unwrap().bytes;
    let again = to_same(&ours, 75).unwrap_err();
    assert!(
        matches!(again, Skip::AlreadyCompressed | Skip::NotSmaller),
        "{again}"
    );
}

#[test]
fn h70_every_exif_orientation_is_applied_and_the_metadata_is_gone() {
    let upright = compass();
    for orientation in 1..=8 {
        let mut stored = DynamicImage::from(upright.clone());
        // Stored the other way round: what undoes the orientation was done to the pixels.
        let undo = match orientation {
            6 => 8,
            8 => 6,
            same => same,
        };
        stored.apply_orientation(image::metadata::Orientation::from_exif(undo).unwrap());
        let source = with_exif(&jpeg(&stored, 95), orientation);

        let shown = to_same(&source, 85).unwrap();
        let (mean, _) = difference(&upright, &pixels(&shown).into_rgb8());
        assert!(
            mean < 4.0,
            "orientation {orientation}: mean difference {mean}"
        );
        let avif = to_avif(&source, 75).unwrap();
        assert_eq!(
            avif_facts(&avif),
            (192, 128, false),
            "orientation {orientation}"
        );
        for file in [&shown.bytes, &avif.bytes] {
            assert!(!has(file, b"Exif") && !has(file, b"GPS-SECRET-PLACE"));
        }
    }
}

#[test]
fn h70_the_orientation_of_a_png_is_applied_too() {
    let mut stored = DynamicImage::from(compass());
    stored.apply_orientation(image::metadata::Orientation::Rotate270);
    let source = with_chunk(&png(&stored), *b"eXIf", &exif(6));
    let shown = to_same(&source, 75).unwrap();
    assert_eq!(pixels(&shown).into_rgb8(), compass());
    assert!(!has(&shown.bytes, b"GPS-SECRET-PLACE"));
}

#[test]
fn h70_display_p3_is_converted_to_srgb() {
    let (expected, source) = p3_jpeg();
    let unconverted = image::load_from_memory(&source).unwrap().into_rgb8();
    let (wrong, _) = difference(&expected, &unconverted);
    let shown = to_same(&source, 90).unwrap();
    let (right, _) = difference(&expected, &pixels(&shown).into_rgb8());
    assert!(
        right < 2.0 && wrong > 2.0 * right,
        "converted {right}, unconverted {wrong}"
    );
    assert!(!has(&shown.bytes, b"ICC_PROFILE"));
    assert!(to_avif(&source, 75).is_ok());
}

#[test]
fn h70_an_srgb_profile_changes_nothing() {
    let plain = photo_jpeg(160, 120);
    let tagged = with_profile(&plain, &ColorProfile::new_srgb().encode().unwrap());
    assert_eq!(
        to_same(&tagged, 75).unwrap().bytes,
        to_same(&plain, 75).unwrap().bytes
    );
}

#[test]
fn h70_a_gray_profile_is_converted_for_gray_pixels_and_refused_for_others() {
    let gray = DynamicImage::ImageLuma8(DynamicImage::from(photo(160, 120)).into_luma8());
    let linear = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
    let shown = to_same(&with_profile(&jpeg(&gray, 95), &linear), 85).unwrap();
    let middle = |image: &DynamicImage| {
        image
            .to_luma8()
            .as_raw()
            .iter()
            .map(|&value| f64::from(value))
            .sum::<f64>()
    };
    assert!(
        middle(&pixels(&shown)) > 1.2 * middle(&gray),
        "linear light is shown lighter in sRGB"
    );
    assert_eq!(
        to_avif(&with_profile(&photo_jpeg(160, 120), &linear), 75),
        Err(Skip::WideGamutUnconverted)
    );
}

#[test]
fn h70_a_broken_profile_leaves_the_original() {
    let source = with_profile(
        &photo_jpeg(160, 120),
        b"not a profile at all, but long enough to be read as one maybe",
    );
    assert_eq!(to_avif(&source, 75), Err(Skip::WideGamutUnconverted));
    let half = with_segment(
        &photo_jpeg(160, 120),
        0xE2,
        b"ICC_PROFILE\0\x01\x02half of it",
    );
    assert_eq!(to_avif(&half, 75), Err(Skip::WideGamutUnconverted));
}

#[test]
fn h70_a_lossless_result_never_stands_for_converted_colours() {
    let picture = photo(160, 120);
    let mut file = Vec::new();
    let mut info = png::Info::with_size(160, 120);
    info.color_type = png::ColorType::Rgb;
    info.bit_depth = png::BitDepth::Eight;
    info.icc_profile = Some(ColorProfile::new_display_p3().encode().unwrap().into());
    let mut writer = png::Encoder::with_info(&mut file, info)
        .unwrap()
        .write_header()
        .unwrap();
    writer.write_image_data(picture.as_raw()).unwrap();
    writer.finish().unwrap();
    assert_eq!(to_same(&file, 75), Err(Skip::WideGamutUnconverted));
    assert!(to_avif(&file, 75).is_ok());
}

#[test]
fn h70_png_colours_that_are_not_srgb_are_left_alone() {
    let plain = png(&photo(160, 120).into());
    let hdr = with_chunk(&plain, *b"cICP", &[9, 16, 0, 1]);
    let linear = with_chunk(&plain, *b"gAMA", &100_000_u32.to_be_bytes());
    for source in [hdr, linear] {
        assert_eq!(to_avif(&source, 75), Err(Skip::WideGamutUnconverted));
    }
    let usual = with_chunk(&plain, *b"gAMA", &45_455_u32.to_be_bytes());
    assert!(to_avif(&usual, 75).is_ok());
}

#[test]
fn h70_a_gray_photograph_in_three_equal_channels_is_not_taken_for_a_drawing() {
    let gray = DynamicImage::from(photo(160, 120)).into_luma8();
    let three = DynamicImage::from(DynamicImage::ImageLuma8(gray).into_rgb8());
    assert!(to_same(&jpeg(&three, 95), 80).is_ok());
    assert!(to_avif(&png(&three), 75).is_ok());
}

#[test]
fn h70_gray_stays_gray() {
    let gray = DynamicImage::ImageLuma8(DynamicImage::from(photo(160, 120)).into_luma8());
    assert_eq!(
        pixels(&to_same(&jpeg(&gray, 95), 80).unwrap()).color(),
        image::ColorType::L8
    );
    assert_eq!(pixels(&to_same(&png(&gray), 80).unwrap()), gray);
    assert_eq!(
        avif_facts(&to_avif(&png(&gray), 75).unwrap()),
        (160, 120, false)
    );
}

#[test]
fn h70_alpha_is_kept_and_idle_alpha_is_dropped() {
    let [r, g, b] = photo(1, 1).get_pixel(0, 0).0;
    let cut_out = RgbaImage::from_fn(160, 120, |x, y| {
        image::Rgba([
            r.wrapping_add(x as u8),
            g.wrapping_add(y as u8),
            b,
            if x < 80 { (y * 2) as u8 } else { 255 },
        ])
    });
    let cut_out = DynamicImage::from(cut_out);
    assert_eq!(
        avif_facts(&to_avif(&png(&cut_out), 75).unwrap()),
        (160, 120, true)
    );
    assert_eq!(pixels(&to_same(&png(&cut_out), 75).unwrap()), cut_out);

    let opaque = DynamicImage::from(DynamicImage::from(photo(160, 120)).into_rgba8());
    assert_eq!(
        avif_facts(&to_avif(&png(&opaque), 75).unwrap()),
        (160, 120, false)
    );
    assert_eq!(
        pixels(&to_same(&png(&opaque), 75).unwrap()).into_rgba8(),
        opaque.into_rgba8()
    );
}

#[test]
fn h70_gray_with_alpha_keeps_both() {
    let luma = DynamicImage::from(photo(160, 120)).into_luma8();
    let picture = DynamicImage::from(GrayAlphaImage::from_fn(160, 120, |x, y| {
        image::LumaA([
            luma.get_pixel(x, y).0[0],
            if x > 40 { 255 } else { x as u8 },
        ])
    }));
    assert_eq!(pixels(&to_same(&png(&picture), 75).unwrap()), picture);
    assert_eq!(
        avif_facts(&to_avif(&png(&picture), 75).unwrap()),
        (160, 120, true)
    );
}

#[test]
fn h70_few_colours_with_transparency_become_a_palette_with_the_same_values() {
    for colours in [2_u32, 3, 4, 9, 16, 17, 200, 256] {
        let picture = DynamicImage::from(RgbaImage::from_fn(131, 120, |x, y| {
            let index = (x * 7 + y * y * 3 + x * y) % colours;
            image::Rgba([
                index as u8,
                (index * 3) as u8,
                9,
                if index % 5 == 0 { index as u8 } else { 255 },
            ])
        }));
        let shown = to_same(&png(&picture), 75).unwrap();
        assert_eq!(
            pixels(&shown).into_rgba8(),
            picture.into_rgba8(),
            "{colours} colours"
        );
        assert!(shown.recipe.starts_with("png;palette;"), "{}", shown.recipe);
    }
}

#[test]
fn h70_sixteen_bits_are_rounded_for_avif_and_left_alone_for_png() {
    let deep = DynamicImage::ImageRgb16(DynamicImage::from(photo(160, 120)).into_rgb16());
    assert_eq!(
        avif_facts(&to_avif(&png(&deep), 75).unwrap()),
        (160, 120, false)
    );
    assert_eq!(to_same(&png(&deep), 75), Err(Skip::SixteenBit));
}

#[test]
fn h70_ink_values_are_left_alone() {
    // Four components instead of three, in the frame and in the scan.
    let source = photo_jpeg(160, 120);
    let frame = position(&source, &[0xFF, 0xC0]);
    let scan = position(&source, &[0xFF, 0xDA]);
    let mut inks = source[..frame].to_vec();
    inks.extend([
        0xFF, 0xC0, 0, 20, 8, 0, 120, 0, 160, 4, 1, 0x11, 0, 2, 0x11, 1, 3, 0x11, 1, 4, 0x11, 0,
    ]);
    inks.extend(&source[frame + 19..scan]);
    inks.extend([0xFF, 0xDA, 0, 14, 4, 1, 0, 2, 0x11, 3, 0x11, 4, 0, 0, 63, 0]);
    inks.extend(&source[scan + 14..]);
    assert_eq!(to_avif(&inks, 75), Err(Skip::Cmyk));
    assert_eq!(to_same(&inks, 75), Err(Skip::Cmyk));
}

/// A picture, and a JPEG that stores it in Display P3.
fn p3_jpeg() -> (image::RgbImage, Vec<u8>) {
    let expected = compass();
    let p3 = ColorProfile::new_display_p3();
    let mut stored = expected.clone();
    ColorProfile::new_srgb()
        .create_transform_8bit(Layout::Rgb, &p3, Layout::Rgb, TransformOptions::default())
        .unwrap()
        .transform(expected.as_raw(), &mut stored)
        .unwrap();
    (
        expected,
        with_profile(&jpeg(&stored.into(), 97), &p3.encode().unwrap()),
    )
}

fn position(file: &[u8], needle: &[u8]) -> usize {
    file.windows(needle.len())
        .position(|window| window == needle)
        .unwrap()
}

fn has(file: &[u8], needle: &[u8]) -> bool {
    file.windows(needle.len()).any(|window| window == needle)
}
