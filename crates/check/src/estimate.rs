//! How long a run is likely to take, by how long one answer does.

use std::time::Duration;

use crate::effort::Effort;
use crate::exchange::Exchange;
use crate::probe;

/// Requests one after the other, in a run on a server that answers all of them: those of a probe, and those of each of
/// its races. What goes out together counts once. Probes that are not named ask for something that few runs give them.
const TURNS: [(&str, u32, u32); 9] = [
    ("D1", 0, 8),
    ("D3", 5, 1),
    ("D6", 0, 3),
    ("D7", 5, 5),
    ("D9", 5, 3),
    ("D10", 5, 3),
    ("D12", 20, 3),
    ("D13", 10, 2),
    ("D15", 0, 7),
];
/// The same of any other probe.
const FEW: u32 = 9;
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
        let times = [&one, &few, &usual].map(|effort| turns(effort));
        assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
        assert_eq!(times[0], FEW);
        assert_eq!(of(&usual, &[]), WAITS);
    }
}
