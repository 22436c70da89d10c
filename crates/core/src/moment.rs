mod timestamp; // RFC 3339 as others write it, to compare

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use timestamp::Timestamp;

/// A point in time, in milliseconds since 1970 (UTC). It is only information: `seq` defines order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub u64);

impl Moment {
    /// The whole second, which is as exact as an HTTP-date can be.
    pub fn second(self) -> u64 {
        self.0 / 1000
    }

    /// IMF-fixdate (RFC 9110, section 5.6.7), rounded down.
    pub fn to_http_date(self) -> String {
        httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(self.second()))
    }

    /// Reads a date and time with an offset (RFC 3339), rounded down; `None` for anything else, and
    /// for times before 1970.
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        Timestamp::parse(text)?.to_millis().map(Self)
    }

    /// Reads an HTTP-date; `None` for anything else: such a field must be ignored (RFC 9110,
    /// section 13.1.3).
    pub fn from_http_date(text: &str) -> Option<Self> {
        let time = httpdate::parse_http_date(text).ok()?;
        Some(Self::from(time))
    }
}

impl From<SystemTime> for Moment {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// RFC 3339, in UTC, to the millisecond.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil(self.second() / 86_400);
        let second = self.second() % 86_400;
        // By hand: a refusal contains the time of each version.
        let mut rest = *b"-00-00T00:00:00.000Z";
        put_digits(&mut rest[1..3], month);
        put_digits(&mut rest[4..6], day);
        put_digits(&mut rest[7..9], second / 3600);
        put_digits(&mut rest[10..12], second / 60 % 60);
        put_digits(&mut rest[13..15], second % 60);
        put_digits(&mut rest[16..19], self.0 % 1000);
        write!(f, "{year:04}")?;
        f.write_str(std::str::from_utf8(&rest).expect("digits and signs are ASCII"))
    }
}

/// Fills `field` with a number in decimal.
fn put_digits(field: &mut [u8], mut number: u64) {
    for digit in field.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Year, month and day of a count of days since 1970-01-01 (Howard Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms": years begin in March, so that the leap day comes last).
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_rfc_3339_and_as_http_dates() {
        let cases = [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_007, "2000-02-29T00:00:00.007Z"),
            (1_795_343_400_999, "2026-11-22T10:30:00.999Z"),
            (4_107_542_399_000, "2100-02-28T23:59:59.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ];
        for (ms, text) in cases {
            assert_eq!(Moment(ms).to_string(), text);
            assert_eq!(Moment::from_rfc3339(text), Some(Moment(ms)));
            let http = Moment(ms).to_http_date();
            assert_eq!(
                Moment::from_http_date(&http),
                Some(Moment(ms / 1000 * 1000)),
                "{http}"
            );
        }
        assert_eq!(Moment::from_http_date("yesterday"), None);
        let shifted = Moment::from_rfc3339("2000-02-29T01:00:00.0079+01:00");
        assert_eq!(shifted, Some(Moment(951_782_400_007)));
        for wrong in [
            "2000-02-29",
            "1969-12-31T23:59:59Z",
            "2000-02-30T00:00:00Z",
            "now",
        ] {
            assert_eq!(Moment::from_rfc3339(wrong), None, "{wrong}");
        }
    }
}
