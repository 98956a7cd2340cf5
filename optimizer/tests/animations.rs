//! GIF and WebP as sources: what moves keeps its frames, its times and its end; what stands still is a picture like any
//! other. Hazard H71.
#![allow(clippy::unwrap_used, reason = "helpers of tests stop the test")]

mod common;

use std::io::Cursor;

use common::{
    TRANSPARENT, film, gif_frame as frame, gif_palette, has_c_engines, job, photo, screenshot,
    to_avif, to_same, to_webp,
};
use gif::{DisposalMethod, Frame, Repeat};
use image::codecs::gif::GifDecoder;
use image::{AnimationDecoder as _, DynamicImage, RgbImage, RgbaImage};
use image_webp::{LoopCount, WebPDecoder};
use vitrine_codecs::{Pixels, WebP};
use vitrine_optimizer::{Effort, Encoded, Job, Skip, Target, encode};

/// What is seen, and for how many milliseconds.
type Timeline = Vec<(RgbaImage, u32)>;

fn gif_of(width: u16, height: u16, frames: Vec<Frame<'_>>, repeat: Option<Repeat>) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = gif::Encoder::new(&mut file, width, height, &gif_palette()).unwrap();
    if let Some(repeat) = repeat {
        encoder.set_repeat(repeat).unwrap();
    }
    for frame in frames {
        encoder.write_frame(&frame).unwrap();
    }
    drop(encoder);
    file
}

/// Pages of text, boxes that come and go by every kind of disposal, and every kind of delay.
fn drawn() -> Vec<u8> {
    let (width, height) = (240, 160);
    let mut frames = vec![frame(&screenshot(width, height), 30)];
    let disposals = [
        DisposalMethod::Keep,
        DisposalMethod::Background,
        DisposalMethod::Previous,
        DisposalMethod::Any,
    ];
    for (at, dispose) in (0..12).zip(disposals.into_iter().cycle()) {
        let mut buffer = vec![at * 17; 60 * 40];
        for (index, pixel) in buffer.iter_mut().enumerate() {
            if index % 7 == 3 {
                *pixel = TRANSPARENT;
            }
        }
        frames.push(Frame {
            left: u16::from(at) * 15,
            top: u16::from(at) * 9,
            width: 60,
            height: 40,
            buffer: buffer.into(),
            transparent: Some(TRANSPARENT),
            interlaced: at % 3 == 1,
            delay: [0, 1, 2, 7, 100, 4000][usize::from(at) % 6],
            dispose,
            ..Frame::default()
        });
    }
    // Nothing changes: it is seen for longer.
    frames.push(Frame {
        width: 1,
        height: 1,
        buffer: vec![TRANSPARENT].into(),
        transparent: Some(TRANSPARENT),
        delay: 50,
        ..Frame::default()
    });
    gif_of(240, 160, frames, Some(Repeat::Infinite))
}

/// A photograph that a camera moves over.
fn filmed(repeat: Option<Repeat>) -> Vec<u8> {
    let frames = film().iter().map(|picture| frame(picture, 10)).collect();
    gif_of(160, 120, frames, repeat)
}

/// What browsers show of a GIF, by another reader than the optimizer's.
fn of_gif(file: &[u8]) -> Timeline {
    let decoder = GifDecoder::new(Cursor::new(file)).unwrap();
    let frames = decoder.into_frames().map(|frame| {
        let frame = frame.unwrap();
        let (ms, _) = frame.delay().numer_denom_ms();
        let ms = if ms <= 10 { 100 } else { ms };
        (frame.into_buffer(), ms)
    });
    merged(frames)
}

