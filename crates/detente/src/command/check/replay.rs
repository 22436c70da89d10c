use std::path::Path;

use anyhow::{Context, anyhow};
use serde_json::Value;

use super::api::{Api, read_text};
use super::outcome::Outcome;
use super::{Wire, is_url};
use crate::command::Failure;

/// Runs again what failed, on the same resource and with the same seed.
pub(super) fn again(
    file: &Path,
    mut api: Api,
    wire: &Wire,
    outcome: &Outcome,
) -> Result<(), Failure> {
    let failed = failed(file).map_err(Failure::Usage)?;
    if failed.probes.is_empty() {
        println!("{}: nothing failed that could be run again", file.display());
        return Ok(());
    }
    api.seed.get_or_insert(failed.seed);
    api.only = failed.probes;
    api.examine(&failed.target, wire, outcome)
}

struct Failed {
    target: String,
    seed: u64,
    probes: Vec<String>,
}

fn failed(file: &Path) -> anyhow::Result<Failed> {
    let report: Value = serde_json::from_str(&read_text(file)?)
        .with_context(|| format!("{} is no JSON", file.display()))?;
    let missing = |name: &str| {
        anyhow!(
            "{} is no report of a run: it lacks `{name}`",
            file.display()
        )
    };
    let target = report
        .get("target")
        .and_then(Value::as_str)
        .ok_or_else(|| missing("target"))?;
    if !is_url(target) {
        return Err(anyhow!(
            "{} reports on {target}; what failed in scenarios is run again by --seed",
            file.display()
        ));
    }
    let probes = report
        .get("probes")
        .and_then(Value::as_array)
        .ok_or_else(|| missing("probes"))?
        .iter()
        .filter(|probe| probe.get("verdict").and_then(Value::as_str) == Some("fail"))
        .filter_map(|probe| probe.get("id")?.as_str())
        .map(str::to_owned)
        .collect();
    Ok(Failed {
        target: target.to_owned(),
        seed: report
            .get("seed")
            .and_then(Value::as_u64)
            .ok_or_else(|| missing("seed"))?,
        probes,
    })
}
