//! `vitrine up`: runs the layer until it is told to stop.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

use crate::host::front::Front;
use crate::host::load::{self, Cpu, Place};
use crate::host::log::Log;
use crate::host::manifest::Manifest;
use crate::host::values::{Merchant, Sources};
use crate::host::{embedded, server};

/// Arguments of `vitrine up`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The Spin manifest. Default: ./spin.toml if there is one, else the application inside this binary.
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// The merchant's file, read again whenever it changes. Default: ./vitrine.toml if there is one.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The shop's own address; it wins over the one in the merchant's file.
    #[arg(long, value_name = "URL")]
    origin: Option<String>,
    /// The address to listen on.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4000")]
    listen: SocketAddr,
    /// Certificate chain (PEM); with --tls-key it makes the address https, with HTTP/2.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key (PEM) of the certificate.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Keys, databases and compiled code of this installation.
    #[arg(long, value_name = "DIRECTORY", default_value = ".vitrine")]
    state_dir: PathBuf,
    /// Sets a variable of the manifest, as does the environment variable `VITRINE_VAR_NAME`.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Memory for the key-value store `cache`, in MiB. The least recently used values go first.
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    cache_mib: u32,
    /// Largest `SQLite` file in the state directory, in MiB. A full one gives errors, never waits.
    #[arg(long, value_name = "MIB", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    state_mib: u32,
    /// Writes the access log to a file instead of standard output.
    #[arg(long, value_name = "FILE")]
    access_log: Option<PathBuf>,
    /// No access log; problems are still written.
    #[arg(long, conflicts_with = "access_log")]
    quiet: bool,
}

/// How often the merchant's file is looked at.
const WATCH: Duration = Duration::from_secs(1);

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    std::fs::create_dir_all(&args.state_dir)
        .with_context(|| format!("cannot create {}", args.state_dir.display()))?;
    let tls = match (&args.tls_cert, &args.tls_key) {
        (Some(cert), Some(key)) => Some(server::tls(cert, key)?),
        _ => None,
    };
    let (manifest, place) = application(args)?;
    let name = manifest.name.clone();
    let sources = Sources::new(&manifest, &args.set, &args.state_dir)?;
    let mut merchant = Merchant::new(config_path(args), args.origin.clone());
    let compiled = merchant
        .load()?
        .map_err(|findings| anyhow::anyhow!("{}", findings.render(false).trim_end()))?;
    for warning in compiled.warnings.lines() {
        eprintln!("warning: {warning}");
    }
    let values = sources.compose(&compiled)?;
    let (main, heavy, cpu) = runtimes()?;
    let log = Log::new(log_sink(args)?, !args.quiet);
    let front = {
        let _inside = main.enter();
        Arc::new(load::application(manifest, &place, &cpu, log.clone())?)
    };
    front.shared.swap(&values);
    announce(args, &name, &sources, merchant.path());
    for (route, component) in front.routes() {
        eprintln!("  {route} -> {component}");
    }
    let result = main.block_on(async {
        let listener = server::bind(args.listen).await?;
        let address = listener.local_addr()?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        eprintln!(
            "Vitrine serves {scheme}://{address} (started in {} ms)",
            started.elapsed().as_millis()
        );
        let watching = tokio::spawn(watch(merchant, sources, Arc::clone(&front)));
        let shared = Arc::clone(&front.shared);
        server::serve(listener, tls, front, stop()?).await;
        shared.stop();
        watching.abort();
        anyhow::Ok(())
    });
    log.flush();
    // Guests that are still busy must not keep the process.
    for runtime in heavy {
        runtime.shutdown_background();
    }
    main.shutdown_background();
    result?;
    Ok(ExitCode::SUCCESS)
}