fn of_webp(file: &[u8]) -> Timeline {
    let mut decoder = WebPDecoder::new(Cursor::new(file)).unwrap();
    // Without one, what a frame leaves behind is never cleared away.
    decoder.set_background_color([0; 4]).unwrap();
    let (width, height) = decoder.dimensions();
    let frames: Vec<_> = (0..decoder.num_frames())
        .map(|_| {
            let mut pixels = vec![0; decoder.output_buffer_size().unwrap()];
            let ms = decoder.read_frame(&mut pixels).unwrap();
            let picture = if decoder.has_alpha() {
                RgbaImage::from_raw(width, height, pixels).unwrap()
            } else {
                let picture = RgbImage::from_raw(width, height, pixels).unwrap();
                DynamicImage::from(picture).into_rgba8()
            };
            (picture, ms)
        })
        .collect();
    merged(frames.into_iter())
}

/// Frames that follow each other and look the same are one. What nobody sees has no colour.
fn merged(frames: impl Iterator<Item = (RgbaImage, u32)>) -> Timeline {
    let mut timeline = Timeline::new();
    for (mut picture, ms) in frames {
        for pixel in picture.pixels_mut().filter(|pixel| pixel.0[3] == 0) {
            pixel.0 = [0; 4];
        }
        match timeline.last_mut() {
            Some((last, time)) if *last == picture => *time += ms,
            _ => timeline.push((picture, ms)),
        }
    }
    timeline
}

fn is_animated_webp(encoded: &Encoded) -> bool {
    encoded.content_type == "image/webp" && encoded.bytes.windows(4).any(|four| four == b"ANMF")
}

/// Whether two frames are the same, but for the last bit, which the reader's own blending loses.
fn same(a: &RgbaImage, b: &RgbaImage) -> bool {
    let mut pixels = a.pixels().zip(b.pixels());
    pixels.all(|(a, b)| a.0[3] == b.0[3] && a.0.iter().zip(b.0).all(|(a, b)| a.abs_diff(b) <= 1))
}

/// Peak signal to noise, in decibels.
fn psnr(a: &RgbaImage, b: &RgbaImage) -> f64 {
    let squares = a.as_raw().iter().zip(b.as_raw());
    let squares = squares.map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2));
    let mean = squares.sum::<f64>() / a.as_raw().len() as f64;
    10.0 * (255.0 * 255.0 / mean.max(1e-9)).log10()
}

#[test]
fn h71_a_drawn_gif_becomes_a_webp_of_the_very_same_frames() {
    let source = drawn();
    for target in [Target::WebP, Target::Avif] {
        let made = encode(&source, &job(target, 75));
        if !has_c_engines() {
            let expected = [Skip::Animated, Skip::Unsupported];
            assert!(expected.contains(&made.unwrap_err()));
            continue;
        }
        let made = made.unwrap();
        assert!(is_animated_webp(&made), "{}", made.recipe);
        assert!(made.recipe.contains("lossless"), "{}", made.recipe);
        assert!(made.bytes.len() * 100 <= source.len() * 95);
        let (expected, seen) = (of_gif(&source), of_webp(&made.bytes));
        assert_eq!(expected.len(), seen.len());
        for (at, (expected, seen)) in expected.iter().zip(&seen).enumerate() {
            assert_eq!(expected.1, seen.1, "time of {at}");
            assert!(same(&expected.0, &seen.0), "picture of {at}");
        }
        let decoder = WebPDecoder::new(Cursor::new(&made.bytes)).unwrap();
        assert_eq!(decoder.loop_count(), LoopCount::Forever);
    }
}

/// Losses change a flat ground a little, and only where something has moved: a trail that everybody sees.
#[test]
fn h71_what_moves_on_a_flat_ground_leaves_no_trail() {
    if !has_c_engines() {
        return;
    }
    let frames = (0..6u32).map(|at| {
        let mut picture = RgbImage::from_pixel(240, 120, image::Rgb([250, 246, 235]));
        image::imageops::replace(&mut picture, &photo(70, 70), i64::from(at * 20), 30);
        frame(&picture, 10)
    });
    let source = gif_of(240, 120, frames.collect(), None);
    let made = to_webp(&source, 75).unwrap();
    let (expected, seen) = (of_gif(&source), of_webp(&made.bytes));
    assert_eq!(expected.len(), seen.len());
    for (expected, seen) in expected.iter().zip(&seen) {
        assert!(same(&expected.0, &seen.0), "{}", made.recipe);
    }
}

