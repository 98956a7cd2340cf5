//! Counters, and their rendering as Prometheus text.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use super::handler::Fate;

/// Upper bounds of the duration buckets, in microseconds.
const BUCKETS_US: [u64; 12] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000,
    30_000_000,
];

/// Counters of one component.
#[derive(Default)]
pub(crate) struct Component {
    /// Responses by class: 1xx to 5xx.
    classes: [AtomicU64; 5],
    buckets: [AtomicU64; BUCKETS_US.len()],
    sum_us: AtomicU64,
    count: AtomicU64,
    instances: AtomicI64,
    instances_started: AtomicU64,
    traps: AtomicU64,
    timeouts: AtomicU64,
    outbound: AtomicU64,
    refused: AtomicU64,
}

impl Component {
    /// A response head left, after this long.
    pub(crate) fn responded(&self, status: u16, after: Duration) {
        let class = usize::from(status / 100).clamp(1, 5) - 1;
        self.classes[class].fetch_add(1, Ordering::Relaxed);
        let us = after.as_micros() as u64;
        if let Some(bucket) = BUCKETS_US.iter().position(|bound| us <= *bound) {
            self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        }
        self.sum_us.fetch_add(us, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn instance_started(&self) {
        self.instances.fetch_add(1, Ordering::Relaxed);
        self.instances_started.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn instance_ended(&self) {
        self.instances.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn instance_failed(&self, fate: Fate) {
        match fate {
            Fate::TimedOut => self.timeouts.fetch_add(1, Ordering::Relaxed),
            Fate::Trapped | Fate::Sound => self.traps.fetch_add(1, Ordering::Relaxed),
        };
    }

    pub(crate) fn outbound(&self) {
        self.outbound.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }
}

/// Counters of the host.
#[derive(Default)]
pub(crate) struct Host {
    pub(crate) bypass: AtomicU64,
    pub(crate) overload: AtomicU64,
    pub(crate) reloads: AtomicU64,
    pub(crate) reload_failures: AtomicU64,
    pub(crate) in_work: AtomicI64,
    pub(crate) connections: AtomicI64,
}

/// What the memory store reports.
#[derive(Default)]
pub(crate) struct Store {
    pub(crate) hits: AtomicU64,
    pub(crate) misses: AtomicU64,
    pub(crate) evictions: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) entries: AtomicU64,
}

struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string does not fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn value(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) {
        self.head(name, kind, help);
        self.value(name, "", value);
    }

    fn each(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        components: &[(Arc<str>, Arc<Component>)],
        of: impl Fn(&Component) -> i64,
    ) {
        self.head(name, kind, help);
        for (component, metrics) in components {
            self.value(name, &format!("{{component=\"{component}\"}}"), of(metrics));
        }
    }
}

/// The text of `/_v/metrics`.
pub(crate) fn render(
    components: &[(Arc<str>, Arc<Component>)],
    host: &Host,
    store: &Store,
    log_dropped: u64,
) -> String {
    let mut text = Text(String::with_capacity(8 << 10));
    requests(&mut text, components);
    instances(&mut text, components);
    of_host(&mut text, host, log_dropped);
    of_store(&mut text, store);
    text.0
}

fn instances(text: &mut Text, components: &[(Arc<str>, Arc<Component>)]) {
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as i64;
    text.each(
        "vitrine_instances",
        "gauge",
        "Component instances alive.",
        components,
        |c| c.instances.load(Ordering::Relaxed),
    );
    text.each(
        "vitrine_instances_started_total",
        "counter",
        "Component instances started.",
        components,
        |c| count(&c.instances_started),
    );
    text.each(
        "vitrine_traps_total",
        "counter",
        "Instances that ended in a trap.",
        components,
        |c| count(&c.traps),
    );
    text.each(
        "vitrine_timeouts_total",
        "counter",
        "Instances that ran out of time.",
        components,
        |c| count(&c.timeouts),
    );
    text.each(
        "vitrine_outbound_requests_total",
        "counter",
        "Requests that a component sent.",
        components,
        |c| count(&c.outbound),
    );
    text.each(
        "vitrine_outbound_refused_total",
        "counter",
        "Requests outside allowed_outbound_hosts.",
        components,
        |c| count(&c.refused),
    );
}

fn of_host(text: &mut Text, host: &Host, log_dropped: u64) {
    let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    text.single(
        "vitrine_bypass_total",
        "counter",
        "Pages answered by the origin because a component failed.",
        get(&host.bypass),
    );
    text.single(
        "vitrine_overload_total",
        "counter",
        "Requests answered 503 because of a limit.",
        get(&host.overload),
    );
    text.single(
        "vitrine_requests_in_work",
        "gauge",
        "Requests in work.",
        host.in_work.load(Ordering::Relaxed),
    );
    text.single(
        "vitrine_connections",
        "gauge",
        "Open client connections.",
        host.connections.load(Ordering::Relaxed),
    );
    text.single(
        "vitrine_config_reloads_total",
        "counter",
        "Configurations taken over while running.",
        get(&host.reloads),
    );
    text.single(
        "vitrine_config_reload_failures_total",
        "counter",
        "Configurations that were wrong and not taken over.",
        get(&host.reload_failures),
    );
    text.single(
        "vitrine_log_dropped_total",
        "counter",
        "Log lines dropped because the writer was behind.",
        log_dropped,
    );
}

fn of_store(text: &mut Text, store: &Store) {
    let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    text.single(
        "vitrine_kv_hits_total",
        "counter",
        "Reads of the memory store that found a value.",
        get(&store.hits),
    );
    text.single(
        "vitrine_kv_misses_total",
        "counter",
        "Reads of the memory store that found none.",
        get(&store.misses),
    );
    text.single(
        "vitrine_kv_evictions_total",
        "counter",
        "Values evicted from the memory store.",
        get(&store.evictions),
    );
    text.single(
        "vitrine_kv_bytes",
        "gauge",
        "Bytes in the memory store.",
        get(&store.bytes),
    );
    text.single(
        "vitrine_kv_entries",
        "gauge",
        "Values in the memory store.",
        get(&store.entries),
    );
}

fn requests(text: &mut Text, components: &[(Arc<str>, Arc<Component>)]) {
    text.head(
        "vitrine_requests_total",
        "counter",
        "Responses by component and status class.",
    );
    for (component, metrics) in components {
        for (index, class) in metrics.classes.iter().enumerate() {
            let labels = format!("{{component=\"{component}\",class=\"{}xx\"}}", index + 1);
            text.value(
                "vitrine_requests_total",
                &labels,
                class.load(Ordering::Relaxed),
            );
        }
    }
    let name = "vitrine_first_byte_seconds";
    text.head(
        name,
        "histogram",
        "From the request head to the response head.",
    );
    for (component, metrics) in components {
        let mut below = 0;
        for (bound, bucket) in BUCKETS_US.iter().zip(&metrics.buckets) {
            below += bucket.load(Ordering::Relaxed);
            let bound = *bound as f64 / 1e6;
            text.value(
                &format!("{name}_bucket"),
                &format!("{{component=\"{component}\",le=\"{bound}\"}}"),
                below,
            );
        }
        let count = metrics.count.load(Ordering::Relaxed);
        text.value(
            &format!("{name}_bucket"),
            &format!("{{component=\"{component}\",le=\"+Inf\"}}"),
            count,
        );
        let sum = metrics.sum_us.load(Ordering::Relaxed) as f64 / 1e6;
        text.value(
            &format!("{name}_sum"),
            &format!("{{component=\"{component}\"}}"),
            sum,
        );
        text.value(
            &format!("{name}_count"),
            &format!("{{component=\"{component}\"}}"),
            count,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative_and_classes_are_separate() {
        let component = Arc::new(Component::default());
        component.responded(200, Duration::from_micros(400));
        component.responded(404, Duration::from_micros(900));
        component.responded(200, Duration::from_mins(1));
        let text = render(
            &[("edge".into(), component)],
            &Host::default(),
            &Store::default(),
            0,
        );
        for line in [
            "vitrine_requests_total{component=\"edge\",class=\"2xx\"} 2",
            "vitrine_requests_total{component=\"edge\",class=\"4xx\"} 1",
            "vitrine_first_byte_seconds_bucket{component=\"edge\",le=\"0.0005\"} 1",
            "vitrine_first_byte_seconds_bucket{component=\"edge\",le=\"0.001\"} 2",
            "vitrine_first_byte_seconds_bucket{component=\"edge\",le=\"30\"} 2",
            "vitrine_first_byte_seconds_bucket{component=\"edge\",le=\"+Inf\"} 3",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
    }
}
