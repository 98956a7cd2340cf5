//! Traps in what comes with a picture: EXIF, colour profiles, tables.

use super::Hostile;
use super::common::{exif, photo, photo_jpeg, png, with_chunk, with_profile, with_segment};
use super::raw::{jpeg_that_claims, packed, segments};

pub fn files() -> Vec<Hostile> {
    [exifs(), profiles(), parts(), tables()]
        .into_iter()
        .flatten()
        .collect()
}

/// An entry of an IFD: tag, type, count, value.
fn entry(tag: u16, kind: u16, count: u32, value: u32) -> Vec<u8> {
    [
        tag.to_be_bytes().as_slice(),
        &kind.to_be_bytes(),
        &count.to_be_bytes(),
        &value.to_be_bytes(),
    ]
    .concat()
}

/// EXIF whose first IFD is at `at`, says how many entries it has, has these, and then names the next one.
fn ifd(at: u32, said: u16, entries: &[Vec<u8>], next: u32) -> Vec<u8> {
    let mut data = b"MM\0\x2a".to_vec();
    data.extend(at.to_be_bytes());
    data.extend(said.to_be_bytes());
    data.extend(entries.concat());
    data.extend(next.to_be_bytes());
    data
}

const ORIENTATION: u16 = 0x0112;

fn exifs() -> Vec<Hostile> {
    let turned = |value: u32| entry(ORIENTATION, 3, 1, value << 16);
    let sub = |tag, at| entry(tag, 4, 1, at);
    let mut traps: Vec<(String, Vec<u8>)> = vec![
        (
            "a next IFD that is this one".into(),
            ifd(8, 1, &[turned(6)], 8),
        ),
        (
            "an EXIF IFD that is this one".into(),
            ifd(8, 1, &[sub(0x8769, 8)], 0),
        ),
        (
            "a GPS IFD that is this one".into(),
            ifd(8, 1, &[sub(0x8825, 8)], 8),
        ),
        (
            "an IFD beyond the end".into(),
            ifd(0xFFFF_FFF0, 1, &[turned(6)], 0),
        ),
        ("an IFD in the header".into(), ifd(0, 1, &[turned(6)], 0)),
        (
            "65535 entries that are not there".into(),
            ifd(8, 0xFFFF, &[turned(9)], 0),
        ),
        (
            "two thousand entries".into(),
            ifd(8, 2_000, &vec![sub(0x8769, 8); 2_000], 8),
        ),
        (
            "four thousand million values".into(),
            ifd(8, 1, &[entry(ORIENTATION, 3, u32::MAX, 6 << 16)], 0),
        ),
        (
            "an orientation that is text".into(),
            ifd(8, 1, &[entry(ORIENTATION, 2, 1, 6 << 16)], 0),
        ),
        (
            "an orientation of another type".into(),
            ifd(8, 1, &[entry(ORIENTATION, 0xFFFF, 1, 6 << 16)], 0),
        ),
        (
            "two orientations".into(),
            ifd(8, 2, &[turned(3), turned(6)], 0),
        ),
        (
            "a thumbnail beyond the end".into(),
            ifd(
                8,
                2,
                &[entry(0x0201, 4, 1, u32::MAX), entry(0x0202, 4, 1, u32::MAX)],
                0,
            ),
        ),
        ("nothing".into(), Vec::new()),
        ("half a header".into(), b"MM\0".to_vec()),
        ("another byte order".into(), b"XX\0\x2a\0\0\0\x08".to_vec()),
        (
            "both byte orders".into(),
            b"II\0\x2a\0\0\0\x08\0\x01".to_vec(),
        ),
        ("where the picture was taken".into(), exif(8)),
    ];
    for value in [0, 9, 10, 255, 256, 0xFFFF] {
        traps.push((
            format!("orientation {value}"),
            ifd(8, 1, &[turned(value)], 0),
        ));
    }
    let jpeg = photo_jpeg(96, 72);
    let plain = png(&photo(60, 48).into());
    traps
        .into_iter()
        .flat_map(|(name, data)| {
            let in_jpeg = with_segment(&jpeg, 0xE1, &[b"Exif\0\0", data.as_slice()].concat());
            [
                Hostile::new("jpeg", format!("exif: {name}"), in_jpeg),
                Hostile::new(
                    "png",
                    format!("exif: {name}"),
                    with_chunk(&plain, *b"eXIf", &data),
                ),
                Hostile::new("exif", name, data),
            ]
        })
        .collect()
}

/// A matrix profile, well-formed.
fn profile() -> Vec<u8> {
    moxcms::ColorProfile::new_display_p3().encode().unwrap()
}

fn changed(at: usize, with: &[u8]) -> Vec<u8> {
    let mut profile = profile();
    profile[at..at + with.len()].copy_from_slice(with);
    profile
}

