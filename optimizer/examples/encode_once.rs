//! Encodes one file from standard input, to compare machines: `encode_once avif 75 [rounds] < photo.jpg > photo.avif`.
//!
//! Runs natively and, built for `wasm32-wasip1` or `wasm32-wasip2`, in any WASI runtime: the bytes must be the
//! same and the time is printed. Exits with 1 and the reason where there is no better file.
#![allow(clippy::print_stderr, reason = "a command-line tool")]
#![allow(
    clippy::disallowed_methods,
    reason = "it measures how long an encode takes"
)]

use std::io::{Read, Write};
use std::process::ExitCode;
use std::time::Instant;

use vitrine_optimizer::{Job, Quality, Target, encode};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let target = arguments.first().and_then(|name| Target::from_name(name));
    let quality = arguments
        .get(1)
        .and_then(|digits| digits.parse().ok())
        .and_then(Quality::new);
    let rounds: u32 = arguments
        .get(2)
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(1);
    let (Some(target), Some(quality)) = (target, quality) else {
        eprintln!("usage: encode_once avif|same 1..100 [rounds] < source > result");
        return ExitCode::from(2);
    };
    let mut source = Vec::new();
    if let Err(error) = std::io::stdin().read_to_end(&mut source) {
        eprintln!("{error}");
        return ExitCode::from(2);
    }
    for _ in 1..rounds {
        let _ = encode(
            &source,
            &Job {
                target,
                quality,
                width: None,
            },
        );
    }
    let begin = Instant::now();
    match encode(
        &source,
        &Job {
            target,
            quality,
            width: None,
        },
    ) {
        Ok(encoded) => {
            eprintln!(
                "{} -> {} bytes, {}, {:?}",
                source.len(),
                encoded.bytes.len(),
                encoded.recipe,
                begin.elapsed()
            );
            match std::io::stdout().write_all(&encoded.bytes) {
                Ok(()) => ExitCode::SUCCESS,
                Err(_) => ExitCode::from(2),
            }
        }
        Err(reason) => {
            eprintln!("skip: {reason}, {:?}", begin.elapsed());
            ExitCode::FAILURE
        }
    }
}
