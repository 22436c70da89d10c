use std::iter;

use super::{Number, exponent};

/// The largest number of digits of a result.
const MAX_DIGITS: i128 = 1000;

/// The largest exponent that is calculated with: larger ones may have been clamped.
const MAX_MAGNITUDE: i128 = 1_000_000_000;

/// With more zeros than this, a number is written with an exponent.
const MAX_PADDING: i128 = 32;

impl Number {
    /// The exact sum of `plus`, less the sum of `minus`.
    ///
    /// Written without an exponent if that needs at most 32 zeros, and with as many decimals as the
    /// number in `plus` that has the most. `None` if the result or an intermediate result needs
    /// more than 1000 digits.
    pub fn total(plus: &[&Self], minus: &[&Self]) -> Option<Self> {
        let terms = plus.iter().map(|term| (1, term.decimal()));
        let terms = terms.chain(minus.iter().map(|term| (-1, term.decimal())));
        let terms: Vec<_> = terms.filter(|(_, it)| !it.is_zero()).collect();
        let top = terms.iter().map(|(_, it)| it.magnitude).max().unwrap_or(0);
        let bottom = terms.iter().map(|(_, it)| it.last_place()).min();
        let bottom = bottom.unwrap_or(0);
        if top - bottom > MAX_DIGITS || top.abs() > MAX_MAGNITUDE {
            return None;
        }
        let width = usize::try_from(top - bottom).ok()?;
        let mut columns = vec![0i64; width];
        for (sign, term) in &terms {
            let sign = if term.negative { -sign } else { *sign };
            let first = usize::try_from(top - term.magnitude).ok()?;
            for (column, digit) in columns[first..].iter_mut().zip(term.digits()) {
                *column += sign * i64::from(digit - b'0');
            }
        }
        let decimals = plus.iter().map(|term| decimals(term.as_str())).max();
        let text = settle(columns, top).write(decimals.unwrap_or(0));
        Some(Self::from_checked(&text))
    }

    /// A text that is the same for numbers of the same value, and is itself a number: without an
    /// exponent if that needs at most 32 zeros.
    pub fn plain(&self) -> String {
        let decimal = self.decimal();
        let digits = Digits {
            is_negative: decimal.negative,
            digits: decimal.digits().map(char::from).collect(),
            magnitude: decimal.magnitude,
        };
        digits.write(0)
    }
}

/// ±0.d₁d₂d₃… × 10^magnitude, without a zero at either end.
struct Digits {
    is_negative: bool,
    digits: String,
    magnitude: i128,
}

/// Turns columns, each with a sum of either sign, into digits; the first is the most significant.
fn settle(mut columns: Vec<i64>, top: i128) -> Digits {
    let mut over = carry(&mut columns);
    let is_negative = over < 0;
    if is_negative {
        columns.iter_mut().for_each(|column| *column = -*column);
        over = carry(&mut columns) - over;
    }
    let leading = over.to_string();
    let rest = columns.iter().map(|column| column.to_string());
    let all: String = iter::once(leading.clone()).chain(rest).collect();
    let significant = all.trim_start_matches('0');
    let dropped = all.len() - significant.len();
    Digits {
        is_negative,
        digits: significant.trim_end_matches('0').to_owned(),
        magnitude: top + leading.len() as i128 - dropped as i128,
    }
}

/// Leaves a digit in each column, and returns the carry.
fn carry(columns: &mut [i64]) -> i64 {
    columns.iter_mut().rev().fold(0, |over, column| {
        let sum = *column + over;
        *column = sum.rem_euclid(10);
        sum.div_euclid(10)
    })
}

impl Digits {
    fn write(&self, decimals: usize) -> String {
        let digits = self.digits.as_str();
        let sign = if self.is_negative && !digits.is_empty() {
            "-"
        } else {
            ""
        };
        let zeros = |count: i128| "0".repeat(usize::try_from(count).unwrap_or(0));
        let (top, length) = (self.magnitude, digits.len() as i128);
        if !digits.is_empty() && (-top).max(top - length) > MAX_PADDING {
            let (first, rest) = digits.split_at(1);
            let point = if rest.is_empty() { "" } else { "." };
            return format!("{sign}{first}{point}{rest}e{}", top - 1);
        }
        let (whole, fraction) = if digits.is_empty() {
            ("0".to_owned(), String::new())
        } else if top <= 0 {
            ("0".to_owned(), zeros(-top) + digits)
        } else if top >= length {
            (digits.to_owned() + &zeros(top - length), String::new())
        } else {
            let (whole, fraction) = digits.split_at(top as usize);
            (whole.to_owned(), fraction.to_owned())
        };
        let point = if fraction.is_empty() && decimals == 0 {
            ""
        } else {
            "."
        };
        format!("{sign}{whole}{point}{fraction:0<decimals$}")
    }
}