fn profiles() -> Vec<Hostile> {
    // Behind the header of 128 bytes: the number of tags, then signature, offset and size of each.
    let (count, offset, size) = (128, 128 + 4 + 4, 128 + 4 + 8);
    let max = &[0xFF; 4];
    let whole = profile();
    let mut traps = vec![
        ("sound".to_owned(), whole.clone()),
        ("of no bytes".into(), Vec::new()),
        ("of all tags".into(), changed(count, max)),
        ("of a hundred tags".into(), changed(count, &[0, 0, 0, 100])),
        ("of no tags".into(), changed(count, &[0; 4])),
        ("tag beyond the end".into(), changed(offset, max)),
        ("tag in the header".into(), changed(offset, &[0; 4])),
        ("tag of all bytes".into(), changed(size, max)),
        (
            "tag whose end wraps".into(),
            changed(offset, &[0xFF, 0xFF, 0xFF, 0xF0, 0, 0, 0, 0x20]),
        ),
        ("size in its header lies".into(), changed(0, max)),
        ("of no size".into(), changed(0, &[0; 4])),
        ("for ink".into(), changed(16, b"CMYK")),
        ("for fifteen inks".into(), changed(16, b"FCLR")),
        ("for gray".into(), changed(16, b"GRAY")),
        ("for nothing known".into(), changed(16, b"\0\0\0\0")),
        ("of a device link".into(), changed(12, b"link")),
        ("with another connection space".into(), changed(20, b"Lab ")),
        ("of names".into(), changed(12, b"nmcl")),
        ("of a version to come".into(), changed(8, max)),
        ("without its mark".into(), changed(36, b"xxxx")),
        (
            "followed by four megabytes".into(),
            [whole.as_slice(), &[0; (4 << 20) + 1]].concat(),
        ),
        ("of tables".into(), tables_of(33, 4)),
        ("of tables of one point".into(), tables_of(1, 4)),
        ("of tables of too many points".into(), tables_of(255, 4)),
        ("of tables of no points".into(), tables_of(0, 4)),
        ("of tables of fifteen inks".into(), tables_of(9, 15)),
    ];
    for cut in [
        1,
        64,
        127,
        128,
        131,
        132,
        144,
        200,
        whole.len() / 2,
        whole.len() - 1,
    ] {
        traps.push((format!("cut at {cut}"), whole[..cut].to_vec()));
    }
    let jpeg = photo_jpeg(96, 72);
    let plain = png(&photo(60, 48).into());
    traps
        .into_iter()
        .flat_map(|(name, profile)| {
            let chunk = [b"icc\0\0", packed(&profile).as_slice()].concat();
            [
                Hostile::new(
                    "jpeg",
                    format!("profile {name}"),
                    with_profile(&jpeg, &profile),
                ),
                Hostile::new(
                    "png",
                    format!("profile {name}"),
                    with_chunk(&plain, *b"iCCP", &chunk),
                ),
                Hostile::new("icc", name, profile),
            ]
        })
        .collect()
}

/// A profile whose colours are a table of 8 bits that claims `points` along each of `inks` sides, and has 3000 bytes.
fn tables_of(points: u8, inks: u8) -> Vec<u8> {
    let mut table = b"mft1\0\0\0\0".to_vec();
    table.extend([inks, 3, points, 0]);
    table.extend([0, 1, 0, 0].repeat(9));
    table.extend([0x40; 3_000]);
    let mut profile = profile()[..128].to_vec();
    profile[16..20].copy_from_slice(b"RGB ");
    profile[20..24].copy_from_slice(b"Lab ");
    profile.extend([0, 0, 0, 1]);
    profile.extend(b"A2B0");
    profile.extend(144_u32.to_be_bytes());
    profile.extend(u32::try_from(table.len()).unwrap().to_be_bytes());
    profile.extend(table);
    let length = u32::try_from(profile.len()).unwrap().to_be_bytes();
    profile[..4].copy_from_slice(&length);
    profile
}

