//! `vitrine images sign`: the address of an image in another form, as a page may carry it.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::ValueEnum;

/// Arguments of `vitrine images sign`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Paths of images, as the shop has them: `/media/vase.jpg`.
    #[arg(required = true)]
    paths: Vec<String>,
    /// How many pixels wide, or `auto`: as wide as the browser says.
    #[arg(long, value_name = "PIXELS|auto")]
    width: String,
    /// How good they must look.
    #[arg(long, value_enum, default_value_t)]
    quality: Quality,
    /// A shape, and the point that matters in percent from the left and the top: `4x5-50-30`.
    #[arg(long, value_name = "SHAPE-X-Y")]
    crop: Option<String>,
    /// The key. Without one, that of the environment variable `VITRINE_VAR_IMAGE_KEY`.
    #[arg(long)]
    key: Option<String>,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Quality {
    Saver,
    #[default]
    Standard,
    Zoom,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let given = args.key.clone();
    let key = given.or_else(|| std::env::var("VITRINE_VAR_IMAGE_KEY").ok());
    let key = key.filter(|key| !key.is_empty());
    let key = key.context("no --key, and VITRINE_VAR_IMAGE_KEY is not set")?;
    let options = options(args);
    let mut out = std::io::stdout().lock();
    for path in &args.paths {
        let address = vitrine_edge::image_address(path, &options, &key);
        writeln!(out, "{}", address.with_context(|| path.clone())?)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn options(args: &Args) -> String {
    let quality = match args.quality {
        Quality::Saver => "_q-saver",
        Quality::Standard => "",
        Quality::Zoom => "_q-zoom",
    };
    let crop = args.crop.as_ref().map(|crop| format!("_c-{crop}"));
    format!("w{}{quality}{}", args.width, crop.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    fn address(line: &str) -> Result<String, String> {
        let args = Cli::try_parse_from(format!("sign {line}").split(' '))
            .unwrap()
            .args;
        let address = vitrine_edge::image_address(&args.paths[0], &options(&args), "key");
        address.map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn an_address_is_written_in_its_one_form_and_signed() {
        let written =
            address("/media/a.jpg?v=2 --width 600 --quality saver --crop 4x5-45-20").unwrap();
        let unsigned = "/_v/i/w640_q-saver_c-4x5-50-30/media/a.jpg?v=2";
        let tag = vitrine_rum_collector::token::tag(b"key", unsigned);
        assert_eq!(
            written,
            format!("/_v/i/w640_q-saver_c-4x5-50-30_s-{tag}/media/a.jpg?v=2")
        );
    }

    #[test]
    fn what_is_no_address_is_said_with_what_is_expected() {
        for (line, expected) in [
            ("/a.jpg --width wide", "options begin with a width"),
            (
                "/a.jpg --width 640 --crop 7x5-50-50",
                "one of the shapes 1x1",
            ),
            ("media/a.jpg --width 640", "no image of the shop"),
            ("//evil.example/a.jpg --width 640", "no image of the shop"),
        ] {
            let refusal = address(line).unwrap_err();
            assert!(refusal.contains(expected), "{line}: {refusal}");
        }
    }
}
