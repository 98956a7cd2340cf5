//! Encodes one file from standard input, to compare machines: `encode_once avif 75 [first|refined [width [rounds]]] < photo.jpg > photo.avif`.
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

use vitrine_optimizer::{Effort, Job, Quality, Target, encode};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let target = arguments.first().and_then(|name| Target::from_name(name));
    let quality = arguments
        .get(1)
        .and_then(|digits| digits.parse().ok())
        .and_then(Quality::new);
    let effort = arguments
        .get(2)
        .map_or(Some(Effort::Refined), |name| Effort::from_name(name));
    let number = |at: usize| {
        arguments
            .get(at)
            .and_then(|digits| digits.parse::<u32>().ok())
    };
    let (Some(target), Some(quality), Some(effort)) = (target, quality, effort) else {
        eprintln!(
            "usage: encode_once avif|webp|same 1..100 [first|refined [width [rounds]]] < source > result"
        );
        return ExitCode::from(2);
    };
    let mut source = Vec::new();
    if let Err(error) = std::io::stdin().read_to_end(&mut source) {
        eprintln!("{error}");
        return ExitCode::from(2);
    }
    let job = Job {
        target,
        quality,
        effort,
        width: number(3).filter(|width| *width > 0),
        crop: None,
    };
    for _ in 1..number(4).unwrap_or(1) {
        let _ = encode(&source, &job);
    }
    let begin = Instant::now();
    match encode(&source, &job) {
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
