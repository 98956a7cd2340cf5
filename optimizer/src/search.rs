//! Finds the coarsest setting at which a picture still looks as good as was asked, in two or three encodes.

use crate::Skip;

/// Points by which a score may miss its target without another encode: below nobody sees it, above it is not worth one.
const BELOW: f64 = 0.5;
const ABOVE: f64 = 1.5;
/// Points by which the best that a search has found may miss its target: nobody would measure it again.
pub(crate) const TOLERANCE: f64 = 5.0;

/// The steps of an engine, which all count towards coarser.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    pub(crate) finest: f64,
    pub(crate) coarsest: f64,
    /// Points of score for one step, towards coarser and towards finer: means over product photographs, until two
    /// encodes say better.
    pub(crate) slopes: (f64, f64),
    /// Encodes that one picture may take.
    pub(crate) attempts: usize,
}

impl Scale {
    fn step(&self, step: f64) -> u8 {
        step.round().clamp(self.finest, self.coarsest) as u8
    }
}

/// One encode: its step, what was made, and how good that looks.
#[derive(Debug)]
pub(crate) struct Attempt<T> {
    pub(crate) step: u8,
    pub(crate) made: T,
    pub(crate) score: f64,
}

/// Searches from `start`, by the secant through the last two encodes. The result is the coarsest one that is good
/// enough, or else the best.
pub(crate) fn search<T>(
    scale: &Scale,
    target: f64,
    start: f64,
    mut encode: impl FnMut(u8) -> Result<(T, f64), Skip>,
) -> Result<Attempt<T>, Skip> {
    let mut attempts: Vec<Attempt<T>> = Vec::new();
    let mut step = scale.step(start);
    while attempts.len() < scale.attempts && attempts.iter().all(|attempt| attempt.step != step) {
        let (made, score) = encode(step)?;
        attempts.push(Attempt { step, made, score });
        if (target - BELOW..=target + ABOVE).contains(&score) {
            break;
        }
        step = next(scale, &attempts, target);
    }
    let good = |attempt: &Attempt<T>| attempt.score >= target - BELOW;
    attempts
        .into_iter()
        .max_by(|a, b| match (good(a), good(b)) {
            (true, true) => a.step.cmp(&b.step),
            (false, false) => a.score.total_cmp(&b.score),
            (a, b) => a.cmp(&b),
        })
        .ok_or(Skip::EncoderFailed)
}

/// Where the line through the last two encodes meets the target.
fn next<T>(scale: &Scale, attempts: &[Attempt<T>], target: f64) -> u8 {
    let Some(last) = attempts.last() else {
        return scale.step(0.0);
    };
    let (coarser, finer) = scale.slopes;
    let slope = match attempts {
        [.., before, last] => {
            let run = f64::from(last.step) - f64::from(before.step);
            // A line that is flat or rises comes from noise.
            ((last.score - before.score) / run).clamp(3.0 * finer, coarser / 3.0)
        }
        _ if last.score < target => finer,
        _ => coarser,
    };
    scale.step(f64::from(last.step) + (target + BELOW - last.score) / slope)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AV1: Scale = Scale {
        finest: 1.0,
        coarsest: 63.0,
        slopes: (-1.2, -1.2),
        attempts: 4,
    };

    fn run(target: f64, curve: impl Fn(f64) -> f64) -> (u8, f64, usize) {
        let mut encodes = 0;
        let found = search(&AV1, target, 34.0, |quantizer| {
            encodes += 1;
            Ok(((), curve(f64::from(quantizer))))
        })
        .unwrap();
        (found.step, found.score, encodes)
    }

    #[test]
    fn any_ordinary_picture_is_found_in_a_few_encodes() {
        for target in [58.0, 70.0, 80.0] {
            for (top, slope) in [
                (95.0, -0.5),
                (95.0, -0.8),
                (100.0, -1.2),
                (105.0, -1.6),
                (98.0, -0.9),
            ] {
                let (_, score, encodes) = run(target, |q| top + slope * q - q * q / 400.0);
                assert!(score >= target - BELOW, "{target} {slope}: {score}");
                assert!(score <= target + 3.0, "{target} {slope}: {score}");
                assert!(encodes <= 3, "{target} {slope}: {encodes} encodes");
            }
        }
    }

    #[test]
    fn a_start_that_is_good_enough_takes_one_encode() {
        assert_eq!(run(70.0, |q| 70.4 - (q - 34.0)), (34, 70.4, 1));
    }

    #[test]
    fn where_nothing_is_good_enough_the_best_is_taken() {
        let (quantizer, score, encodes) = run(80.0, |q| 50.0 - q / 10.0);
        assert!(encodes <= AV1.attempts);
        assert_eq!(quantizer, 1, "{score}");
    }

    #[test]
    fn a_curve_that_does_not_fall_ends() {
        let (_, _, encodes) = run(70.0, |q| {
            if (q as u8).is_multiple_of(2) {
                60.0
            } else {
                90.0
            }
        });
        assert!(encodes <= AV1.attempts);
    }

    #[test]
    fn a_failure_of_the_encoder_is_a_failure_of_the_search() {
        let failed = search(&AV1, 70.0, 34.0, |_| {
            Err::<((), f64), _>(Skip::EncoderFailed)
        });
        assert_eq!(failed.map(|found| found.step), Err(Skip::EncoderFailed));
    }
}
