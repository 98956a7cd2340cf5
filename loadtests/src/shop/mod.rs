//! The demo shop: a deterministic, server-rendered storefront with the usual sins, and a second origin that
//! serves the vendors' tags. For the same seed and the same requests it answers the same bytes.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

mod catalog;
mod control;
mod faults;
mod gallery;
mod log;
mod noise;
mod pages;
mod scene;
mod serve;
mod session;
mod styles;
mod third_party;
mod trouble;

pub(crate) use log::now_ms;

/// Arguments of `vitrine-loadtests shop`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Port of the shop, on 127.0.0.1.
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Port of the vendors' origin, on 127.0.0.1.
    #[arg(long, default_value_t = 3001)]
    third_party_port: u16,
    /// Seed of pictures and session names.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Time that the shop takes for each page, in milliseconds.
    #[arg(long, default_value_t = 60)]
    think_ms: u64,
    /// Where rendered pictures are kept. Default: `$VITRINE_CACHE`, or `vitrine` in the user's cache directory.
    #[arg(long)]
    cache: Option<PathBuf>,
    /// Print each request as a JSON line.
    #[arg(long)]
    log: bool,
}

/// Everything that the two origins serve from.
pub(crate) struct Shop {
    theme: pages::Theme,
    sheet: Bytes,
    script: Bytes,
    gallery: gallery::Gallery,
    tags: HashMap<&'static str, (Duration, Bytes)>,
    sessions: session::Sessions,
    rules: faults::Rules,
    log: log::Log,
    think: Duration,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let front = listen(args.port).await?;
    let vendors = listen(args.third_party_port).await?;
    let shop = Arc::new(Shop::open(&args, vendors.local_addr()?)?);
    eprintln!("shop     http://{}", front.local_addr()?);
    eprintln!("vendors  http://{}", vendors.local_addr()?);
    let vendor_shop = Arc::clone(&shop);
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        ended = accept(front, move |request| serve::answer(Arc::clone(&shop), request)) => ended,
        ended = accept(vendors, move |request| serve::vendor(Arc::clone(&vendor_shop), request)) => ended,
        _ = tokio::signal::ctrl_c() => Ok(()),
        _ = terminate.recv() => Ok(()),
    }
}

impl Shop {
    fn open(args: &Args, vendors: SocketAddr) -> anyhow::Result<Self> {
        let vendors = format!("http://{vendors}");
        let cache = args
            .cache
            .clone()
            .map_or_else(crate::cache::directory, Ok)?;
        let tags = third_party::TAGS
            .iter()
            .map(|tag| {
                (
                    tag.path,
                    (tag.latency, third_party::script(tag, &vendors).into()),
                )
            })
            .collect();
        Ok(Self {
            gallery: gallery::open(&cache, args.seed)?,
            theme: pages::Theme {
                vendors,
                css: styles::inline_css(),
            },
            sheet: styles::theme_css().into(),
            script: styles::shop_js().into(),
            tags,
            sessions: session::Sessions::new(args.seed),
            rules: faults::Rules::default(),
            log: log::Log::new(args.log),
            think: Duration::from_millis(args.think_ms),
        })
    }
}

async fn listen(port: u16) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}: is another shop running?"))
}

/// Serves connections until the listener fails.
async fn accept<A, F>(listener: TcpListener, answer: A) -> anyhow::Result<()>
where
    A: Fn(http::Request<hyper::body::Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = std::io::Result<http::Response<serve::Body>>> + Send + 'static,
{
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors: connections that end give some back.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        // Half a page must leave at once, not wait for an acknowledgement of the head.
        stream.set_nodelay(true)?;
        let answer = answer.clone();
        tokio::spawn(async move {
            let service = service_fn(answer);
            // A connection that breaks is the client's business, or a fault asked for.
            let _ = http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}
