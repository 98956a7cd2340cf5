//! AVIF by rav1e: pure Rust, 8 bits, 4:2:0. What a build without C has.
//!
//! Seconds per megapixel in wasm on one core of a small server, and what they buy at the same setting:
//! speed 8 takes 3.3; speed 9 takes 1.3 and loses about 0.7 dB; speed 10 takes 1.0 and adds 3 % of bytes. So it works
//! behind the response only, and once per picture.

use rav1e::prelude::*;

use super::{Coded, Effort, Encoder, avif};
use crate::planes::{self, Planes};
use crate::{Kind, Picture, Quality, Skip};

pub(super) struct Rav1e;

/// Fastest acceptable speed for a picture of up to so many pixels: each line stays under five seconds in wasm.
const SPEEDS: [(u64, u8); 3] = [(700_000, 8), (3_500_000, 9), (5_000_000, 10)];

/// Quantizer (0 to 255) for a SSIMULACRA2 score: means over product photographs.
const QUANTIZERS: [(f64, f64); 5] = [
    (10.0, 250.0),
    (58.0, 165.0),
    (70.0, 125.0),
    (80.0, 88.0),
    (95.0, 20.0),
];

/// Cut-outs show a coarse mask at once, and masks cost little.
const ALPHA_QUANTIZER: usize = 70;

/// The library's version; part of the recipe.
const VERSION: &str = "0.8.1";

impl Encoder for Rav1e {
    fn max_pixels(&self) -> u64 {
        SPEEDS.iter().map(|&(pixels, _)| pixels).max().unwrap_or(0)
    }

    fn encode(
        &self,
        picture: &Picture,
        kind: Kind,
        quality: Quality,
        effort: Effort,
    ) -> Result<Coded, Skip> {
        if effort == Effort::First {
            return Err(Skip::TooSlow);
        }
        if kind.is_drawn() {
            return Err(Skip::Graphic);
        }
        let speed = speed_for(picture.pixels()).ok_or(Skip::TooManyPixels)?;
        let planes = Planes::of(picture, planes::Chroma::Halved);
        let quantizer = super::between(&QUANTIZERS, quality.target()).round() as usize;
        let colour = [&planes.luma, &planes.blue, &planes.red];
        let colour = av1(&planes, ChromaSampling::Cs420, &colour, speed, quantizer)?;
        let mask = match &planes.alpha {
            Some(alpha) => Some(av1(
                &planes,
                ChromaSampling::Cs400,
                &[alpha],
                speed,
                ALPHA_QUANTIZER,
            )?),
            None => None,
        };
        Ok(Coded {
            bytes: avif::file(&planes, &colour, mask.as_deref()),
            content_type: "image/avif",
            recipe: format!("rav1e-{VERSION};s{speed};q{quantizer};420"),
        })
    }
}

fn speed_for(pixels: u64) -> Option<u8> {
    SPEEDS
        .iter()
        .find(|&&(most, _)| pixels <= most)
        .map(|&(_, speed)| speed)
}

/// One still picture.
fn av1(
    size: &Planes,
    chroma_sampling: ChromaSampling,
    planes: &[&Vec<u8>],
    speed: u8,
    quantizer: usize,
) -> Result<Vec<u8>, Skip> {
    let mut context = context(size, chroma_sampling, speed, quantizer)?;
    let mut frame = context.new_frame();
    for (to, from) in frame.planes.iter_mut().zip(planes) {
        let width = if from.len() == size.luma.len() {
            size.width
        } else {
            size.width.div_ceil(2)
        };
        to.copy_from_raw_u8(from, width, 1);
    }
    context.send_frame(frame).map_err(|_| Skip::EncoderFailed)?;
    context.flush();
    let mut bytes = Vec::new();
    loop {
        match context.receive_packet() {
            Ok(packet) => bytes.extend(packet.data),
            // A frame went in, and a packet will come.
            Err(EncoderStatus::Encoded) => {}
            Err(EncoderStatus::LimitReached) => break,
            Err(_) => return Err(Skip::EncoderFailed),
        }
    }
    Ok(bytes)
}

fn context(
    size: &Planes,
    chroma_sampling: ChromaSampling,
    speed: u8,
    quantizer: usize,
) -> Result<Context<u8>, Skip> {
    let mut speed_settings = SpeedSettings::from_preset(speed);
    speed_settings.rdo_lookahead_frames = 1;
    speed_settings.scene_detection_mode = SceneDetectionSpeed::None;
    let config = EncoderConfig {
        width: size.width,
        height: size.height,
        bit_depth: 8,
        chroma_sampling,
        chroma_sample_position: ChromaSamplePosition::Unknown,
        pixel_range: PixelRange::Full,
        color_description: Some(ColorDescription {
            color_primaries: ColorPrimaries::BT709,
            transfer_characteristics: TransferCharacteristics::SRGB,
            matrix_coefficients: MatrixCoefficients::BT601,
        }),
        still_picture: true,
        quantizer,
        min_quantizer: quantizer as u8,
        bitrate: 0,
        tune: Tune::Psychovisual,
        // One tile whatever the machine: tiles follow threads, and the bytes follow the tiles.
        tile_cols: 1,
        tile_rows: 1,
        tiles: 1,
        speed_settings,
        ..EncoderConfig::default()
    };
    Config::new()
        .with_encoder_config(config)
        .with_threads(1)
        .new_context()
        .map_err(|_| Skip::EncoderFailed)
}
