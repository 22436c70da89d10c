//! How long a run is likely to take, by how long one answer does.

use std::time::Duration;

use crate::catalogue;
use crate::effort::Effort;
use crate::model::Exchange;

/// Where time is waited, whatever the server does: for clocks that count in seconds.
const WAITS: Duration = Duration::from_secs(15);

/// For all probes that are asked for, going by the requests so far.
pub(crate) fn of(effort: &Effort, seen: &[Exchange]) -> Duration {
    median(seen) * turns(effort) + WAITS
}

fn turns(effort: &Effort) -> u32 {
    let races = effort.rounds * u32::try_from(effort.writers.len()).unwrap_or(u32::MAX);
    let asked = catalogue::probes().filter(|probe| effort.asks_for(probe));
    asked
        .map(|probe| probe.cost.fixed + probe.cost.each_race * races)
        .sum()
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
        assert_eq!(times[0], 10);
        assert_eq!(of(&usual, &[]), WAITS);
    }
}
