//! How long a run is likely to take, by how long one answer does.

use std::time::Duration;

use crate::effort::Effort;
use crate::model::Exchange;
use crate::probe;

/// Requests one after the other, in a run on a server that answers all of them: those of a probe, and those of each of
/// its races, as counted on a server whose answers took 300 ms. What goes out together counts once.
const TURNS: [(&str, u32, u32); 9] = [
    ("D1", 60, 6),
    ("D3", 7, 1),
    ("D6", 28, 2),
    ("D7", 37, 4),
    ("D9", 25, 2),
    ("D10", 18, 2),
    ("D12", 57, 2),
    ("D13", 27, 1),
    ("D15", 26, 6),
];
/// The same of any other probe.
const FEW: u32 = 10;
/// Where time is waited, whatever the server does: for clocks that count in seconds.
const WAITS: Duration = Duration::from_secs(15);

/// For all probes that are asked for, going by the requests so far.
pub(crate) fn of(effort: &Effort, seen: &[Exchange]) -> Duration {
    median(seen) * turns(effort) + WAITS
}

fn turns(effort: &Effort) -> u32 {
    let races = effort.rounds * u32::try_from(effort.writers.len()).unwrap_or(u32::MAX);
    let of_one = |id: &str| match TURNS.iter().find(|(name, ..)| *name == id) {
        Some((_, fixed, each)) => fixed + each * races,
        None => FEW,
    };
    let asked = probe::ids().filter(|id| effort.asks_for(id));
    asked.map(of_one).sum()
}

fn median(seen: &[Exchange]) -> Duration {
    let mut took: Vec<_> = seen
        .iter()
        .map(|exchange| exchange.ended.saturating_sub(exchange.begun))
        .collect();
    took.sort();
    took.get(took.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_races_take_longer_and_fewer_probes_less() {
        let usual = Effort::usual(1, 1);
        let few = Effort {
            rounds: 2,
            ..usual.clone()
        };
        let one = Effort {
            only: vec!["A1".into()],
            ..usual.clone()
        };
        let times = [&one, &few, &usual].map(turns);
        assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
        assert_eq!(times[0], FEW);
        assert_eq!(of(&usual, &[]), WAITS);
    }
}
