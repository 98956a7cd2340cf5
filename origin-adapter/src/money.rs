//! Amounts: integers in minor units of an ISO 4217 currency. No float ever holds money.

/// An ISO 4217 code with its exponent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Currency {
    code: [u8; 3],
    exponent: u8,
}

/// Currencies whose minor unit is not a hundredth (ISO 4217, list one).
const WITHOUT_MINOR_UNIT: [&str; 17] = [
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND",
    "VUV", "XAF", "XOF", "XPF",
];
const THOUSANDTHS: [&str; 7] = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];
const TEN_THOUSANDTHS: [&str; 2] = ["CLF", "UYW"];

impl Currency {
    /// Reads a code of three capital letters.
    pub(crate) fn parse(code: &str) -> Option<Self> {
        let letters: [u8; 3] = code.as_bytes().try_into().ok()?;
        if !letters.iter().all(u8::is_ascii_uppercase) {
            return None;
        }
        let exponent = if WITHOUT_MINOR_UNIT.contains(&code) {
            0
        } else if THOUSANDTHS.contains(&code) {
            3
        } else if TEN_THOUSANDTHS.contains(&code) {
            4
        } else {
            2
        };
        Some(Self {
            code: letters,
            exponent,
        })
    }

    /// The code.
    pub(crate) fn code(&self) -> &str {
        std::str::from_utf8(&self.code).unwrap_or("XXX")
    }

    /// Reads a decimal number of major units, as JSON writes numbers, into minor units. Digits beyond the
    /// minor unit are rounded half away from zero: shops that add up floats send `29.990000000000002`.
    pub(crate) fn minor_units(self, decimal: &str) -> Option<i64> {
        let (mantissa, power) = match decimal.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, power.parse::<i32>().ok()?),
            None => (decimal, 0),
        };
        let (negative, mantissa) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.is_empty() || mantissa.ends_with('.') {
            return None;
        }
        let digits = format!("{whole}{fraction}");
        if digits.len() > 64 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        // The number is `digits` x 10^shift minor units.
        let shift = power - fraction.len() as i32 + i32::from(self.exponent);
        let amount = scaled(&digits, shift)?;
        Some(if negative { -amount } else { amount })
    }
}

fn scaled(digits: &str, shift: i32) -> Option<i64> {
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some(0);
    }
    if shift >= 0 {
        // An i64 has 19 digits; more cannot be an amount.
        let zeros = usize::try_from(shift).ok().filter(|zeros| *zeros <= 19)?;
        return format!("{digits}{}", "0".repeat(zeros)).parse().ok();
    }
    let dropped = usize::try_from(-i64::from(shift)).ok()?;
    if dropped > digits.len() {
        return Some(0);
    }
    let (kept, rest) = digits.split_at(digits.len() - dropped);
    let amount: i64 = if kept.is_empty() {
        0
    } else {
        kept.parse().ok()?
    };
    let up = rest.as_bytes().first().is_some_and(|digit| *digit >= b'5');
    amount.checked_add(i64::from(up))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minor(code: &str, decimal: &str) -> Option<i64> {
        Currency::parse(code).unwrap().minor_units(decimal)
    }

    #[test]
    fn decimals_become_minor_units_by_the_currencys_exponent() {
        assert_eq!(minor("USD", "129.99"), Some(12_999));
        assert_eq!(minor("USD", "15"), Some(1_500));
        assert_eq!(minor("USD", "0.1"), Some(10));
        assert_eq!(minor("JPY", "1500"), Some(1_500));
        assert_eq!(minor("KWD", "1.234"), Some(1_234));
        assert_eq!(minor("CLF", "1.2345"), Some(12_345));
        assert_eq!(minor("XPF", "7"), Some(7));
    }

    #[test]
    fn what_floats_leave_behind_is_rounded_away() {
        assert_eq!(minor("USD", "29.990000000000002"), Some(2_999));
        assert_eq!(minor("USD", "29.989999999999998"), Some(2_999));
        assert_eq!(minor("USD", "0.005"), Some(1));
        assert_eq!(minor("USD", "-0.005"), Some(-1));
        assert_eq!(minor("JPY", "99.5"), Some(100));
        assert_eq!(minor("USD", "1e-7"), Some(0));
        assert_eq!(minor("USD", "1.5e3"), Some(150_000));
        assert_eq!(minor("USD", "1E+2"), Some(10_000));
    }

    #[test]
    fn amounts_keep_every_digit_that_a_float_would_lose() {
        assert_eq!(
            minor("USD", "90071992547409.93"),
            Some(9_007_199_254_740_993)
        );
    }

    #[test]
    fn what_is_not_a_decimal_number_is_no_amount() {
        for not in [
            "",
            "-",
            "1.",
            ".5",
            "1,5",
            "NaN",
            "0x10",
            "1e",
            "1 ",
            "99999999999999999999",
            "1e400",
        ] {
            assert_eq!(minor("USD", not), None, "{not:?}");
        }
    }

    #[test]
    fn a_currency_is_three_capital_letters() {
        assert_eq!(Currency::parse("USD").unwrap().code(), "USD");
        for not in ["usd", "US", "USDT", "U$D", ""] {
            assert_eq!(Currency::parse(not), None, "{not:?}");
        }
    }
}
