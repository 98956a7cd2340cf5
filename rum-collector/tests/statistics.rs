//! Known answers of the statistics.
#![cfg(feature = "report")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde::Deserialize;
use vitrine_rum_collector::report::stats::{
    Count, Estimate, Sample, coverage, difference, exact_ranks, ratio_variance,
};

#[derive(Deserialize)]
struct KnownAnswers {
    quantile_ci_binomial: Vec<Ranks>,
    cluster_ratio_variance: Clusters,
    weighted_p75: Weighted,
}

#[derive(Deserialize)]
struct Ranks {
    n: u64,
    q: f64,
    alpha: f64,
    lower_rank: u64,
    upper_rank: u64,
    coverage: f64,
}

#[derive(Deserialize)]
struct Clusters {
    #[serde(rename = "S")]
    sums: Vec<f64>,
    #[serde(rename = "N")]
    sizes: Vec<f64>,
    var: f64,
}

#[derive(Deserialize)]
struct Weighted {
    values: Vec<u32>,
    weights: Vec<u64>,
    expect: u32,
}

fn known_answers() -> KnownAnswers {
    serde_json::from_str(include_str!("data/known-answers.json")).unwrap()
}

fn sample(values: impl IntoIterator<Item = (u32, u64)>) -> Sample {
    let mut sample = Sample::default();
    for (value, weight) in values {
        sample.add(value, Count::of(weight));
    }
    sample
}

#[test]
fn exact_ranks_are_the_known_ones_and_cover_as_much() {
    for known in known_answers().quantile_ci_binomial {
        let ranks = exact_ranks(known.n, known.q, known.alpha);
        assert_eq!(
            ranks,
            (known.lower_rank, known.upper_rank),
            "n = {}",
            known.n
        );
        let covered = coverage(known.n, known.q, ranks);
        assert!(
            (covered - known.coverage).abs() < 1e-9,
            "n = {}: {covered}",
            known.n
        );
    }
}

#[test]
fn the_variance_over_clusters_is_the_known_one() {
    let Clusters { sums, sizes, var } = known_answers().cluster_ratio_variance;
    let clusters: Vec<(f64, f64)> = sums.into_iter().zip(sizes).collect();
    assert!((ratio_variance(&clusters) - var).abs() < 1e-12);
}

#[test]
fn the_weighted_p75_is_the_smallest_value_that_reaches_three_quarters() {
    let Weighted {
        values,
        weights,
        expect,
    } = known_answers().weighted_p75;
    let sample = sample(values.into_iter().zip(weights));
    assert_eq!(sample.quantile(0.75), Some(expect));
}

#[test]
fn the_p75_is_a_nearest_rank() {
    for (n, p75) in [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (100, 75), (101, 76)] {
        let sample = sample((1..=n).map(|value| (value, 1)));
        assert_eq!(sample.quantile(0.75), Some(p75), "n = {n}");
    }
    assert_eq!(Sample::default().quantile(0.75), None);
}

#[test]
fn an_interval_is_of_the_exact_ranks_and_open_where_the_data_end() {
    let hundred = sample((1..=100).map(|value| (value, 1)));
    let expected = Estimate {
        value: 75,
        low: Some(66),
        high: Some(84),
    };
    assert_eq!(hundred.estimate(0.75), Some(expected));
    let five = sample((1..=5).map(|value| (value, 1)))
        .estimate(0.75)
        .unwrap();
    assert_eq!((five.value, five.high), (4, None));
}

#[test]
fn equal_weights_change_neither_p75_nor_interval() {
    let once = sample((1..=400).map(|value| (value, 1)));
    let tenfold = sample((1..=400).map(|value| (value, 10)));
    assert_eq!(once.estimate(0.75), tenfold.estimate(0.75));
    assert!((tenfold.n_eff() - 400.0).abs() < 1e-9);
}

#[test]
fn unequal_weights_widen_the_interval_by_what_they_cost() {
    let n_eff = |s: &Sample| s.n_eff();
    let even = sample((1..=2_000).map(|value| (value, 1)));
    let uneven = sample((1..=2_000).map(|value| (value, if value % 2 == 0 { 1 } else { 10 })));
    // (11·1000)² / (101·1000)
    assert!((n_eff(&uneven) - 121_000_000.0 / 101_000.0).abs() < 1e-6);
    let width = |s: &Sample| {
        let estimate = s.estimate(0.75).unwrap();
        estimate.high.unwrap() - estimate.low.unwrap()
    };
    let ratio = f64::from(width(&uneven)) / f64::from(width(&even));
    let expected = (2_000.0 / n_eff(&uneven)).sqrt();
    assert!(
        (ratio / expected - 1.0).abs() < 0.1,
        "{ratio} beside {expected}"
    );
}

#[test]
fn beyond_the_exact_ranks_the_normal_ones_differ_by_at_most_one() {
    let exact = sample((1..=100_000).map(|value| (value, 1)))
        .estimate(0.75)
        .unwrap();
    // One value of another weight, so that the ranks are the normal ones.
    let normal = sample((1..=100_000).map(|value| (value, if value == 1 { 2 } else { 1 })));
    let normal = normal.estimate(0.75).unwrap();
    assert!(exact.low.unwrap().abs_diff(normal.low.unwrap()) <= 2);
    assert!(exact.high.unwrap().abs_diff(normal.high.unwrap()) <= 2);
}

#[test]
fn a_value_at_a_threshold_is_on_the_better_side() {
    let shares = sample([(2_500, 2), (2_501, 1), (4_000, 1), (4_001, 6)])
        .shares([2_500, 4_000])
        .unwrap();
    assert!((shares.good - 0.2).abs() < 1e-12);
    assert!((shares.needs_improvement - 0.2).abs() < 1e-12);
    assert!((shares.poor - 0.6).abs() < 1e-12);
}

/// The interval of a thousand samples of one distribution covers its true p75 about 95 times in 100.
#[test]
fn the_interval_covers_the_truth_as_often_as_it_says() {
    let mut state = 42_u64;
    let mut random = move || {
        // SplitMix64.
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % 1_000_000
    };
    let covered = (0..1_000)
        .filter(|_| {
            let sample = sample((0..200).map(|_| (random() as u32, 1)));
            let estimate = sample.estimate(0.75).unwrap();
            (estimate.low.unwrap()..=estimate.high.unwrap()).contains(&750_000)
        })
        .count();
    assert!((940..=980).contains(&covered), "{covered}");
}

#[test]
fn a_difference_has_the_interval_of_two_independent_ones() {
    let estimate = |value, low, high| Estimate {
        value,
        low: Some(low),
        high: Some(high),
    };
    let (point, low, high) =
        difference(&estimate(900, 870, 930), &estimate(1_200, 1_160, 1_240)).unwrap();
    assert_eq!((point, low, high), (-300.0, -350.0, -250.0));
    let open = Estimate {
        value: 5,
        low: None,
        high: Some(6),
    };
    assert_eq!(difference(&open, &open), None);
}
