//! Files that are something else, or two things at once.

use super::Hostile;
use super::common::{photo, photo_jpeg, png, with_chunk, with_segment};
use super::raw::{FILL, gif, webp};

const NOT_READ: &[&str] = &["unsupported"];

pub fn files() -> Vec<Hostile> {
    [polyglots(), others()].into_iter().flatten().collect()
}

/// What a server, a browser or a tool might run.
const SECOND: [(&str, &[u8]); 6] = [
    (
        "a page",
        b"<!doctype html><script>alert(document.domain)</script>",
    ),
    ("a script", b"*/=1;alert(document.domain);/*"),
    (
        "an archive",
        b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    ),
    ("a program of the shop's", b"<?php system($_GET['c']); ?>"),
    (
        "a document",
        b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj",
    ),
    ("another picture", b"\xFF\xD8\xFF\xE0\0\x10JFIF\0"),
];

fn polyglots() -> Vec<Hostile> {
    let jpeg = photo_jpeg(160, 120);
    let plain = png(&photo(80, 60).into());
    let mut files = Vec::new();
    for (name, second) in SECOND {
        for (kind, file) in [
            ("jpeg", &jpeg),
            ("png", &plain),
            ("gif", &gif()),
            ("webp", &webp()),
        ] {
            files.push(Hostile::new(
                kind,
                format!("{name} behind it"),
                [file, second].concat(),
            ));
            let first = [second, file].concat();
            if !second.starts_with(b"\xFF\xD8\xFF") {
                files.push(Hostile::told(
                    kind,
                    format!("{name} before it"),
                    first,
                    NOT_READ,
                ));
            }
        }
        files.push(Hostile::new(
            "jpeg",
            format!("{name} in a comment"),
            with_segment(&jpeg, 0xFE, second),
        ));
        files.push(Hostile::new(
            "png",
            format!("{name} in a text"),
            with_chunk(&plain, *b"tEXt", second),
        ));
    }
    // A picture whose width begins a comment of a script.
    let script = [b"GIF89a/*".as_slice(), &FILL, b"*/=1;alert(1)"].concat();
    files.push(Hostile::new("gif", "a script that is a picture", script));
    files
}

/// What is no picture, or not one that is read, under the name of one.
fn others() -> Vec<Hostile> {
    let svg = "<svg xmlns='http://www.w3.org/2000/svg' ";
    let starts: [(&str, Vec<u8>); 18] = [
        ("svg with a script", format!("{svg}onload='alert(1)'><script>alert(1)</script></svg>").into()),
        ("svg that fetches", format!("{svg}><image href='http://169.254.169.254/'/></svg>").into()),
        ("svg of entities", b"<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><svg>&b;</svg>".into()),
        ("svg that reads a file", b"<!DOCTYPE svg [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><svg>&x;</svg>".into()),
        ("avif", b"\0\0\0\x1cftypavif\0\0\0\0avifmif1".into()),
        ("avif sequence", b"\0\0\0\x1cftypavis\0\0\0\0avismsf1".into()),
        ("heic", b"\0\0\0\x1cftypheic\0\0\0\0mif1heic".into()),
        ("heif", b"\0\0\0\x18ftypmif1\0\0\0\0mif1".into()),
        ("jpeg xl", b"\xFF\x0A".into()),
        ("jpeg xl container", b"\0\0\0\x0CJXL \r\n\x87\n".into()),
        ("jpeg 2000", b"\0\0\0\x0CjP  \r\n\x87\n".into()),
        ("tiff", b"II*\0\x08\0\0\0".into()),
        ("bitmap", b"BM\xFF\xFF\xFF\x7F".into()),
        ("icon", b"\0\0\x01\0\xFF\xFF".into()),
        ("photoshop", b"8BPS\0\x01".into()),
        ("postscript", b"%!PS-Adobe-3.0 EPSF-3.0".into()),
        ("program", b"\x7FELF\x02\x01\x01".into()),
        ("page", b"<!doctype html><title>Not found</title>".into()),
    ];
    let named = starts.into_iter().map(|(name, start)| {
        Hostile::told("none", name, [start.as_slice(), &FILL].concat(), NOT_READ)
    });
    let short = [
        b"".as_slice(),
        b"\xFF",
        b"\xFF\xD8",
        b"\x89PNG",
        b"RIFF",
        b"GIF8",
    ];
    let short = short.into_iter().map(|start| {
        Hostile::told(
            "none",
            format!("{} bytes", start.len()),
            start.to_vec(),
            NOT_READ,
        )
    });
    let zeros = Hostile::told("none", "a megabyte of nothing", vec![0; 1 << 20], NOT_READ);
    named.chain(short).chain([zeros]).collect()
}
