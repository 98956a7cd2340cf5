//! Good files that were cut, or changed in a few bytes, or whose lengths lie.

use super::Hostile;
use super::common::{photo, photo_jpeg, png, with_exif};
use super::raw::{Dice, chunks, gif, segments, webp};

pub fn files() -> Vec<Hostile> {
    let whole = [
        ("jpeg", with_exif(&photo_jpeg(140, 110), 6)),
        ("png", png(&photo(60, 48).into())),
        ("gif", gif()),
        ("webp", webp()),
    ];
    let mut files = Vec::new();
    for (kind, file) in &whole {
        files.extend(cut(kind, file));
        files.extend(changed(kind, file));
    }
    files.extend(lying_segments(&whole[0].1));
    files.extend(lying_chunks(&whole[1].1));
    files.extend(lying_riff(&whole[3].1));
    files
}

fn cut(kind: &'static str, file: &[u8]) -> Vec<Hostile> {
    let ends = (0..16)
        .map(|part| file.len() * part / 16)
        .chain([1, 2, 3, 4, 8, 11, 12, 20, 26, 33]);
    let ends = ends.chain((1..=4).map(|back| file.len() - back));
    ends.map(|end| Hostile::new(kind, format!("cut at {end}"), file[..end].to_vec()))
        .collect()
}

/// One to eight bytes, of the header more often than of the pixels.
fn changed(kind: &'static str, file: &[u8]) -> Vec<Hostile> {
    let fates = (0..50).map(|seed| {
        let mut dice = Dice::new(seed + 1);
        let mut file = file.to_vec();
        let head = if seed % 3 == 0 {
            file.len()
        } else {
            file.len().min(700)
        };
        for _ in 0..=dice.below(8) {
            let at = dice.below(head);
            match dice.below(4) {
                0 => file[at] = [0, 0xFF, 0x7F, 0x80][dice.below(4)],
                1 => file[at] ^= 1 << dice.below(8),
                2 => file.insert(at, dice.below(256) as u8),
                _ => file[at] = dice.below(256) as u8,
            }
        }
        Hostile::new(kind, format!("changed with seed {seed}"), file)
    });
    fates.collect()
}

fn lying_segments(file: &[u8]) -> Vec<Hostile> {
    let mut files = Vec::new();
    for (at, marker) in segments(file) {
        let length = u16::from_be_bytes([file[at + 2], file[at + 3]]);
        for lie in [0, 1, 2, length - 1, length + 1, 0x7FFF, 0xFFFF] {
            let mut file = file.to_vec();
            file[at + 2..at + 4].copy_from_slice(&lie.to_be_bytes());
            files.push(Hostile::new(
                "jpeg",
                format!("{marker:02x} at {at} of {lie} bytes"),
                file,
            ));
        }
    }
    files
}

fn lying_chunks(file: &[u8]) -> Vec<Hostile> {
    let mut files = Vec::new();
    for at in chunks(file) {
        let length: [u8; 4] = file[at..at + 4].try_into().unwrap();
        let length = u32::from_be_bytes(length);
        for lie in [
            0,
            length.wrapping_sub(1),
            length + 1,
            0x7FFF_FFFF,
            0x8000_0000,
            u32::MAX,
        ] {
            let mut file = file.to_vec();
            file[at..at + 4].copy_from_slice(&lie.to_be_bytes());
            files.push(Hostile::new(
                "png",
                format!("chunk at {at} of {lie} bytes"),
                file,
            ));
        }
    }
    files
}

fn lying_riff(file: &[u8]) -> Vec<Hostile> {
    let mut files = Vec::new();
    for at in [4, 16] {
        for lie in [0, 1, 7, 0x7FFF_FFFF, u32::MAX] {
            let mut file = file.to_vec();
            file[at..at + 4].copy_from_slice(&u32::to_le_bytes(lie));
            files.push(Hostile::new(
                "webp",
                format!("length at {at} of {lie} bytes"),
                file,
            ));
        }
    }
    files
}
