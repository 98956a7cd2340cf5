//! A closed loop: so many visitors, each asking again as soon as it has its answer, or once in a while, over connections
//! that stay open.

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use serde::Serialize;
use tokio::time::MissedTickBehavior;

use crate::client::Connection;

/// Arguments of `vitrine-loadtests load`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What is asked for, again and again.
    url: Uri,
    /// A header of every request, as `name: value`. May be given several times.
    #[arg(long, value_parser = header)]
    header: Vec<(HeaderName, HeaderValue)>,
    /// Visitors at the same time.
    #[arg(long, default_value_t = 8)]
    visitors: usize,
    /// How long, in seconds.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// A visitor asks once in so many milliseconds, instead of as soon as it has its answer.
    #[arg(long)]
    every_ms: Option<u64>,
}

fn header(line: &str) -> anyhow::Result<(HeaderName, HeaderValue)> {
    let (name, value) = line
        .split_once(':')
        .with_context(|| format!("`{line}` is not `name: value`"))?;
    Ok((name.trim().parse()?, value.trim().parse()?))
}

/// Prints an [`Outcome`] as JSON.
pub(crate) async fn measure(args: Args) -> anyhow::Result<()> {
    let address = args.url.to_string();
    let path = args.url.path_and_query().map_or("/", |path| path.as_str());
    let plan = Plan {
        base: address.strip_suffix(path).unwrap_or(&address).to_owned(),
        path: path.to_owned(),
        headers: args.header.into_iter().collect(),
        visitors: args.visitors.max(1),
        requests: usize::MAX,
        time: Duration::from_secs(args.seconds),
        every: args.every_ms.map(Duration::from_millis),
    };
    let text = serde_json::to_string(&run(&plan).await?)?;
    writeln!(std::io::stdout(), "{text}")?;
    Ok(())
}

/// What one run asks for.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) base: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) visitors: usize,
    /// The run ends at whichever comes first.
    pub(crate) requests: usize,
    pub(crate) time: Duration,
    /// A visitor asks once in this time. `None`: as soon as it has its answer.
    pub(crate) every: Option<Duration>,
}

/// What one run showed.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) requests: usize,
    pub(crate) errors: usize,
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) body_bytes: usize,
}

/// Runs a plan to its end.
pub(crate) async fn run(plan: &Plan) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    let share = plan.requests.div_ceil(plan.visitors);
    let visitors: Vec<_> = (0..plan.visitors)
        .map(|_| tokio::spawn(visitor(plan.clone(), share, started + plan.time)))
        .collect();
    let (mut times, mut errors, mut body_bytes) = (Vec::new(), 0, 0);
    for visitor in visitors {
        let (own, failed, bytes) = visitor
            .await?
            .with_context(|| format!("load on {}{}", plan.base, plan.path))?;
        times.extend(own);
        errors += failed;
        body_bytes = body_bytes.max(bytes);
    }
    let elapsed = started.elapsed();
    ensure!(
        !times.is_empty(),
        "{}{}: no request was answered",
        plan.base,
        plan.path
    );
    times.sort_unstable();
    Ok(Outcome {
        requests: times.len(),
        errors,
        per_second: rounded(times.len() as f64 / elapsed.as_secs_f64()),
        p50_ms: rounded(rank(&times, 0.50).as_secs_f64() * 1e3),
        p99_ms: rounded(rank(&times, 0.99).as_secs_f64() * 1e3),
        body_bytes,
    })
}

async fn visitor(
    plan: Plan,
    requests: usize,
    until: Instant,
) -> anyhow::Result<(Vec<Duration>, usize, usize)> {
    let mut connection = Connection::open(&plan.base).await?;
    let mut pace = plan.every.map(|every| {
        let mut pace = tokio::time::interval(every);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        pace
    });
    let (mut times, mut errors, mut bytes) = (Vec::new(), 0, 0);
    while times.len() + errors < requests && Instant::now() < until {
        if let Some(pace) = &mut pace {
            pace.tick().await;
        }
        match connection
            .send(Method::GET, &plan.path, &plan.headers, Bytes::new())
            .await
        {
            Ok(answer) if answer.status.is_success() && answer.broken.is_none() => {
                bytes = answer.body.len();
                times.push(answer.took);
            }
            Ok(_) => errors += 1,
            Err(_) => {
                errors += 1;
                connection = Connection::open(&plan.base).await?;
            }
        }
    }
    Ok((times, errors, bytes))
}

/// Nearest rank: the smallest value with at least this share at or below it.
fn rank(sorted: &[Duration], share: f64) -> Duration {
    let at = (sorted.len() as f64 * share).ceil() as usize;
    sorted[at.clamp(1, sorted.len()) - 1]
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// The run in the middle by requests a second.
pub(crate) fn middle(mut runs: Vec<Outcome>) -> Option<Outcome> {
    runs.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
    let at = runs.len() / 2;
    (at < runs.len()).then(|| runs.swap_remove(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_value_that_was_measured() {
        let times: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(rank(&times, 0.5), Duration::from_millis(100));
        assert_eq!(rank(&times, 0.99), Duration::from_millis(198));
        assert_eq!(rank(&times[..1], 0.99), Duration::from_millis(1));
    }
}