/// The manifest, and where its components are.
fn application(args: &Args) -> anyhow::Result<(Manifest, Place)> {
    let place = |directory: PathBuf, embedded| Place {
        directory,
        embedded,
        state: args.state_dir.clone(),
        cache_budget: (args.cache_mib as usize) << 20,
        state_limit: u64::from(args.state_mib) << 20,
    };
    let beside = Path::new("spin.toml");
    let path = args
        .manifest
        .clone()
        .or_else(|| beside.is_file().then(|| beside.to_owned()));
    let Some(path) = path else {
        let (manifest, components) = embedded::application().context(
            "no spin.toml here, and this binary carries no components: build it with VITRINE_EMBED set, or give --manifest",
        )?;
        return Ok((
            Manifest::parse("(embedded) spin.toml", manifest)?,
            place(PathBuf::new(), components),
        ));
    };
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let manifest = Manifest::parse(&path.display().to_string(), &text)?;
    let directory = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    Ok((manifest, place(directory, &[])))
}

fn config_path(args: &Args) -> Option<PathBuf> {
    let beside = Path::new("vitrine.toml");
    args.config
        .clone()
        .or_else(|| beside.is_file().then(|| beside.to_owned()))
}

/// One runtime for requests, and two of fewer threads for components that burn CPU: one for what a visitor waits for, who
/// gets the original when it takes too long, and one for the rest. Both step back: whoever asks for a page does not wait
/// for another visitor's picture.
fn runtimes() -> anyhow::Result<(Runtime, [Runtime; 2], Cpu)> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = (cores / 2).max(1);
    let main = Builder::new_multi_thread()
        .enable_all()
        .thread_name("vitrine")
        .build()?;
    let heavy = Builder::new_multi_thread()
        .enable_all()
        .worker_threads(threads)
        .thread_name("vitrine-cpu")
        .on_thread_start(|| step_back(NICE))
        .build()?;
    let background = Builder::new_multi_thread()
        .enable_all()
        .worker_threads(threads)
        .thread_name("vitrine-later")
        .on_thread_start(|| step_back(NICEST))
        .build()?;
    let cpu = Cpu {
        runtime: heavy.handle().clone(),
        background: background.handle().clone(),
        threads,
    };
    Ok((main, [heavy, background], cpu))
}

/// How far the threads for pictures step back, as `nice` counts.
const NICE: i32 = 10;
/// The same for what nobody waits for.
const NICEST: i32 = 19;

/// Lets every other thread go first. On Linux a priority is a thread's own; elsewhere it is the whole process's, and
/// stays.
fn step_back(nice: i32) {
    // A thread that may not still does its work.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, nice);
    #[cfg(not(target_os = "linux"))]
    let _ = nice;
}

fn log_sink(args: &Args) -> anyhow::Result<Box<dyn Write + Send>> {
    let Some(path) = &args.access_log else {
        return Ok(Box::new(std::io::stdout()));
    };
    let file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(Box::new(file))
}

fn announce(args: &Args, name: &str, sources: &Sources, config: Option<&Path>) {
    eprintln!("application {name}");
    match config {
        Some(path) => eprintln!(
            "configuration {} (read again when it changes)",
            path.display()
        ),
        None => eprintln!("no vitrine.toml: defaults"),
    }
    if sources.is_generated("operator_token") {
        eprintln!(
            "operator token in {}",
            args.state_dir.join("operator_token").display()
        );
    }
}

/// Takes over a changed merchant file; a wrong one is reported and the old values stay.
async fn watch(mut merchant: Merchant, sources: Sources, front: Arc<Front>) {
    loop {
        tokio::time::sleep(WATCH).await;
        if !merchant.changed() {
            continue;
        }
        let metrics = &front.shared.host_metrics;
        let outcome = match merchant.load() {
            Ok(Ok(compiled)) => sources.compose(&compiled),
            Ok(Err(findings)) => Err(anyhow::anyhow!("{}", findings.render(false).trim_end())),
            Err(error) => Err(error),
        };
        match outcome {
            Ok(values) => {
                front.shared.swap(&values);
                metrics.reloads.fetch_add(1, Ordering::Relaxed);
                eprintln!("configuration taken over");
            }
            Err(error) => {
                metrics.reload_failures.fetch_add(1, Ordering::Relaxed);
                front.shared.log.problem(
                    "host",
                    "configuration not taken over",
                    &format!("{error:#}"),
                );
                eprintln!("configuration not taken over, the old one stays:\n{error:#}");
            }
        }
    }
}

/// Resolves on SIGINT or SIGTERM.
fn stop() -> anyhow::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        eprintln!("stopping");
    })
}
