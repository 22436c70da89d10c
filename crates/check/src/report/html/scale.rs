use crate::model::Exchange;
use std::time::Duration;

/// How wide a stretch is drawn in which nothing begins or ends.
const BREAK: f64 = 26.0;

/// Points in time, and where on the axis they stand.
///
/// Long stretches in which nothing happens are cut short, so that microseconds and seconds can be seen in one drawing.
pub(super) struct Scale {
    pieces: Vec<Piece>,
    left: f64,
    /// Pixels a second, outside of what was cut.
    pace: f64,
}

struct Piece {
    from: Duration,
    to: Duration,
    left: f64,
    right: f64,
    is_cut: bool,
}

/// A mark on the axis.
pub(super) struct Tick {
    pub x: f64,
    pub label: String,
}

impl Scale {
    /// An axis from `left` to `right` on which all of these can be seen.
    pub(super) fn of(exchanges: &[&Exchange], left: f64, right: f64) -> Self {
        let mut events: Vec<Duration> = exchanges
            .iter()
            .flat_map(|exchange| [exchange.begun, exchange.released, exchange.ended])
            .collect();
        events.sort_unstable();
        events.dedup();
        let stretches: Vec<_> = events.windows(2).map(|pair| (pair[0], pair[1])).collect();
        let limit = longest(&stretches, typical(exchanges));
        let is_cut = |(from, to): (Duration, Duration)| to - from > limit;
        let cuts = stretches.iter().filter(|it| is_cut(**it)).count();
        let busy: Duration = stretches
            .iter()
            .filter(|it| !is_cut(**it))
            .map(|(from, to)| *to - *from)
            .sum();
        let room = (right - left - BREAK * cuts as f64).max(1.0);
        let pace = room / busy.as_secs_f64().max(1e-9);
        let mut x = left;
        let mut pieces: Vec<Piece> = Vec::new();
        for (from, to) in stretches {
            let is_cut = is_cut((from, to));
            let width = if is_cut {
                BREAK
            } else {
                (to - from).as_secs_f64() * pace
            };
            match pieces.last_mut() {
                Some(last) if !last.is_cut && !is_cut => {
                    last.to = to;
                    last.right += width;
                }
                _ => pieces.push(Piece {
                    from,
                    to,
                    left: x,
                    right: x + width,
                    is_cut,
                }),
            }
            x += width;
        }
        Self { pieces, left, pace }
    }

    /// When the axis begins.
    pub(super) fn start(&self) -> Duration {
        self.pieces
            .first()
            .map(|piece| piece.from)
            .unwrap_or_default()
    }

    pub(super) fn x(&self, at: Duration) -> f64 {
        let Some(piece) = self
            .pieces
            .iter()
            .find(|piece| at <= piece.to)
            .or(self.pieces.last())
        else {
            return self.left;
        };
        let whole = (piece.to - piece.from).as_secs_f64().max(1e-9);
        let part = at.saturating_sub(piece.from).as_secs_f64() / whole;
        piece.left + part.min(1.0) * (piece.right - piece.left)
    }

    /// The stretches that were cut short: from where to where, and how long they were.
    pub(super) fn cuts(&self) -> impl Iterator<Item = (f64, f64, Duration)> {
        self.pieces
            .iter()
            .filter(|piece| piece.is_cut)
            .map(|piece| (piece.left, piece.right, piece.to - piece.from))
    }

