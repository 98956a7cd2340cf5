//! How alike pictures look, for measurements beside other encoders: `score WIDTH HEIGHT < pictures`.
//!
//! Standard input holds pictures of that size, three bytes a pixel, one after another. For each after the first a line
//! with its SSIMULACRA2 score against the first is printed.
#![allow(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a command-line tool"
)]

use std::io::Read as _;
use std::process::ExitCode;

use fast_ssim2::{PixelDescriptor, PixelSlice, Ssimulacra2Reference};

fn main() -> ExitCode {
    let sides: Vec<usize> = std::env::args()
        .skip(1)
        .filter_map(|digits| digits.parse().ok())
        .collect();
    let &[width, height] = sides.as_slice() else {
        eprintln!("usage: score WIDTH HEIGHT < pictures");
        return ExitCode::from(2);
    };
    match scores(width, height) {
        Ok(scores) => {
            for score in scores {
                println!("{score:.3}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn scores(width: usize, height: usize) -> Result<Vec<f64>, Box<dyn std::error::Error>> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    let mut pictures = bytes.chunks_exact(width * height * 3);
    let slice = |pixels| {
        let layout = PixelDescriptor::RGB8_SRGB;
        PixelSlice::new(pixels, width as u32, height as u32, width * 3, layout)
    };
    let first = pictures.next().ok_or("no picture of that size")?;
    let reference = Ssimulacra2Reference::new(&slice(first)?)?;
    pictures
        .map(|picture| Ok(reference.compare(&slice(picture)?)?))
        .collect()
}
