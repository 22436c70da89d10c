use std::sync::{Mutex, MutexGuard};
use std::time::SystemTime;

use detente_core::Moment;

use crate::Time;

/// A system's clock that is off by so much, in milliseconds, is followed at once.
const SMALL_MS: u64 = 2000;

/// A leap of the system's clock is believed when it has lasted so long.
const LASTING_MS: u64 = 10 * 60 * 1000;

/// A leap ahead of more than this is doubted, even if it lasts: nothing is forgotten because of it for
/// as long as [`DOUBTED_FOR_MS`].
const LARGE_MS: u64 = 24 * 60 * 60 * 1000;
const DOUBTED_FOR_MS: u64 = 24 * 60 * 60 * 1000;

/// The time of a node. It goes on with the time that passes, and follows the system's clock only
/// where that does not leap: a clock that is wrong for a while, by a mistake or by a faulty time
/// server, must not end locks, nor have keys, conflicts and history forgotten.
#[derive(Debug)]
pub struct Clock(Mutex<Hand>);

/// Where the time stands. Pure: what the system's clock says and how long the machine is up come as
/// arguments, in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Hand {
    /// What is added to the time that the machine is up.
    offset: i64,
    leap: Option<Leap>,
    /// By how much the time is doubted, and from when on it no longer is, by the time that the machine
    /// is up.
    doubt: Option<(u64, u64)>,
}

/// The system's clock says something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Leap {
    /// By so much it is ahead.
    ahead: i64,
    /// Since when, by the time that the machine is up.
    since: u64,
}

/// What became of a leap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    Leapt(i64),
    Returned,
    Believed(i64),
}

impl Clock {
    /// A clock that begins with the system's. `last` is the latest time that is known; if the system's
    /// clock is more than a day past it, it is doubted.
    pub fn start(last: Option<Moment>) -> Self {
        let (now, up) = (Moment::from(SystemTime::now()), up());
        let hand = Hand::start(now, up, last);
        if let (Some((ms, _)), Some(last)) = (hand.doubt, last) {
            let days = ms / LARGE_MS;
            tracing::info!(
                days,
                %last,
                "the last write is older than a day, if the clock is right: nothing is forgotten as too \
                 old for the next 24 hours"
            );
        }
        Self(Mutex::new(hand))
    }

    // A std mutex: nothing awaits while it is held.
    fn hand(&self) -> MutexGuard<'_, Hand> {
        self.0.lock().expect("nothing panics while it is held")
    }

    /// What time it is.
    pub fn read(&self) -> Time {
        let system = Moment::from(SystemTime::now());
        let (time, news) = self.hand().read(system, up());
        match news {
            None => {}
            Some(News::Leapt(ahead_ms)) => tracing::warn!(
                ahead_ms,
                "the system's clock leapt: the server's time goes on without it"
            ),
            Some(News::Returned) => tracing::info!("the system's clock is back"),
            Some(News::Believed(ahead_ms)) => tracing::warn!(
                ahead_ms,
                "the system's clock still says the same after ten minutes: the server's time follows it"
            ),
        }
        time
    }
}

impl Hand {
    fn start(system: Moment, up: u64, last: Option<Moment>) -> Self {
        let mut hand = Self {
            offset: difference(system.0, up),
            ..Self::default()
        };
        let ahead = last.map_or(0, |last| system.0.saturating_sub(last.0));
        hand.doubt_leap(ahead, up);
        hand
    }

    fn doubt_leap(&mut self, ahead: u64, up: u64) {
        if ahead > LARGE_MS {
            let before = self.doubt.map_or(0, |(ms, _)| ms);
            self.doubt = Some((before.saturating_add(ahead), up + DOUBTED_FOR_MS));
        }
    }

    fn read(&mut self, system: Moment, up: u64) -> (Time, Option<News>) {
        let ahead = difference(system.0, up.saturating_add_signed(self.offset));
        let is_near = |other: i64| ahead.abs_diff(other) <= SMALL_MS;
        let news = match self.leap {
            None if is_near(0) => {
                self.offset += ahead;
                None
            }
            Some(_) if is_near(0) => {
                self.leap = None;
                self.offset += ahead;
                Some(News::Returned)
            }
            Some(leap) if is_near(leap.ahead) => {
                let is_lasting = up.saturating_sub(leap.since) >= LASTING_MS;
                is_lasting.then(|| {
                    self.leap = None;
                    self.offset += ahead;
                    self.doubt_leap(u64::try_from(ahead).unwrap_or(0), up);
                    News::Believed(ahead)
                })
            }
            _ => {
                self.leap = Some(Leap { ahead, since: up });
                Some(News::Leapt(ahead))
            }
        };
        self.doubt = self.doubt.filter(|(_, until)| up < *until);
        let time = Time {
            now: Moment(up.saturating_add_signed(self.offset)),
            doubt_ms: self.doubt.map_or(0, |(ms, _)| ms),
        };
        (time, news)
    }
}