    /// Round times since the start, about 110 pixels apart.
    pub(super) fn ticks(&self) -> Vec<Tick> {
        let step = round_up(110.0 / self.pace);
        let (unit, name) = match step {
            _ if step < 1e-5 => (1e-6, "µs"),
            _ if step < 0.5 => (1e-3, "ms"),
            _ => (1.0, "s"),
        };
        let decimals = (-(step / unit).log10().floor()).max(0.0) as usize;
        let start = self.start();
        let mut ticks: Vec<Tick> = Vec::new();
        for piece in self.pieces.iter().filter(|piece| !piece.is_cut) {
            let from = (piece.from - start).as_secs_f64();
            let to = (piece.to - start).as_secs_f64();
            let mut number = (from / step).ceil();
            while number * step <= to + 1e-12 {
                let at = number * step;
                let x = piece.left + (at - from) * self.pace;
                // Two pieces may be too narrow for a mark each.
                if ticks.last().is_none_or(|last| x - last.x > 62.0) {
                    ticks.push(Tick {
                        x,
                        label: format!("{:.decimals$}\u{a0}{name}", at / unit),
                    });
                }
                number += 1.0;
            }
        }
        ticks
    }
}

/// How long an exchange usually takes.
fn typical(exchanges: &[&Exchange]) -> Duration {
    let mut lengths: Vec<_> = exchanges
        .iter()
        .map(|exchange| exchange.ended.saturating_sub(exchange.begun))
        .collect();
    lengths.sort_unstable();
    lengths.get(lengths.len() / 2).copied().unwrap_or_default()
}

/// The longest stretch that is drawn in full: a few exchanges long, or a fair part of all that is drawn in full.
fn longest(stretches: &[(Duration, Duration)], typical: Duration) -> Duration {
    let mut lengths: Vec<_> = stretches.iter().map(|(from, to)| *to - *from).collect();
    lengths.sort_unstable();
    let mut total: Duration = lengths.iter().sum();
    while let Some(longest) = lengths.last().copied() {
        if longest <= typical * 5 || longest <= total / 12 {
            return longest;
        }
        total -= longest;
        lengths.pop();
    }
    Duration::ZERO
}

/// The next of 1, 2, 5, 10, 20, 50, ….
fn round_up(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let digit = step / power;
    let digits = [1.0, 2.0, 5.0];
    power
        * digits
            .into_iter()
            .find(|it| digit <= *it + 1e-9)
            .unwrap_or(10.0)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Protocol, Reply, Request, Unsure};

    type Times = (u64, u64, u64);

    fn exchange(begun: u64, released: u64, ended: u64) -> Exchange {
        Exchange {
            number: 1,
            actor: Arc::from("a"),
            protocol: Protocol::Http1,
            request: Request::get("http://127.0.0.1/".parse().expect("it is a URL")),
            begun: Duration::from_micros(begun),
            released: Duration::from_micros(released),
            ended: Duration::from_micros(ended),
            reply: Reply::Missing(Unsure::Dropped),
        }
    }

    #[test]
    fn only_what_is_long_and_empty_is_cut() {
        let cases: [(&[Times], usize); 5] = [
            // (begun, released, ended; how many cuts)
            (&[], 0),
            (&[(5, 5, 5)], 0),
            (&[(0, 10, 400), (450, 460, 850)], 0),
            (&[(0, 10, 400), (1_100_000, 1_100_010, 1_100_400)], 1),
            (
                &[
                    (0, 10, 300),
                    (500, 300_000, 300_500),
                    (150_000, 150_010, 150_500),
                ],
                2,
            ),
        ];
        for (times, cuts) in cases {
            let exchanges: Vec<_> = times.iter().map(|(b, r, e)| exchange(*b, *r, *e)).collect();
            let scale = Scale::of(&exchanges.iter().collect::<Vec<_>>(), 100.0, 900.0);
            assert_eq!(scale.cuts().count(), cuts, "{times:?}");
            let mut events: Vec<_> = times.iter().flat_map(|(b, r, e)| [b, r, e]).collect();
            events.sort();
            let places: Vec<_> = events
                .iter()
                .map(|at| scale.x(Duration::from_micros(**at)))
                .collect();
            assert!(places.is_sorted(), "{times:?}: {places:?}");
            let fits = |x: &f64| (99.9..900.1).contains(x);
            assert!(places.iter().all(fits), "{times:?}: {places:?}");
            assert!(scale.ticks().len() < 12, "{times:?}");
        }
    }
}