#[test]
fn h71_a_filmed_gif_may_lose_what_nobody_sees_and_keeps_its_times() {
    if !has_c_engines() {
        return;
    }
    let source = filmed(Some(Repeat::Infinite));
    let made = to_webp(&source, 75).unwrap();
    assert!(is_animated_webp(&made));
    assert!(made.recipe.contains("q75"), "{}", made.recipe);
    assert!(
        made.bytes.len() * 3 < source.len() * 2,
        "{} of {}",
        made.bytes.len(),
        source.len()
    );
    let (expected, seen) = (of_gif(&source), of_webp(&made.bytes));
    assert_eq!(expected.len(), seen.len());
    for ((expected, time), (seen, seen_time)) in expected.iter().zip(&seen) {
        assert_eq!(time, seen_time);
        let psnr = psnr(expected, seen);
        assert!(psnr > 26.0, "{psnr} dB");
    }
}

#[test]
fn h71_an_animation_plays_as_often_as_it_did() {
    if !has_c_engines() {
        return;
    }
    let times = |count: u16| LoopCount::Times(count.try_into().unwrap());
    for (repeat, plays) in [
        (None, times(1)),
        (Some(Repeat::Infinite), LoopCount::Forever),
        // A GIF says how often it plays again.
        (Some(Repeat::Finite(1)), times(2)),
        (Some(Repeat::Finite(4)), times(5)),
        (Some(Repeat::Finite(u16::MAX)), times(u16::MAX)),
    ] {
        let made = to_webp(&filmed(repeat), 75).unwrap();
        let decoder = WebPDecoder::new(Cursor::new(&made.bytes)).unwrap();
        assert_eq!(decoder.loop_count(), plays, "{repeat:?}");
    }
}

#[test]
fn an_animation_is_narrowed_frame_by_frame() {
    if !has_c_engines() {
        return;
    }
    let source = filmed(Some(Repeat::Infinite));
    let narrow = Job {
        width: Some(80),
        ..job(Target::WebP, 75)
    };
    let made = encode(&source, &narrow).unwrap();
    let (whole, seen) = (of_gif(&source), of_webp(&made.bytes));
    assert_eq!(seen.len(), whole.len());
    for ((whole, time), (seen, seen_time)) in whole.iter().zip(&seen) {
        assert_eq!((seen.dimensions(), seen_time), ((80, 60), time));
        let filter = image::imageops::FilterType::Lanczos3;
        let psnr = psnr(&image::imageops::resize(whole, 80, 60, filter), seen);
        assert!(psnr > 26.0, "{psnr} dB");
    }
}

#[test]
fn nobody_waits_for_an_animation_and_a_client_that_takes_no_webp_keeps_the_original() {
    let source = filmed(Some(Repeat::Infinite));
    assert_eq!(to_same(&source, 75).unwrap_err(), Skip::Unsupported);
    if !has_c_engines() {
        return;
    }
    let first = |source: &[u8]| {
        let job = Job {
            effort: Effort::First,
            ..job(Target::Avif, 75)
        };
        encode(source, &job)
    };
    assert_eq!(first(&source).unwrap_err(), Skip::TooSlow);
    let scene = DynamicImage::from(photo(100, 80));
    let small = (0..6).map(|at| frame(&scene.crop_imm(at * 4, 0, 64, 64).into_rgb8(), 10));
    let small = gif_of(64, 64, small.collect(), None);
    assert!(is_animated_webp(&first(&small).unwrap()));
}

