//! Definitions. p75 is the nearest rank: the smallest value whose cumulative weight reaches 0.75 of the whole.

use std::collections::BTreeMap;

/// The quantile of all reports.
pub const Q: f64 = 0.75;
/// One minus the confidence of all intervals.
pub const ALPHA: f64 = 0.05;
/// The standard normal quantile of `1 - ALPHA / 2`.
const Z: f64 = 1.959_963_984_540_054;
/// Up to so many values, an interval's ranks are exact; beyond, exact and normal ranks differ by less than one.
const EXACT_UP_TO: u64 = 100_000;

/// A value, and the interval that covers it with 95 % confidence. An end that the data cannot bound is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// The point.
    pub value: u32,
    /// Lower end.
    pub low: Option<u32>,
    /// Upper end.
    pub high: Option<u32>,
}

/// Shares of the whole weight; they add up to one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shares {
    /// At most the good threshold.
    pub good: f64,
    /// Above it, and at most the poor one.
    pub needs_improvement: f64,
    /// Above both.
    pub poor: f64,
}

/// Weighted values, equal ones together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sample {
    values: BTreeMap<u32, Count>,
    total: Count,
}

/// How many, their weights, and the squares of those.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Number.
    pub n: u64,
    /// Sum of weights.
    pub weight: u64,
    /// Sum of squared weights.
    pub weight2: u64,
}

impl Count {
    /// One value of a weight.
    pub fn of(weight: u64) -> Self {
        Self {
            n: 1,
            weight,
            weight2: weight * weight,
        }
    }

    fn add(&mut self, other: Self) {
        self.n += other.n;
        self.weight += other.weight;
        self.weight2 += other.weight2;
    }
}

impl Sample {
    /// Adds values that are equal.
    pub fn add(&mut self, value: u32, count: Count) {
        self.values.entry(value).or_default().add(count);
        self.total.add(count);
    }

    /// Adds another sample.
    pub fn merge(&mut self, other: &Self) {
        for (value, count) in &other.values {
            self.add(*value, *count);
        }
    }

    /// Number of values.
    pub fn n(&self) -> u64 {
        self.total.n
    }

    /// What the values are worth: as many of equal weight would say as much.
    pub fn n_eff(&self) -> f64 {
        let weight = self.total.weight as f64;
        if self.total.weight2 == 0 {
            0.0
        } else {
            weight * weight / self.total.weight2 as f64
        }
    }

    /// The values, ascending, with their weights.
    pub fn weights(&self) -> impl Iterator<Item = (u32, u64)> {
        self.values
            .iter()
            .map(|(value, count)| (*value, count.weight))
    }

    /// Sum of weights.
    pub fn weight(&self) -> u64 {
        self.total.weight
    }

    /// The quantile by nearest rank.
    pub fn quantile(&self, q: f64) -> Option<u32> {
        self.reaching(q * self.total.weight as f64, |count| count.weight)
    }

    /// The quantile with its interval.
    pub fn estimate(&self, q: f64) -> Option<Estimate> {
        let value = self.quantile(q)?;
        let (low, high) = self.interval(q);
        Some(Estimate { value, low, high })
    }

    fn interval(&self, q: f64) -> (Option<u32>, Option<u32>) {
        let n = self.total.n;
        // All of one weight: ranks mean what they say.
        let equal = self.total.weight * self.total.weight == n * self.total.weight2;
        if equal && n <= EXACT_UP_TO {
            let (low, high) = exact_ranks(n, q, ALPHA);
            return (self.at_rank(low), self.at_rank(high));
        }
        let n_eff = self.n_eff();
        let half = Z * (n_eff * q * (1.0 - q)).sqrt();
        let low = (n_eff * q - half).floor();
        let high = (n_eff * q + half).ceil();
        let at = |rank: f64| {
            let inside = rank >= 1.0 && rank <= n_eff;
            let reached = rank / n_eff * self.total.weight as f64;
            inside.then(|| self.reaching(reached, |count| count.weight))?
        };
        (at(low), at(high))
    }

    /// The value at a rank, from 1.
    fn at_rank(&self, rank: u64) -> Option<u32> {
        let inside = (1..=self.total.n).contains(&rank);
        inside.then(|| self.reaching(rank as f64, |count| count.n))?
    }

    fn reaching(&self, target: f64, measure: impl Fn(&Count) -> u64) -> Option<u32> {
        let mut reached = 0;
        for (value, count) in &self.values {
            reached += measure(count);
            if reached as f64 >= target {
                return Some(*value);
            }
        }
        self.values.keys().next_back().copied()
    }

