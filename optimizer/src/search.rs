//! Finds the coarsest quantizer at which a picture still looks as good as was asked, in two or three encodes.

use crate::Skip;

/// Encodes that one picture may take.
const ATTEMPTS: usize = 4;
/// Points by which a score may miss its target without another encode: below nobody sees it, above it is not worth one.
const BELOW: f64 = 0.5;
const ABOVE: f64 = 1.5;
/// Points of score for one step of the quantizer: a mean over product photographs, until two encodes say better.
const SLOPE: f64 = -1.2;

/// One encode: its quantizer, what was made, and how good that looks.
#[derive(Debug)]
pub(crate) struct Attempt<T> {
    pub(crate) quantizer: u8,
    pub(crate) made: T,
    pub(crate) score: f64,
}

/// Searches from `start`, by the secant through the last two encodes. The result is the coarsest one that is good
/// enough, or else the best.
pub(crate) fn search<T>(
    target: f64,
    start: f64,
    mut encode: impl FnMut(u8) -> Result<(T, f64), Skip>,
) -> Result<Attempt<T>, Skip> {
    let mut attempts: Vec<Attempt<T>> = Vec::new();
    let mut quantizer = step(start);
    while attempts.len() < ATTEMPTS
        && attempts
            .iter()
            .all(|attempt| attempt.quantizer != quantizer)
    {
        let (made, score) = encode(quantizer)?;
        attempts.push(Attempt {
            quantizer,
            made,
            score,
        });
        if (target - BELOW..=target + ABOVE).contains(&score) {
            break;
        }
        quantizer = next(&attempts, target);
    }
    let good = |attempt: &Attempt<T>| attempt.score >= target - BELOW;
    attempts
        .into_iter()
        .max_by(|a, b| match (good(a), good(b)) {
            (true, true) => a.quantizer.cmp(&b.quantizer),
            (false, false) => a.score.total_cmp(&b.score),
            (a, b) => a.cmp(&b),
        })
        .ok_or(Skip::EncoderFailed)
}

/// Where the line through the last two encodes meets the target.
fn next<T>(attempts: &[Attempt<T>], target: f64) -> u8 {
    let Some(last) = attempts.last() else {
        return step(0.0);
    };
    let slope = match attempts {
        [.., before, last] => {
            let run = f64::from(last.quantizer) - f64::from(before.quantizer);
            // A line that is flat or rises comes from noise.
            ((last.score - before.score) / run).clamp(3.0 * SLOPE, SLOPE / 3.0)
        }
        _ => SLOPE,
    };
    step(f64::from(last.quantizer) + (target + BELOW - last.score) / slope)
}

fn step(quantizer: f64) -> u8 {
    quantizer.round().clamp(1.0, 63.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(target: f64, curve: impl Fn(f64) -> f64) -> (u8, f64, usize) {
        let mut encodes = 0;
        let found = search(target, 34.0, |quantizer| {
            encodes += 1;
            Ok(((), curve(f64::from(quantizer))))
        })
        .unwrap();
        (found.quantizer, found.score, encodes)
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
        assert!(encodes <= ATTEMPTS);
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
        assert!(encodes <= ATTEMPTS);
    }

    #[test]
    fn a_failure_of_the_encoder_is_a_failure_of_the_search() {
        let failed = search(70.0, 34.0, |_| Err::<((), f64), _>(Skip::EncoderFailed));
        assert_eq!(
            failed.map(|found| found.quantizer),
            Err(Skip::EncoderFailed)
        );
    }
}
