//! The shop dies, stalls or breaks off in the middle of a page: the visitor must be able to tell, and must not wait.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};

use crate::client::{self, Answer};
use crate::stage::{Scene, Stage};

/// Arguments of `vitrine-loadtests chaos`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    scene: Scene,
}

/// The longest silence between two pieces of a body that Vitrine allows by default.
const SILENCE: Duration = Duration::from_secs(15);
/// What a busy machine may add to any limit.
const SLACK: Duration = Duration::from_secs(3);
/// A dead shop is noticed by a refused connection, so the answer comes at once.
const DOWN: Duration = Duration::from_secs(3);
/// The breaker lets a probe through after 5 s.
const RECOVERY: Duration = Duration::from_secs(20);

const PATHS: [&str; 3] = ["/p/ember-mug", "/media/hero.jpg", "/assets/shop.js"];
const ENCODINGS: [&str; 2] = ["identity", "br"];

pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let mut stage = Stage::set(&args.scene).await?;
    let outcome = scenes(&mut stage, &args.scene).await;
    stage.strike().await;
    outcome
}

async fn scenes(stage: &mut Stage, scene: &Scene) -> anyhow::Result<()> {
    for path in PATHS {
        for encoding in ENCODINGS {
            killed(stage, scene, path, encoding)
                .await
                .with_context(|| format!("kill -9 during {path} ({encoding})"))?;
            broken(stage, path, encoding, "truncate", SLACK).await?;
        }
        broken(stage, path, "identity", "stall", SILENCE + SLACK).await?;
    }
    down(stage, scene).await
}

/// The shop is killed when the visitor has half of the answer.
async fn killed(
    stage: &mut Stage,
    scene: &Scene,
    path: &str,
    encoding: &'static str,
) -> anyhow::Result<()> {
    let url = format!("{}{path}?__fault=half=60000", stage.vitrine);
    let visitor = tokio::spawn(fetch(url, encoding));
    tokio::time::sleep(Duration::from_millis(1500)).await;
    ensure!(
        !visitor.is_finished(),
        "the answer ended before the shop was killed"
    );
    let killed = Instant::now();
    stage.kill_shop().await?;
    let answer = visitor.await??;
    let waited = killed.elapsed();
    ensure!(
        is_told(&answer),
        "half of the answer ({} bytes) was passed off as the whole",
        answer.body.len()
    );
    ensure!(
        waited < SLACK,
        "the visitor waited {waited:.1?} after the shop had died"
    );
    eprintln!(
        "ok   kill -9 during {path} ({encoding}): told {waited:.1?} later, by status {} and {} bytes",
        answer.status,
        answer.body.len()
    );
    stage.open_shop(scene).await?;
    healthy(stage).await.map(drop)
}

/// Whether the visitor's browser knows that this is not the whole: the body breaks off, or, where the break came before
/// the layer had answered (an image is read whole first), the answer is an error.
fn is_told(answer: &Answer) -> bool {
    answer.broken.is_some() || answer.status.is_server_error()
}

/// A body that the shop breaks off, or stops sending, breaks off for the visitor too.
async fn broken(
    stage: &Stage,
    path: &str,
    encoding: &'static str,
    fault: &str,
    limit: Duration,
) -> anyhow::Result<()> {
    let started = Instant::now();
    let answer = fetch(format!("{}{path}?__fault={fault}", stage.vitrine), encoding).await;
    let waited = started.elapsed();
    ensure!(
        answer.as_ref().map_or(true, is_told),
        "{fault} of {path} ({encoding}): half an answer was passed off as the whole"
    );
    ensure!(
        waited < limit,
        "{fault} of {path} ({encoding}): the visitor waited {waited:.1?}, the limit is {limit:?}"
    );
    eprintln!("ok   {fault} of {path} ({encoding}): told after {waited:.1?}");
    Ok(())
}

/// Without a shop there is a clear answer at once, and with it again there is the shop.
async fn down(stage: &mut Stage, scene: &Scene) -> anyhow::Result<()> {
    stage.kill_shop().await?;
    for path in ["/", "/p/ember-mug"] {
        let started = Instant::now();
        let answer = fetch(format!("{}{path}", stage.vitrine), "identity").await?;
        let waited = started.elapsed();
        ensure!(
            answer.status.is_server_error(),
            "{path} without a shop: {}",
            answer.status
        );
        ensure!(
            answer.headers.contains_key(header::RETRY_AFTER),
            "{path} without a shop: no Retry-After"
        );
        ensure!(
            answer.broken.is_none() && !answer.body.is_empty(),
            "{path} without a shop: no error page"
        );
        ensure!(
            waited < DOWN,
            "{path} without a shop: told after {waited:.1?}"
        );
        eprintln!(
            "ok   {path} without a shop: {} after {waited:.1?}",
            answer.status
        );
    }
    stage.open_shop(scene).await?;
    let recovered = healthy(stage).await?;
    eprintln!("ok   the shop is back: served {recovered:.1?} after its restart");
    Ok(())
}

/// Waits until pages come again.
async fn healthy(stage: &Stage) -> anyhow::Result<Duration> {
    let started = Instant::now();
    loop {
        let answer = fetch(format!("{}/c/pantry", stage.vitrine), "identity").await;
        if answer.is_ok_and(|answer| answer.status.is_success() && answer.broken.is_none()) {
            return Ok(started.elapsed());
        }
        ensure!(
            started.elapsed() < RECOVERY,
            "the shop is back, but not served after {RECOVERY:?}"
        );
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

async fn fetch(url: String, encoding: &'static str) -> anyhow::Result<Answer> {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(encoding));
    headers.insert(
        header::ACCEPT,
        HeaderValue::from_static("text/html,image/jpeg,*/*;q=0.8"),
    );
    client::request(Method::GET, &url, &headers, Bytes::new()).await
}
