//! `vitrine check`: reads the merchant's file as `up` does, and says everything that is wrong with it.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use vitrine_edge::config::{self, Compiled};

use crate::host::values::read_beside;

/// Arguments of `vitrine check`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The merchant's file.
    #[arg(value_name = "FILE", default_value = "vitrine.toml")]
    file: PathBuf,
    /// The shop's own address; it wins over the one in the file.
    #[arg(long, value_name = "URL")]
    origin: Option<String>,
    #[command(flatten)]
    output: Output,
}

/// What is printed instead of a summary.
#[derive(clap::Args)]
#[group(multiple = false)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "one flag each on the command line, of which clap admits one"
)]
struct Output {
    /// Prints the JSON Schema (2020-12) of the file, for editors.
    #[arg(long)]
    schema: bool,
    /// Prints the reference of the file, in Markdown.
    #[arg(long)]
    reference: bool,
    /// Prints the variables that the components load, as one JSON object.
    #[arg(long)]
    policy: bool,
    /// Prints the same variables as `SPIN_VARIABLE_…` lines for a shell or an env file.
    #[arg(long)]
    env: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.output.schema {
        let schema = serde_json::to_string_pretty(&config::json_schema())?;
        return print(&format!("{schema}\n"));
    }
    if args.output.reference {
        return print(&config::reference());
    }
    let name = args.file.display().to_string();
    let text = std::fs::read_to_string(&args.file).map_err(|error| {
        anyhow::anyhow!(
            "cannot read {name}: {error}\n  = help: `vitrine check FILE` reads another file; `vitrine up --origin URL` \
             needs none"
        )
    })?;
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let compiled = match config::load_with(&name, &text, args.origin.as_deref(), &|file| {
        read_beside(&args.file, file)
    }) {
        Ok(compiled) => compiled,
        Err(findings) => {
            eprint!("{}", findings.render(colour));
            return Ok(ExitCode::FAILURE);
        }
    };
    if !compiled.warnings.is_empty() {
        eprint!("{}", compiled.warnings.render(colour));
    }
    if args.output.policy {
        return print(&variables_json(&compiled)?);
    }
    if args.output.env {
        return print(&variables_env(&compiled));
    }
    print(&format!("{name}: fine: {}\n", summary(&compiled)?))
}

/// Whoever reads may stop reading: that is no error.
fn print(text: &str) -> anyhow::Result<ExitCode> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn variables(compiled: &Compiled) -> [(&'static str, &str); 3] {
    [
        ("policy", &compiled.policy),
        ("origin_settings", &compiled.origin_settings),
        ("rum_settings", &compiled.rum_settings),
    ]
}

fn variables_json(compiled: &Compiled) -> anyhow::Result<String> {
    let mut object = serde_json::Map::new();
    for (name, value) in variables(compiled) {
        object.insert(name.into(), value.into());
    }
    Ok(format!("{}\n", serde_json::to_string_pretty(&object)?))
}

/// `SPIN_VARIABLE_POLICY='…'`: what `spin up` reads from its environment.
fn variables_env(compiled: &Compiled) -> String {
    let mut lines = String::new();
    for (name, value) in variables(compiled) {
        let quoted = value.replace('\'', r"'\''");
        let name = name.to_ascii_uppercase();
        // Writing to a string does not fail.
        let _ = writeln!(lines, "SPIN_VARIABLE_{name}='{quoted}'");
    }
    lines
}

/// What the file makes of the layer, in a few words.
fn summary(compiled: &Compiled) -> anyhow::Result<String> {
    let config = &compiled.config;
    let passes = serde_json::to_value(&config.passes)?;
    let passes: Vec<&serde_json::Value> = passes
        .as_object()
        .map(|passes| passes.values().collect())
        .unwrap_or_default();
    let on = passes.iter().filter(|pass| pass["enabled"] == true).count();
    Ok(format!(
        "{}{}, {} templates, {on} of {} passes on, policy {}",
        if config.enabled.0 { "" } else { "off; " },
        config.origin.url,
        config.templates.len(),
        passes.len(),
        compiled.version,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiled(text: &str) -> Compiled {
        config::load("vitrine.toml", text).unwrap()
    }

    #[test]
    fn the_variables_are_the_ones_of_the_manifest() {
        let json: serde_json::Value =
            serde_json::from_str(&variables_json(&compiled("")).unwrap()).unwrap();
        let manifest = include_str!("../../../spin.toml");
        for (name, value) in json.as_object().unwrap() {
            assert!(
                manifest.contains(&format!("\n{name} = {{ default = \"{{}}\" }}")),
                "{name}"
            );
            assert!(value.as_str().unwrap().starts_with('{'), "{name}");
        }
    }

    #[test]
    fn a_style_is_read_from_beside_the_file_that_names_it() {
        let folder = std::env::temp_dir().join(format!("vitrine-check-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("critical")).unwrap();
        std::fs::write(folder.join("critical/other.css"), "h1{color:red}").unwrap();
        let config = folder.join("vitrine.toml");
        let text =
            "[[passes.critical_css.rules]]\ntemplate = \"other\"\nfile = \"critical/other.css\"\n";
        let files = |file: &str| read_beside(&config, file);
        let compiled = config::load_with("vitrine.toml", text, None, &files).unwrap();
        assert!(compiled.policy.contains("\"css\":\"h1{color:red}\""));
        let elsewhere = text.replace("other.css", "none.css");
        let findings = config::load_with("vitrine.toml", &elsewhere, None, &files).unwrap_err();
        assert!(
            findings
                .to_string()
                .contains("critical/none.css: No such file")
        );
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_quote_in_a_value_survives_the_shell() {
        let text =
            "[[passes.size_images.rules]]\nselector = \"a[title='x']\"\nwidth = 1\nheight = 1\n";
        let env = variables_env(&compiled(text));
        assert!(env.contains(r"a[title='\''x'\'']"), "{env}");
        assert_eq!(env.lines().count(), 3);
    }

    #[test]
    fn the_summary_says_what_is_on() {
        let text = "enabled = false\n[passes.inject_rum]\nenabled = false\n";
        let summary = summary(&compiled(text)).unwrap();
        assert!(
            summary.starts_with("off; http://127.0.0.1:3000, 0 templates, "),
            "{summary}"
        );
        let default = vitrine_edge::html::passes::Config::default();
        let names = vitrine_edge::html::passes::NAMES.iter();
        let by_default = names.filter(|name| default.is_enabled(name) == Some(true));
        let of = vitrine_edge::html::passes::NAMES.len();
        let on = by_default.count() - 1;
        assert!(
            summary.contains(&format!("{on} of {of} passes on")),
            "{summary}"
        );
    }
}