    /// Shares by two thresholds; a value at a threshold is on the better side.
    pub fn shares(&self, [good, poor]: [u32; 2]) -> Option<Shares> {
        if self.total.weight == 0 {
            return None;
        }
        let whole = self.total.weight as f64;
        let up_to = |limit: u32| {
            let weight: u64 = self
                .values
                .range(..=limit)
                .map(|(_, count)| count.weight)
                .sum();
            weight as f64 / whole
        };
        let (good, not_poor) = (up_to(good), up_to(poor));
        Some(Shares {
            good,
            needs_improvement: not_poor - good,
            poor: 1.0 - not_poor,
        })
    }
}

/// Ranks, from 1, between which the quantile lies with at least `1 - alpha` confidence, whatever the
/// distribution: `BinomInv(alpha/2)` and `BinomInv(1 - alpha/2) + 1`. Rank 0 or n + 1: not bounded.
pub fn exact_ranks(n: u64, q: f64, alpha: f64) -> (u64, u64) {
    let mut low = None;
    let mut cumulative = 0.0;
    for (k, probability) in binomial(n, q) {
        cumulative += probability;
        if low.is_none() && cumulative >= alpha / 2.0 {
            low = Some(k);
        }
        if cumulative >= 1.0 - alpha / 2.0 {
            return (low.unwrap_or(k), k + 1);
        }
    }
    (low.unwrap_or(0), n + 1)
}

/// How likely the ranks cover the quantile.
pub fn coverage(n: u64, q: f64, (low, high): (u64, u64)) -> f64 {
    binomial(n, q)
        .filter(|(k, _)| (low..high).contains(k))
        .map(|(_, probability)| probability)
        .sum()
}

/// The binomial distribution, where it is not nothing: within 40 standard deviations.
fn binomial(n: u64, q: f64) -> impl Iterator<Item = (u64, f64)> {
    let mean = n as f64 * q;
    let spread = 40.0 * (mean * (1.0 - q)).sqrt() + 40.0;
    let from = (mean - spread).max(0.0) as u64;
    let to = ((mean + spread) as u64).min(n);
    let whole = ln_factorial(n);
    (from..=to).map(move |k| {
        let choose = whole - ln_factorial(k) - ln_factorial(n - k);
        let ln = choose + k as f64 * q.ln() + (n - k) as f64 * (1.0 - q).ln();
        (k, ln.exp())
    })
}

/// `ln n!`: summed where that is short, and by Stirling's series, whose error there is below 1e-13.
fn ln_factorial(n: u64) -> f64 {
    if n < 32 {
        return (2..=n).map(|k| (k as f64).ln()).sum();
    }
    let x = n as f64;
    let tail = 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3)) + 1.0 / (1_260.0 * x.powi(5));
    x * x.ln() - x + 0.5 * (std::f64::consts::TAU * x).ln() + tail
}

/// The variance of a ratio of sums over clusters, `ΣS / ΣN`, by the delta method: visitors with several page
/// views do not count as several visitors.
pub fn ratio_variance(clusters: &[(f64, f64)]) -> f64 {
    let k = clusters.len() as f64;
    let mean = |of: &dyn Fn(&(f64, f64)) -> f64| clusters.iter().map(of).sum::<f64>() / k;
    let (s, n) = (mean(&|c| c.0), mean(&|c| c.1));
    let ratio = s / n;
    let covariance = |a: &dyn Fn(&(f64, f64)) -> f64, b: &dyn Fn(&(f64, f64)) -> f64| {
        clusters.iter().map(|c| a(c) * b(c)).sum::<f64>() / (k - 1.0)
    };
    let ds = |c: &(f64, f64)| c.0 - s;
    let dn = |c: &(f64, f64)| c.1 - n;
    let spread = covariance(&ds, &ds) - 2.0 * ratio * covariance(&ds, &dn)
        + ratio * ratio * covariance(&dn, &dn);
    spread / (k * n * n)
}

/// The difference of two independent estimates, `a - b`, with the interval that follows from theirs.
pub fn difference(a: &Estimate, b: &Estimate) -> Option<(f64, f64, f64)> {
    let half = |e: &Estimate| Some((f64::from(e.high?) - f64::from(e.low?)) / 2.0);
    let point = f64::from(a.value) - f64::from(b.value);
    let half = half(a)?.hypot(half(b)?);
    Some((point, point - half, point + half))
}
