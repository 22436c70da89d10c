mod arithmetic; // exact sums, and how they are written

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use compact_str::{CompactString, ToCompactString};

/// A JSON number: the digits as they were sent, compared by value.
///
/// `1`, `1.0` and `10e-1` are equal, and each is written back as it was sent. Comparison is exact:
/// numbers are not converted to floats, so integers beyond 2^53 stay distinct. Up to 24 digits need
/// no memory of their own.
#[derive(Clone, Debug)]
pub struct Number(CompactString);

impl Number {
    /// `text` must match the `number` production of RFC 8259, section 6; the parser ensures that.
    pub(super) fn from_checked(text: &str) -> Self {
        Self(text.into())
    }

    /// The digits as sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value, if it is an integer that fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    /// The value, if it is a whole number that fits, however it is written: `5`, `5.0`, `50e-1`.
    pub fn as_whole(&self) -> Option<u64> {
        let decimal = self.decimal();
        if decimal.is_zero() {
            return Some(0);
        }
        let zeros = u32::try_from(decimal.last_place()).ok()?;
        if decimal.negative {
            return None;
        }
        let digits = decimal.digits().try_fold(0u64, |value, digit| {
            value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
        });
        digits?.checked_mul(10u64.checked_pow(zeros)?)
    }

    /// Whether it has no fraction, however large it is and however it is written.
    pub fn is_whole(&self) -> bool {
        let decimal = self.decimal();
        decimal.is_zero() || decimal.last_place() >= 0
    }

    /// The nearest double; infinite if the magnitude is too large for a double.
    pub fn as_f64(&self) -> f64 {
        self.0.parse().unwrap_or(f64::NAN)
    }

    fn decimal(&self) -> Decimal<'_> {
        Decimal::of(&self.0)
    }

    /// A text that is the same exactly for numbers of the same value.
    pub fn canonical(&self) -> String {
        let decimal = self.decimal();
        if decimal.is_zero() {
            return "0".to_owned();
        }
        let sign = if decimal.negative { "-" } else { "" };
        let digits: String = decimal.digits().map(char::from).collect();
        format!("{sign}0.{digits}e{}", decimal.magnitude)
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self(value.to_compact_string())
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self(value.to_compact_string())
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 || self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.canonical().hash(state);
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        self.decimal().cmp(&other.decimal())
    }
}

/// ±0.d₁d₂d₃… × 10^magnitude, with d₁ and the last digit not zero; no digits at all is zero.
struct Decimal<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    magnitude: i128,
}

impl<'a> Decimal<'a> {
    fn of(text: &'a str) -> Self {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match rest.find(['e', 'E']) {
            Some(at) => (&rest[..at], exponent(&rest[at + 1..])),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        let leading = if whole.is_empty() {
            fraction.len() - fraction.trim_start_matches('0').len()
        } else {
            0
        };
        let fraction = &fraction[leading..];
        let magnitude = exponent + whole.len() as i128 - leading as i128;
        let whole = if fraction.is_empty() {
            whole.trim_end_matches('0')
        } else {
            whole
        };
        Self {
            negative,
            whole: whole.as_bytes(),
            fraction: fraction.as_bytes(),
            magnitude,
        }
    }

    /// The exponent of the last digit: 0 for 12, -1 for 1.2. Zero has no digit.
    fn last_place(&self) -> i128 {
        self.magnitude - (self.whole.len() + self.fraction.len()) as i128
    }

    fn digits(&self) -> impl Iterator<Item = u8> {
        self.whole.iter().chain(self.fraction).copied()
    }

    fn is_zero(&self) -> bool {
        self.whole.is_empty() && self.fraction.is_empty()
    }

    fn signum(&self) -> i8 {
        match (self.is_zero(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    fn cmp(&self, other: &Self) -> Ordering {
        let by_sign = self.signum().cmp(&other.signum());
        if by_sign != Ordering::Equal || self.is_zero() {
            return by_sign;
        }
        let by_size = self
            .magnitude
            .cmp(&other.magnitude)
            .then_with(|| self.digits().cmp(other.digits()));
        if self.negative {
            by_size.reverse()
        } else {
            by_size
        }
    }
}

/// Exponents beyond 10^30 are clamped: two such numbers of the same sign count as equally large.
fn exponent(text: &str) -> i128 {
    const LIMIT: i128 = 10i128.pow(30);
    match text.parse::<i128>() {
        Ok(value) => value.clamp(-LIMIT, LIMIT),
        Err(_) if text.starts_with('-') => -LIMIT,
        Err(_) => LIMIT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cmp::Ordering::{Equal, Greater, Less};

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        let cases = [
            ("0", Some(0)),
            ("-0.0e5", Some(0)),
            ("60", Some(60)),
            ("60.0", Some(60)),
            ("6e1", Some(60)),
            ("600e-1", Some(60)),
            ("0.6e2", Some(60)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("1e19", Some(10_000_000_000_000_000_000)),
            ("1e20", None),
            ("1e99999999999999999999999999999999999999999", None),
            ("1.5", None),
            ("-1", None),
        ];
        for (text, value) in cases {
            assert_eq!(Number::from_checked(text).as_whole(), value, "{text}");
        }
    }

    #[test]
    fn numbers_compare_by_value_and_exactly() {
        let cases = [
            ("1", "1.0", Equal),
            ("1", "10e-1", Equal),
            ("0", "-0.0e5", Equal),
            ("100", "1e2", Equal),
            ("0.00120", "1.2e-3", Equal),
            ("9007199254740993", "9007199254740992", Greater),
            ("-2", "-1", Less),
            ("-1", "0", Less),
            ("0.1", "0.09", Greater),
            ("1e400", "1e399", Greater),
            ("-1e400", "1", Less),
            ("12", "1.2", Greater),
            ("1.05", "1.5", Less),
            ("1e99999999999999999999999999999999999999999", "5", Greater),
        ];
        for (a, b, order) in cases {
            let (left, right) = (Number::from_checked(a), Number::from_checked(b));
            assert_eq!(left.cmp(&right), order, "{a} against {b}");
            assert_eq!(right.cmp(&left), order.reverse(), "{b} against {a}");
            assert_eq!(
                left.canonical() == right.canonical(),
                order == Equal,
                "canonical text of {a} and {b}"
            );
        }
    }
}