/// How many decimals a number was written with; 0 if there are too many to keep.
fn decimals(text: &str) -> usize {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, text)) => (mantissa, exponent(text)),
        None => (text, 0),
    };
    let written = mantissa.split_once('.').map_or(0, |(_, it)| it.len());
    let decimals = written as i128 - exponent;
    usize::try_from(decimals)
        .ok()
        .filter(|_| decimals <= MAX_PADDING)
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> Number {
        Number::from_checked(text)
    }

    #[test]
    fn sums_are_exact_and_written_as_people_write_them() {
        let cases = [
            // (plus, plus, minus, total)
            ("6", "7", "5", "8"),
            ("0.1", "0.2", "0", "0.3"),
            ("0.1", "0.2", "0.3", "0.0"),
            ("5", "5", "10", "0"),
            ("5.0", "4", "3", "6.0"),
            ("5", "4", "3.0", "6"),
            ("5.10", "5.2", "5", "5.30"),
            ("9007199254740993", "1", "0", "9007199254740994"),
            ("999", "1", "0", "1000"),
            ("1", "1", "3", "-1"),
            ("-1.5", "-1.5", "0", "-3.0"),
            ("1000", "1", "2000", "-999"),
            ("1e2", "1E+2", "0", "200"),
            ("1.50e1", "0", "0", "15.0"),
            ("1e-3", "0", "0", "0.001"),
            ("1e400", "1e400", "0", "2e400"),
            ("1e-400", "25e-401", "0", "3.5e-400"),
            ("1e32", "0", "0", "100000000000000000000000000000000"),
            ("1e33", "0", "0", "1e33"),
            ("-0", "0", "0", "0"),
            ("-0.0", "0", "0", "0.0"),
            (
                "123456789012345678901234567890.5",
                "0.5",
                "0",
                "123456789012345678901234567891.0",
            ),
        ];
        for (one, other, minus, total) in cases {
            let found = Number::total(&[&number(one), &number(other)], &[&number(minus)]);
            let found = found.map(|it| it.to_string());
            assert_eq!(found.as_deref(), Some(total), "{one} + {other} - {minus}");
        }
        assert_eq!(
            Number::total(&[], &[]).map(|it| it.to_string()).as_deref(),
            Some("0")
        );
    }

    #[test]
    fn what_takes_too_many_digits_is_refused() {
        let cases = [
            ("1e1000", "1"),
            ("1", "1e-1000"),
            ("1e99999999999999999999999999999999999999999", "0"),
            ("1e2000000000", "0"),
        ];
        for (one, other) in cases {
            let found = Number::total(&[&number(one), &number(other)], &[]);
            assert_eq!(found, None, "{one} + {other}");
        }
        assert!(Number::total(&[&number("1e999"), &number("1")], &[]).is_some());
    }

    #[test]
    fn a_plain_text_is_one_and_the_same_for_one_value() {
        let cases = [
            ("1.0", "1"),
            ("10e-1", "1"),
            ("-0.0", "0"),
            ("1.50", "1.5"),
            ("12e3", "12000"),
            ("-1e-2", "-0.01"),
            ("1e40", "1e40"),
            ("120e39", "1.2e41"),
        ];
        for (text, plain) in cases {
            assert_eq!(number(text).plain(), plain, "{text}");
        }
    }

    /// Tenths, hundredths … of an integer, in one of several notations.
    fn written(units: i64, scale: u32, is_scientific: bool) -> String {
        if is_scientific {
            return format!("{units}e-{scale}");
        }
        let (sign, units) = (if units < 0 { "-" } else { "" }, units.unsigned_abs());
        let divisor = 10u64.pow(scale);
        match scale {
            0 => format!("{sign}{units}"),
            _ => format!(
                "{sign}{}.{:0width$}",
                units / divisor,
                units % divisor,
                width = scale as usize
            ),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn totals_are_those_of_integers(
            terms in prop::collection::vec((any::<i64>(), 0u32..6, any::<bool>()), 1..5),
            split in 0usize..5,
        ) {
            let numbers: Vec<_> = terms
                .iter()
                .map(|(units, scale, how)| number(&written(*units, *scale, *how)))
                .collect();
            let all: Vec<_> = numbers.iter().collect();
            let (plus, minus) = all.split_at(split.min(all.len()));
            let micro = |(units, scale, _): &(i64, u32, bool)| i128::from(*units) * 10i128.pow(6 - scale);
            let values: Vec<_> = terms.iter().map(micro).collect();
            let expected: i128 = values[..plus.len()].iter().sum::<i128>()
                - values[plus.len()..].iter().sum::<i128>();
            let found = Number::total(plus, minus).unwrap();
            prop_assert_eq!(&found, &number(&format!("{expected}e-6")));
            prop_assert!(crate::json::parse(found.as_str().as_bytes()).is_ok(), "{}", found);
        }

        #[test]
        fn a_plain_text_keeps_the_value(units: i64, exponent in -60i32..60) {
            let one = number(&format!("{units}e{exponent}"));
            let plain = one.plain();
            prop_assert!(crate::json::parse(plain.as_bytes()).is_ok(), "{}", plain);
            prop_assert_eq!(&number(&plain), &one);
            prop_assert_eq!(number(&plain).plain(), plain);
        }
    }
}
