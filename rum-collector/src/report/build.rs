//! From page views to a report.

use std::collections::BTreeSet;

use super::source::{Dataset, Group, Key};
use super::stats::{Q, Sample};
use super::{Arm, ArmCell, Bin, Cell, Day, Limits, Metric, Quality, Report, Summary, Window};
use crate::visitor::Device;

/// Bins of a histogram: the last is open.
const BINS: u32 = 24;

/// Makes a report.
pub fn build(dataset: &Dataset, window: Window, site: Option<&str>, limits: Limits) -> Report {
    let has = |arm: &str| {
        dataset
            .groups
            .keys()
            .any(|key| key.holdback.as_deref() == Some(arm))
    };
    let holdback = has("control") && has("treatment");
    let cells = cells(dataset)
        .into_iter()
        .map(|(template, device)| cell(dataset, template, device, holdback, limits))
        .collect();
    let days = dataset.days.iter().map(|(day, sample)| Day {
        day: *day,
        lcp: summary(Metric::Lcp, sample, usize::MAX, limits),
    });
    Report {
        site: site.map(str::to_owned),
        window,
        limits,
        holdback,
        cells,
        days: days.collect(),
        quality: quality(dataset),
    }
}

type Scope<'a> = (Option<&'a str>, Option<&'a str>);

/// All; by device; by template; by both.
fn cells(dataset: &Dataset) -> Vec<Scope<'_>> {
    let templates: BTreeSet<&str> = dataset
        .groups
        .keys()
        .map(|key| key.template.as_str())
        .collect();
    let devices: BTreeSet<&str> = dataset
        .groups
        .keys()
        .map(|key| key.device.as_str())
        .collect();
    // Telephones first, where most visitors are.
    let order = [Device::Phone, Device::Tablet, Device::Desktop].map(Device::word);
    let devices = || order.into_iter().filter(|device| devices.contains(device));
    let mut cells = vec![(None, None)];
    cells.extend(devices().map(|device| (None, Some(device))));
    for template in templates {
        cells.push((Some(template), None));
        let seen = |device: &str| {
            dataset
                .groups
                .keys()
                .any(|key| key.template == template && key.device == device)
        };
        cells.extend(
            devices()
                .filter(|d| seen(d))
                .map(|device| (Some(template), Some(device))),
        );
    }
    cells
}

fn cell(
    dataset: &Dataset,
    template: Option<&str>,
    device: Option<&str>,
    holdback: bool,
    limits: Limits,
) -> Cell {
    let arms: &[Arm] = if holdback {
        &[Arm::All, Arm::Treatment, Arm::Control]
    } else {
        &[Arm::All]
    };
    let within = |key: &Key, arm: Arm| {
        template.is_none_or(|template| key.template == template)
            && device.is_none_or(|device| key.device == device)
            && (arm == Arm::All || key.holdback.as_deref() == Some(arm.word()))
    };
    let arms = arms.iter().map(|arm| {
        let groups = dataset.groups.iter().filter(|(key, _)| within(key, *arm));
        arm_cell(*arm, groups.map(|(_, group)| group), limits)
    });
    Cell {
        template: template.map(str::to_owned),
        device: device.map(str::to_owned),
        arms: arms.collect(),
    }
}

fn arm_cell<'a>(arm: Arm, groups: impl Iterator<Item = &'a Group>, limits: Limits) -> ArmCell {
    let mut whole = Group::default();
    for group in groups {
        whole.views += group.views;
        whole.buckets.extend(&group.buckets);
        for (metric, sample) in &group.samples {
            whole.samples.entry(*metric).or_default().merge(sample);
        }
    }
    let buckets = whole.buckets.len();
    let nothing = Sample::default();
    let metrics = Metric::ALL.iter().map(|metric| {
        let sample = whole.samples.get(metric).unwrap_or(&nothing);
        summary(*metric, sample, buckets, limits)
    });
    ArmCell {
        arm,
        views: whole.views,
        buckets,
        metrics: metrics.collect(),
    }
}

fn summary(metric: Metric, sample: &Sample, buckets: usize, limits: Limits) -> Summary {
    let hidden = sample.n() == 0 || buckets < limits.min_buckets;
    let printed = !hidden && sample.n() >= limits.min_n;
    Summary {
        metric,
        n: sample.n(),
        n_eff: sample.n_eff(),
        p75: printed.then(|| sample.estimate(Q)).flatten(),
        shares: printed
            .then(|| sample.shares(metric.thresholds()))
            .flatten(),
        histogram: if printed {
            histogram(metric, sample)
        } else {
            Vec::new()
        },
    }
}

/// Equal bins of a width that both thresholds are a multiple of, reaching well past the poor one.
fn histogram(metric: Metric, sample: &Sample) -> Vec<Bin> {
    let width = match metric {
        Metric::Lcp | Metric::Cls => 250,
        Metric::Inp => 50,
        Metric::Fcp => 200,
        Metric::Ttfb => 100,
    };
    let mut weights = vec![0_u64; BINS as usize];
    for (value, weight) in sample.weights() {
        // A threshold belongs to the better side, so bins are open below and closed above.
        let bin = (value.saturating_sub(1) / width).min(BINS - 1);
        if let Some(sum) = weights.get_mut(bin as usize) {
            *sum += weight;
        }
    }
    let whole = sample.weight().max(1) as f64;
    let bin = |(at, weight): (u32, u64)| Bin {
        start: at * width,
        end: (at + 1 < BINS).then_some((at + 1) * width),
        density: weight as f64 / whole,
    };
    (0..BINS).zip(weights).map(bin).collect()
}

fn quality(dataset: &Dataset) -> Quality {
    let views: u64 = dataset.groups.values().map(|group| group.views).sum();
    let share = |n: u64| n as f64 / views.max(1) as f64;
    let coverage = Metric::ALL.map(|metric| {
        let n = dataset
            .groups
            .values()
            .filter_map(|group| group.samples.get(&metric))
            .map(Sample::n)
            .sum();
        (metric, share(n))
    });
    let pairs = |map: &std::collections::BTreeMap<String, u64>| {
        map.iter().map(|(name, n)| (name.clone(), *n)).collect()
    };
    Quality {
        beacons: pairs(&dataset.beacons),
        navigations: pairs(&dataset.navigations),
        coverage: coverage.to_vec(),
        updated: share(dataset.updated),
        bots: dataset.bots,
    }
}