fn difference(one: u64, other: u64) -> i64 {
    let bound = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    bound(one) - bound(other)
}

/// How long the machine is up, in milliseconds, the time that it slept included.
#[cfg(target_os = "linux")]
fn up() -> u64 {
    use rustix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::Boottime);
    let (seconds, nanos) = (time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs());
    seconds * 1000 + nanos / 1_000_000
}

/// How long the process runs, in milliseconds.
#[cfg(not(target_os = "linux"))]
fn up() -> u64 {
    use std::sync::LazyLock;
    use std::time::Instant;
    static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(BEGUN.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_800_000_000_000;
    const YEAR: u64 = 365 * 24 * 60 * 60 * 1000;

    /// What is told at each reading: the time since the start, how long the machine is up since then.
    fn readings(steps: &[(u64, i64)], last: Option<Moment>) -> Vec<(i64, u64, Option<News>)> {
        let mut hand = Hand::start(Moment(START), 5000, last);
        let read = |(up, system): &(u64, i64)| {
            let system = Moment(START.saturating_add_signed(*system));
            let (time, news) = hand.read(system, 5000 + up);
            (difference(time.now.0, START), time.doubt_ms, news)
        };
        steps.iter().map(read).collect()
    }

    #[test]
    fn small_steps_are_followed_both_ways() {
        let steps = [
            (0, 0),
            (1000, 1000),
            (2000, 3900),
            (3000, 3500),
            (4000, 4000),
        ];
        let told = readings(&steps, None);
        let expected = [0, 1000, 3900, 3500, 4000].map(|now| (now, 0, None));
        assert_eq!(told, expected);
    }

    #[test]
    fn a_leap_and_back_changes_nothing() {
        let years = 2 * YEAR as i64;
        for leap in [years, -years] {
            let steps = [
                (1000, 1000),
                (2000, leap),
                (4000, leap + 2000),
                (6000, 6000),
            ];
            let expected = [
                (1000, 0, None),
                (2000, 0, Some(News::Leapt(leap - 2000))),
                (4000, 0, None),
                (6000, 0, Some(News::Returned)),
            ];
            assert_eq!(readings(&steps, None), expected);
        }
    }

    #[test]
    fn a_leap_that_lasts_is_believed_and_a_large_one_makes_nothing_old() {
        let year = YEAR as i64;
        let up = LASTING_MS + 10;
        let after = up + DOUBTED_FOR_MS;
        let steps = [
            (10, year + 10),
            (up - 1, year + up as i64 - 1),
            (up, year + up as i64),
            (after - 1, year + after as i64 - 1),
            (after, year + after as i64),
        ];
        let expected = [
            (10, 0, Some(News::Leapt(year))),
            (up as i64 - 1, 0, None),
            (year + up as i64, YEAR, Some(News::Believed(year))),
            (year + after as i64 - 1, YEAR, None),
            (year + after as i64, 0, None),
        ];
        assert_eq!(readings(&steps, None), expected);
    }

    #[test]
    fn another_leap_begins_anew() {
        let hour = 60 * 60 * 1000;
        let steps = [
            (0, hour),
            (LASTING_MS - 1, 2 * hour + LASTING_MS as i64 - 1),
            (LASTING_MS, 2 * hour + LASTING_MS as i64),
        ];
        let expected = [
            (0, 0, Some(News::Leapt(hour))),
            (LASTING_MS as i64 - 1, 0, Some(News::Leapt(2 * hour))),
            (LASTING_MS as i64, 0, None),
        ];
        assert_eq!(readings(&steps, None), expected);
    }

    #[test]
    fn a_start_long_after_the_last_write_is_doubted_for_a_day() {
        let steps = [(0, 0), (DOUBTED_FOR_MS, DOUBTED_FOR_MS as i64)];
        let told = |last| readings(&steps, Some(Moment(last)));
        let end = DOUBTED_FOR_MS as i64;
        assert_eq!(told(START - YEAR), [(0, YEAR, None), (end, 0, None)]);
        for near in [START - LARGE_MS, START, START + YEAR] {
            assert_eq!(told(near), [(0, 0, None), (end, 0, None)]);
        }
    }
}