/// Parts of a JPEG's profile, and a PNG's profile chunk, that do not fit together.
fn parts() -> Vec<Hostile> {
    let jpeg = photo_jpeg(96, 72);
    let plain = png(&photo(60, 48).into());
    let whole = profile();
    let part = |file: &[u8], number, count| {
        with_segment(
            file,
            0xE2,
            &[b"ICC_PROFILE\0", [number, count].as_slice(), &whole].concat(),
        )
    };
    let packed_profile = packed(&whole);
    let chunk = |data: &[u8]| with_chunk(&plain, *b"iCCP", data);
    let twice = with_chunk(
        &chunk(&[b"a\0\0", packed_profile.as_slice()].concat()),
        *b"iCCP",
        b"b\0\0x",
    );
    let many = (0..300).fold(jpeg.clone(), |file, _| {
        with_segment(&file, 0xE2, b"ICC_PROFILE\0\x01\xFFprofile")
    });
    let named = |length: usize| [vec![b'n'; length], vec![0, 0], packed_profile.clone()].concat();
    let mut broken = packed_profile.clone();
    broken[0] = 0xFF;
    vec![
        Hostile::new("jpeg", "profile: the second of one part", part(&jpeg, 2, 1)),
        Hostile::new("jpeg", "profile: part nought", part(&jpeg, 0, 0)),
        Hostile::new(
            "jpeg",
            "profile: the first of 255 parts",
            part(&jpeg, 1, 255),
        ),
        Hostile::new(
            "jpeg",
            "profile: the same part twice",
            part(&part(&jpeg, 1, 1), 1, 1),
        ),
        Hostile::new("jpeg", "profile: three hundred parts", many),
        Hostile::new(
            "png",
            "profile: not packed",
            chunk(&[b"icc\0\0", whole.as_slice()].concat()),
        ),
        Hostile::new(
            "png",
            "profile: packed in another way",
            chunk(&[b"icc\0\x01", packed_profile.as_slice()].concat()),
        ),
        Hostile::new(
            "png",
            "profile: broken packing",
            chunk(&[b"icc\0\0", broken.as_slice()].concat()),
        ),
        Hostile::new(
            "png",
            "profile: half of it",
            chunk(&[b"icc\0\0", &packed_profile[..packed_profile.len() / 2]].concat()),
        ),
        Hostile::new("png", "profile: no name", chunk(&named(0))),
        Hostile::new(
            "png",
            "profile: a name without an end",
            chunk(&[b'n'; 3_000]),
        ),
        Hostile::new("png", "profile: a name of 200 letters", chunk(&named(200))),
        Hostile::new("png", "profile: two of them", twice),
    ]
}

/// Tables of a JPEG that contradict one another.
fn tables() -> Vec<Hostile> {
    let plain = photo_jpeg(160, 120);
    let of = |marker: u8| {
        segments(&plain)
            .into_iter()
            .find(|found| found.1 == marker)
            .unwrap()
            .0
    };
    let (frame, quantizer, codes, scan) = (of(0xC0), of(0xDB), of(0xC4), of(0xDA));
    let set = |at: usize, with: &[u8]| {
        let mut file = plain.clone();
        file[at..at + with.len()].copy_from_slice(with);
        file
    };
    let without = |at: usize| {
        let end = at + 2 + usize::from(u16::from_be_bytes([plain[at + 2], plain[at + 3]]));
        [&plain[..at], &plain[end..]].concat()
    };
    let traps = [
        ("eight of sixteen bits", set(frame + 4, &[16])),
        ("no components", set(frame + 9, &[0])),
        ("255 components", set(frame + 9, &[255])),
        ("sampling of nought", set(frame + 11, &[0])),
        ("sampling of fifteen", set(frame + 11, &[0xFF])),
        ("chroma finer than luma", set(frame + 14, &[0x44])),
        ("a quantizer that is not there", set(frame + 12, &[3])),
        ("quantizers of nought", set(quantizer + 5, &[0; 64])),
        ("a quantizer of number 15", set(quantizer + 4, &[0x0F])),
        ("no quantizers", without(quantizer)),
        ("codes of all lengths", set(codes + 5, &[0xFF; 16])),
        ("codes of no length", set(codes + 5, &[0; 16])),
        ("codes of class 15", set(codes + 4, &[0xFF])),
        ("no codes", without(codes)),
        ("a scan of no components", set(scan + 4, &[0])),
        (
            "a scan of a component that is not there",
            set(scan + 5, &[77]),
        ),
        (
            "a scan with codes that are not there",
            set(scan + 6, &[0x33]),
        ),
        (
            "a spectrum that ends before it begins",
            set(scan + 11, &[63, 0]),
        ),
        ("no frame", without(frame)),
        (
            "two frames",
            [&plain[..frame + 19], &plain[frame..]].concat(),
        ),
        (
            "a lossless frame",
            jpeg_that_claims(&plain, 160, 120, 0xC0)
                .iter()
                .enumerate()
                .map(|(at, &byte)| if at == frame + 1 { 0xC3 } else { byte })
                .collect(),
        ),
        (
            "restarts at every block",
            with_segment(&plain, 0xDD, &[0, 1]),
        ),
        (
            "a baseline file that says it is progressive",
            jpeg_that_claims(&plain, 160, 120, 0xC2),
        ),
        (
            "a height that comes later",
            [
                &jpeg_that_claims(&plain, 160, 0, 0xC0)[..plain.len() - 2],
                b"\xFF\xDC\0\x04\x27\x10\xFF\xD9",
            ]
            .concat(),
        ),
    ];
    traps
        .into_iter()
        .map(|(name, file)| Hostile::new("jpeg", name, file))
        .collect()
}
