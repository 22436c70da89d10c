/// A date-time of RFC 3339, section 5.6, to compare with others: earlier is less.
///
/// Offsets and fractions are exact. A leap second comes after the second before it and before the
/// next minute; it is accepted wherever it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp<'a> {
    /// Since 1970, in UTC; for a leap second, the value of the second before.
    second: i64,
    is_leap: bool,
    /// Without trailing zeros, so that the texts compare like the fractions.
    fraction: &'a str,
}

impl<'a> Timestamp<'a> {
    /// Reads a timestamp; `None` if it is not an RFC 3339 date-time, or if the day or time does not
    /// exist.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (date, time) = text.split_once(['T', 't'])?;
        let day = days_since_1970(fields(date, '-')?)?;
        let at = time.find(['Z', 'z', '+', '-'])?;
        let (time, offset) = time.split_at(at);
        let (clock, fraction) = match time.split_once('.') {
            Some((_, fraction)) if !is_digits(fraction) => return None,
            Some((clock, fraction)) => (clock, fraction.trim_end_matches('0')),
            None => (time, ""),
        };
        let [hour, minute, second] = fields(clock, ':')?;
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let is_leap = second == 60;
        let clock = hour * 3600 + minute * 60 + second - i64::from(is_leap);
        Some(Self {
            second: day * 86_400 + clock - offset_seconds(offset)?,
            is_leap,
            fraction,
        })
    }
}

impl Timestamp<'_> {
    /// Milliseconds since 1970, rounded down; `None` before that. A leap second counts as the
    /// second before it.
    pub fn to_millis(self) -> Option<u64> {
        let second = u64::try_from(self.second).ok()?;
        let digits = format!("{:0<3.3}", self.fraction);
        second.checked_mul(1000)?.checked_add(digits.parse().ok()?)
    }
}

/// `+01:30` as seconds; `Z` as 0.
fn offset_seconds(text: &str) -> Option<i64> {
    if text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let (hour, minute) = text.get(1..)?.split_once(':')?;
    let (hour, minute) = (number(hour, 2)?, number(minute, 2)?);
    (hour <= 23 && minute <= 59).then_some(sign * (hour * 3600 + minute * 60))
}

/// Three numbers, the first of four digits in a date and of two in a time, the others of two.
fn fields(text: &str, separator: char) -> Option<[i64; 3]> {
    let mut parts = text.split(separator);
    let width = if separator == '-' { 4 } else { 2 };
    let found = [
        number(parts.next()?, width)?,
        number(parts.next()?, 2)?,
        number(parts.next()?, 2)?,
    ];
    parts.next().is_none().then_some(found)
}

fn number(text: &str, width: usize) -> Option<i64> {
    is_digits_of(text, width).then(|| text.parse().ok())?
}

fn is_digits_of(text: &str, width: usize) -> bool {
    text.len() == width && is_digits(text)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": years begin in March.
fn days_since_1970([year, month, day]: [i64; 3]) -> Option<i64> {
    let is_leap_year = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(is_leap_year),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering::{Equal, Greater, Less};

    use proptest::prelude::*;

    use super::*;
    use crate::Moment;

    #[test]
    fn timestamps_compare_as_points_in_time() {
        let cases = [
            ("2026-11-22T10:30:00Z", "2026-11-22T10:30:00Z", Equal),
            (
                "2026-11-22T10:30:00Z",
                "2026-11-22t11:30:00.000+01:00",
                Equal,
            ),
            ("2026-11-22T23:30:00-01:30", "2026-11-23T01:00:00z", Equal),
            ("2026-11-22T10:30:00-00:00", "2026-11-22T10:30:00Z", Equal),
            ("2026-11-22T10:30:00.5Z", "2026-11-22T10:30:00.45Z", Greater),
            (
                "2026-11-22T10:30:00.5Z",
                "2026-11-22T10:30:00.50000000000000000001Z",
                Less,
            ),
            ("1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z", Less),
            ("0000-02-29T00:00:00Z", "9999-12-31T00:00:00Z", Less),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999Z", Greater),
            ("2016-12-31T23:59:60.9Z", "2017-01-01T00:00:00Z", Less),
            ("2016-12-31T15:59:60-08:00", "2016-12-31T23:59:60Z", Equal),
        ];
        for (one, other, order) in cases {
            let [one_time, other_time] = [one, other].map(|it| Timestamp::parse(it).expect(it));
            assert_eq!(one_time.cmp(&other_time), order, "{one} against {other}");
            assert_eq!(
                other_time.cmp(&one_time),
                order.reverse(),
                "{other} against {one}"
            );
        }
    }

    #[test]
    fn what_is_no_timestamp() {
        let cases = [
            "",
            "2026-11-22",
            "10:30:00Z",
            "2026-11-22 10:30:00Z",
            "2026-11-22T10:30:00",
            "2026-11-22T10:30Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T10:60:00Z",
            "2026-11-22T10:30:61Z",
            "2026-11-22T10:30:00.Z",
            "2026-11-22T10:30:00,5Z",
            "2026-11-22T10:30:00+1:00",
            "2026-11-22T10:30:00+24:00",
            "2026-11-22T10:30:00+0100",
            "2026-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-11-00T00:00:00Z",
            "26-11-22T10:30:00Z",
            "2026-11-22T1:030:00Z",
            "+026-11-22T10:30:00Z",
            "2026-11-22T10:30:00Zé",
            "é026-11-22T10:30:00Z",
            "2026-11-22T10:30:00+é1:00",
        ];
        for text in cases {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn moments_are_read_back_in_order(one in 0..253_402_300_800_000u64, other in 0..253_402_300_800_000u64) {
            let [first, second] = [one, other].map(|ms| Moment(ms).to_string());
            let first = Timestamp::parse(&first).unwrap();
            let second = Timestamp::parse(&second).unwrap();
            prop_assert_eq!(first.cmp(&second), one.cmp(&other));
            prop_assert_eq!(first.second as u64, one / 1000);
        }
    }
}
