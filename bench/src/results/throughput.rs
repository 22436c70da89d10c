//! How fast one merger merged one set of documents.

use serde_json::{Value, json};

use super::statistics::Spread;

pub(crate) struct Throughput {
    pub documents: String,
    pub merger: &'static str,
    /// Of one of the three documents.
    pub bytes: usize,
    /// Seconds for a merge, one for each turn; 0 where it is too short to tell.
    pub seconds: Vec<f64>,
    /// What the merge came to.
    pub verdict: String,
}

pub(super) const HEAD: [&str; 8] = [
    "merge of", "merger", "result", "ms", "MB/s", "min-max", "/git", "/node",
];

/// Whom the others are compared to.
pub(super) const RIVALS: [&str; 2] = [Throughput::GIT, Throughput::NODE];

impl Throughput {
    /// git merge-file without starting it.
    pub(crate) const GIT: &'static str = "git, less its start";
    pub(crate) const NODE: &'static str = "node-diff3";

    fn rate(&self) -> Option<Spread> {
        let seconds = self.seconds.iter().filter(|&&seconds| seconds > 0.0);
        Spread::of(seconds.map(|seconds| self.bytes as f64 / seconds / 1e6))
    }

    fn time(&self) -> Option<Spread> {
        Spread::of(self.seconds.iter().copied())
    }

    /// How many times as fast as another it is, turn by turn; `None` if the other's time is too short to tell.
    pub(super) fn ratio(&self, other: &Throughput) -> Option<Spread> {
        other.time().filter(|time| time.median > 0.0)?;
        Spread::of_ratios(&other.seconds, &self.seconds)
    }

    pub(super) fn cells(&self, ratios: [Option<Spread>; 2]) -> Vec<String> {
        let dash = || "-".to_owned();
        let rate = self.rate();
        let mut cells = vec![
            self.documents.clone(),
            self.merger.to_owned(),
            self.verdict.clone(),
            self.time()
                .map_or_else(dash, |time| format!("{:.3}", time.median * 1e3)),
            rate.map_or_else(dash, |rate| format!("{:.1}", rate.median)),
            rate.map_or_else(dash, |rate| format!("{:.1}-{:.1}", rate.min, rate.max)),
        ];
        cells.extend(
            ratios.map(|ratio| ratio.map_or_else(dash, |ratio| format!("{:.2}", ratio.median))),
        );
        cells
    }

    pub(super) fn to_json(&self, [to_git, to_node]: [Option<Spread>; 2]) -> Value {
        json!({
            "documents": self.documents,
            "merger": self.merger,
            "verdict": self.verdict,
            "bytes": self.bytes,
            "seconds": self.seconds,
            "megabytes_per_s": self.rate().map(Spread::to_json),
            "ratio_to_git": to_git.map(Spread::to_json),
            "ratio_to_node_diff3": to_node.map(Spread::to_json),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_too_short_to_tell_has_no_rate_and_is_nobodys_gain() {
        let of = |seconds: &[f64]| Throughput {
            documents: String::new(),
            merger: "x",
            bytes: 1_000_000,
            seconds: seconds.to_vec(),
            verdict: String::new(),
        };
        assert_eq!(of(&[0.0]).rate(), None);
        assert_eq!(of(&[0.5]).rate(), Some(Spread::one(2.0)));
        assert_eq!(of(&[0.5]).ratio(&of(&[1.0])), Some(Spread::one(2.0)));
        assert_eq!(of(&[0.5]).ratio(&of(&[0.0])), None);
        assert_eq!(of(&[0.0]).ratio(&of(&[1.0])), None);
    }
}