#[test]
fn h71_what_moves_in_any_other_format_is_left_alone() {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 80, 60);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_animated(2, 0).unwrap();
    let mut writer = encoder.write_header().unwrap();
    for _ in 0..2 {
        writer.write_image_data(photo(80, 60).as_raw()).unwrap();
    }
    writer.finish().unwrap();
    let mut sources = vec![file];
    if has_c_engines() {
        sources.push(to_webp(&filmed(None), 75).unwrap().bytes);
    }
    for source in sources {
        for made in [
            to_avif(&source, 75),
            to_webp(&source, 75),
            to_same(&source, 75),
        ] {
            let reason = made.unwrap_err();
            let unsupported = !has_c_engines() && reason == Skip::Unsupported;
            assert!(reason == Skip::Animated || unsupported, "{reason}");
        }
    }
}

#[test]
fn h71_an_animation_beyond_the_limits_is_left_alone_unread() {
    let many = |count, width, height| {
        let frames = (0..count).map(|_| frame(&photo(40, 40), 10));
        gif_of(width, height, frames.collect(), None)
    };
    assert_eq!(
        to_webp(&many(101, 40, 40), 75).unwrap_err(),
        Skip::TooManyFrames
    );
    assert_eq!(
        to_webp(&many(60, 1000, 1000), 75).unwrap_err(),
        Skip::TooManyFrames
    );
}

#[test]
fn a_still_gif_becomes_a_picture_of_the_same_pixels() {
    for picture in [screenshot(300, 200), photo(150, 120)] {
        let (width, height) = (picture.width() as u16, picture.height() as u16);
        let mut still = frame(&picture, 0);
        still.interlaced = true;
        let source = gif_of(width, height, vec![still], None);
        let expected = &of_gif(&source)[0].0;
        let made = to_webp(&source, 75);
        if !has_c_engines() {
            assert_eq!(made.unwrap_err(), Skip::Unsupported);
            continue;
        }
        let made = made.unwrap();
        assert_eq!(made.content_type, "image/webp");
        assert!(!is_animated_webp(&made));
        assert!(common::pixels(&made).into_rgba8() == *expected);
        let for_avif = to_avif(&source, 75).unwrap();
        assert!(for_avif.bytes.len() <= made.bytes.len());
    }
}

fn webp(picture: &DynamicImage, how: WebP) -> Vec<u8> {
    let pixels = picture.to_rgba8();
    let pixels = Pixels {
        width: pixels.width(),
        height: pixels.height(),
        bytes: pixels.as_raw(),
        alpha: true,
    };
    vitrine_codecs::webp(&pixels, how).unwrap()
}

#[test]
fn a_webp_is_a_source_like_any_other_but_loses_nothing_twice_in_its_own_format() {
    if !has_c_engines() {
        return;
    }
    let lossy = WebP::Lossy {
        quality: 95,
        method: 4,
    };
    let quick = WebP::Lossless {
        effort: 0,
        method: 0,
    };
    for picture in [
        DynamicImage::from(photo(220, 160)),
        common::cutout(220, 160).into(),
    ] {
        let source = webp(&picture, lossy);
        for made in [to_webp(&source, 75), to_same(&source, 75)] {
            assert_eq!(made.unwrap_err(), Skip::AlreadyCompressed);
        }
        let made = to_avif(&source, 75).unwrap();
        let (width, height, alpha) = common::avif_facts(&made);
        assert_eq!((width, height), (220, 160));
        assert_eq!(alpha, picture.color().has_alpha());

        let source = webp(&picture, quick);
        let made = common::at_once(&source, Target::WebP, 75).unwrap();
        let same = common::difference(&common::pixels(&made).into_rgb8(), &picture.to_rgb8());
        assert!(made.recipe.contains("q75"));
        assert!(alpha || same.0 < 4.0, "{same:?}");
    }
    let page = DynamicImage::from(screenshot(400, 300));
    let made = to_same(&webp(&page, quick), 75).unwrap();
    assert!(made.recipe.contains("lossless"));
    assert!(common::pixels(&made).into_rgb8() == page.into_rgb8());
}
