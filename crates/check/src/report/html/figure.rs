use std::time::Duration;

/// A length of time as people read it: three digits, and the unit that fits.
pub(super) fn time(duration: Duration) -> String {
    let micros = duration.as_secs_f64() * 1e6;
    let (value, unit) = match micros {
        _ if micros < 999.5 => (micros, "µs"),
        _ if micros < 999_500.0 => (micros / 1e3, "ms"),
        _ => (micros / 1e6, "s"),
    };
    let decimals = match value {
        _ if unit == "µs" || value >= 99.95 => 0,
        _ if value >= 9.995 => 1,
        _ => 2,
    };
    format!("{value:.decimals$}\u{a0}{unit}")
}

/// A count with its thousands apart: `12 400`.
pub(super) fn count(count: usize) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

/// So many of what has this name: `1 write`, `2 writes`.
pub(super) fn plural(number: usize, noun: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{} {noun}{s}", count(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_the_unit_that_fits() {
        let cases = [
            (0, "0 µs"),
            (1_499, "1 µs"),
            (999_400, "999 µs"),
            (999_600, "1.00 ms"),
            (12_345_000, "12.3 ms"),
            (412_000_000, "412 ms"),
            (1_100_000_000, "1.10 s"),
            (75_000_000_000, "75.0 s"),
        ];
        for (nanos, expected) in cases {
            let said = time(Duration::from_nanos(nanos)).replace('\u{a0}', " ");
            assert_eq!(said, expected, "{nanos} ns");
        }
    }

    #[test]
    fn thousands_stand_apart() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (1000, "1 000"),
            (1_234_567, "1 234 567"),
        ];
        for (number, expected) in cases {
            assert_eq!(count(number).replace('\u{202f}', " "), expected);
        }
    }
}
