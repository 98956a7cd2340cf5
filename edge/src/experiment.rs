//! Visitor to bucket and arm: pure and deterministic.

use std::fmt;

/// Number of visitor buckets, the unit of analysis.
pub const BUCKETS: u32 = 1024;
/// Name of the cookie that holds the bucket key.
pub const COOKIE: &str = "_v_b";

/// Seeds that keep the two uses of a key independent of one another.
const BUCKET_SEED: &str = "vitrine-bucket";
const HOLDBACK_SEED: &str = "vitrine-holdback";
/// The holdback is drawn in hundredths of a percent.
const PARTS: u32 = 10_000;
/// A key is 16 hexadecimal digits; a cookie of another form is nobody's.
const KEY_LEN: usize = 16;

/// Which side of the holdback a visitor is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arm {
    /// The shop as it is, measured.
    Control,
    /// The shop as Vitrine makes it.
    Treatment,
}

impl fmt::Display for Arm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Control => "holdback:control",
            Self::Treatment => "holdback:treatment",
        })
    }
}

/// What a bucket key decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assignment {
    /// 0..[`BUCKETS`].
    pub bucket: u16,
    /// The side of the holdback.
    pub arm: Arm,
}

/// Assigns a visitor by the key in the cookie.
pub fn assign(key: &str, holdback_percent: u8) -> Assignment {
    let held_back = hash(HOLDBACK_SEED, key, PARTS) < u32::from(holdback_percent) * (PARTS / 100);
    Assignment {
        bucket: hash(BUCKET_SEED, key, BUCKETS) as u16,
        arm: if held_back {
            Arm::Control
        } else {
            Arm::Treatment
        },
    }
}

/// Whether a bucket reports, and with what weight. Sampling is by visitor, never by page view.
pub fn sample(bucket: u16, percent: u8) -> Option<u16> {
    let percent = u32::from(percent.min(100));
    if u32::from(bucket) * 100 >= percent * BUCKETS {
        return None;
    }
    Some(((100 + percent / 2) / percent.max(1)) as u16)
}

/// Whether a cookie's value is a key of ours.
pub fn is_key(value: &str) -> bool {
    value.len() == KEY_LEN
        && value
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// A fresh key from 64 random bits.
pub fn key(random: u64) -> String {
    format!("{random:016x}")
}

/// The field's hash version 2: FNV-1a over the decimal form of FNV-1a, so that sequential ids spread.
/// Integers are compared, never fractions: rounding puts some values into the wrong bucket.
fn hash(seed: &str, value: &str, modulus: u32) -> u32 {
    let first = fnv1a32(seed.bytes().chain(value.bytes()));
    fnv1a32(first.to_string().bytes()) % modulus
}

fn fnv1a32(bytes: impl Iterator<Item = u8>) -> u32 {
    bytes.fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_gives_the_known_answers() {
        for (seed, value, bucket) in [
            ("seed", "a", 505),
            ("seed", "b", 2696),
            ("foo", "ab", 2575),
            ("foo", "def", 2019),
            ("89123klj", "8952klfjas09ujkasdf", 1240),
            ("90850943850283058242805", "123", 7516),
            ("()**(%$##$%#$#", "___)((*\":&", 128),
        ] {
            assert_eq!(hash(seed, value, PARTS), bucket, "{seed} {value}");
        }
    }

    #[test]
    fn the_holdback_gets_its_share_and_a_visitor_stays_where_he_is() {
        let held = (0..100_000u64)
            .filter(|n| assign(&key(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)), 2).arm == Arm::Control)
            .count();
        assert!((1_850..2_150).contains(&held), "{held} of 100000");
        let key = key(7);
        assert_eq!(assign(&key, 2), assign(&key, 2));
        assert_eq!(assign(&key, 0).arm, Arm::Treatment);
    }

    #[test]
    fn the_bucket_does_not_tell_the_arm() {
        let mut control = [0u32; 4];
        let mut all = [0u32; 4];
        for n in 0..200_000u64 {
            let seat = assign(&key(n), 50);
            let quarter = usize::from(seat.bucket) * 4 / BUCKETS as usize;
            all[quarter] += 1;
            control[quarter] += u32::from(seat.arm == Arm::Control);
        }
        for (control, all) in control.iter().zip(all) {
            let share = f64::from(*control) / f64::from(all);
            assert!((0.49..0.51).contains(&share), "{share}");
        }
    }

    #[test]
    fn sampling_is_by_bucket_and_carries_its_weight() {
        assert_eq!(sample(1023, 100), Some(1));
        assert_eq!(sample(0, 0), None);
        assert_eq!(sample(0, 10), Some(10));
        let kept = (0..1024).filter(|b| sample(*b, 10).is_some()).count();
        assert_eq!(kept, 103);
    }

    #[test]
    fn a_cookie_of_another_form_is_not_a_key() {
        assert!(is_key(&key(u64::MAX)));
        for bad in [
            "",
            "xyz",
            "0123456789ABCDEF",
            "0123456789abcdef0",
            "<script>alert(1)",
        ] {
            assert!(!is_key(bad), "{bad}");
        }
    }
}
