//! Numbers as people read them.

use std::time::Duration;

/// Rounded to a whole number, digits in groups of three: `93,412`.
pub(crate) fn thousands(value: f64) -> String {
    let digits = format!("{:.0}", value.max(0.0));
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Microseconds with one decimal.
pub(crate) fn micros(duration: Duration) -> String {
    format!("{:.1}", duration.as_secs_f64() * 1e6)
}

/// Milliseconds with two decimals.
pub(crate) fn millis(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64() * 1e3)
}

pub(crate) fn mebibytes(kib: u64) -> String {
    format!("{:.0}", kib as f64 / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_from_the_right() {
        let cases = [
            (0.0, "0"),
            (999.4, "999"),
            (1000.0, "1,000"),
            (93_412.6, "93,413"),
            (1_000_000.0, "1,000,000"),
        ];
        for (value, expected) in cases {
            assert_eq!(thousands(value), expected);
        }
    }
}
