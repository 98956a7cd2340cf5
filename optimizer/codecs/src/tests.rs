use crate::{Chroma, Failure, LINKED, Pixels, Planes, WebP, WebPAnimation, av1, av1_shown, webp};

const LUMA: [u8; 35] = [90; 35];
const HALF: [u8; 12] = [120; 12];
const RGBA: [u8; 140] = [200; 140];

fn planes(width: u32, height: u32, chroma: Chroma<'_>) -> Planes<'_> {
    Planes {
        width,
        height,
        luma: &LUMA,
        chroma,
    }
}

#[test]
fn planes_that_are_not_as_long_as_the_dimensions_say_never_reach_c() {
    let short = &HALF[..11];
    for wrong in [
        planes(0, 7, Chroma::None),
        planes(7, 0, Chroma::None),
        planes(7, 6, Chroma::None),
        planes(70_000, 1, Chroma::None),
        planes(7, 5, Chroma::Halved(&HALF, short)),
        planes(7, 5, Chroma::Halved(short, &HALF)),
        planes(7, 5, Chroma::Full(&HALF, &LUMA)),
        planes(7, 5, Chroma::Full(&LUMA, &HALF)),
    ] {
        assert_eq!(av1(&wrong, 9, 30), Err(Failure::Input), "{wrong:?}");
    }
}

#[test]
fn settings_out_of_their_range_never_reach_c() {
    let gray = planes(7, 5, Chroma::None);
    assert_eq!(av1(&gray, 10, 30), Err(Failure::Input));
    assert_eq!(av1(&gray, 9, 64), Err(Failure::Input));
    assert_eq!(av1(&gray, 9, 0), Err(Failure::Input));
    let pixels = |width, height| Pixels {
        width,
        height,
        bytes: &RGBA,
        alpha: true,
    };
    let lossy = |quality, method| WebP::Lossy { quality, method };
    for (pixels, how) in [
        (pixels(7, 5), lossy(101, 4)),
        (pixels(7, 5), lossy(75, 7)),
        (pixels(7, 6), lossy(75, 4)),
        (pixels(0, 5), lossy(75, 4)),
        (pixels(20_000, 1), lossy(75, 4)),
    ] {
        assert_eq!(webp(&pixels, how), Err(Failure::Input), "{pixels:?}");
    }
}

#[test]
fn odd_sizes_in_every_layout_are_encoded_where_the_libraries_are() {
    for chroma in [
        Chroma::None,
        Chroma::Halved(&HALF, &HALF),
        Chroma::Full(&LUMA, &LUMA),
    ] {
        for (speed, quantizer) in [(9, 30), (6, 1), (9, 63)] {
            let made = av1(&planes(7, 5, chroma), speed, quantizer);
            assert_eq!(
                made.is_ok(),
                LINKED,
                "{chroma:?} {speed} {quantizer}: {made:?}"
            );
            let shown = av1_shown(&planes(7, 5, chroma), speed, quantizer);
            assert_eq!(shown.clone().map(|(bytes, _)| bytes), made);
            if let Ok((_, shown)) = shown {
                assert_eq!(shown.luma.len(), 35);
                assert!(
                    shown.luma.iter().all(|value| value.abs_diff(90) <= 8),
                    "{shown:?}"
                );
            }
        }
    }
    for (bytes, alpha) in [(&RGBA[..105], false), (&RGBA[..], true)] {
        let pixels = Pixels {
            width: 7,
            height: 5,
            bytes,
            alpha,
        };
        let lossless = WebP::Lossless {
            effort: 60,
            method: 4,
        };
        for how in [
            lossless,
            WebP::Lossy {
                quality: 75,
                method: 4,
            },
        ] {
            match webp(&pixels, how) {
                Ok(file) => assert!(file.starts_with(b"RIFF") && &file[8..12] == b"WEBP"),
                Err(failure) => assert_eq!((failure, LINKED), (Failure::Absent, false)),
            }
        }
    }
}

#[test]
fn an_animation_takes_whole_frames_in_time_and_nothing_else() {
    let lossy = |quality, method| WebP::Lossy { quality, method };
    for (width, height, how) in [
        (0, 5, lossy(75, 4)),
        (7, 20_000, lossy(75, 4)),
        (7, 5, lossy(101, 4)),
        (7, 5, lossy(75, 7)),
    ] {
        let refused = WebPAnimation::begin(width, height, 0, how);
        assert_eq!(
            refused.err(),
            Some(Failure::Input),
            "{width}x{height} {how:?}"
        );
    }
    let lossless = WebP::Lossless {
        effort: 60,
        method: 4,
    };
    for how in [lossy(75, 4), lossless] {
        let mut animation = match WebPAnimation::begin(7, 5, 3, how) {
            Ok(animation) => animation,
            Err(failure) => {
                assert_eq!((failure, LINKED), (Failure::Absent, false));
                continue;
            }
        };
        assert_eq!(animation.add(&RGBA[1..], 100), Err(Failure::Input));
        assert_eq!(animation.add(&RGBA, 1 << 24), Err(Failure::Input));
        assert_eq!(animation.add(&RGBA, 100), Ok(()));
        assert_eq!(animation.add(&[90; 140], 250), Ok(()));
        let file = animation.end().unwrap();
        assert!(file.windows(4).any(|four| four == b"ANMF"));
    }
    let empty = WebPAnimation::begin(7, 5, 0, lossless);
    assert!(empty.and_then(WebPAnimation::end).is_err());
}
