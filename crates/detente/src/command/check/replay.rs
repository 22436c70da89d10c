use std::path::Path;

use anyhow::{Context, anyhow};
use serde_json::Value;

use super::api::read_text;
use super::given::Given;
use super::{Check, is_url};
use crate::command::Failure;

/// What runs again what failed: the command as it was told then, asked for that alone, with the same seed.
///
/// What is given beside `--replay` takes the place of what was given then. `None` if nothing failed that can be asked for.
pub(super) fn again(file: &Path, given: &Given) -> Result<Option<Check>, Failure> {
    Earlier::read(file)
        .and_then(|earlier| {
            check(earlier, given).with_context(|| format!("{} cannot be run again", file.display()))
        })
        .map_err(Failure::Usage)
}

fn check(earlier: Earlier, given: &Given) -> anyhow::Result<Option<Check>> {
    let recorded = Given::parse(&earlier.arguments)?;
    let was_told = recorded.check()?;
    let is_of_probes =
        was_told.openapi.is_some() || was_told.targets.iter().any(|target| is_url(target));
    let mut failed = earlier.failed;
    if is_of_probes {
        failed.retain(|id| detente_check::probe_ids().any(|probe| probe == id));
        // One that fails on several resources is asked for once.
        failed.sort();
        failed.dedup();
    }
    if failed.is_empty() {
        return Ok(None);
    }
    let mut whole = recorded.overridden_by(&Given::option("seed", earlier.seed.to_string()));
    if is_of_probes {
        whole = whole.overridden_by(&Given::option("only", failed.join(",")));
    }
    let whole = whole.overridden_by(&given.clone().without("replay"));
    if let Some(hidden) = whole.hidden() {
        return Err(anyhow!(
            "the report keeps no logins: give `{hidden}` again, as it was"
        ));
    }
    let mut check = whole.check()?;
    if !is_of_probes {
        check.suite.only = failed;
    }
    Ok(Some(check))
}

/// What a report says of its run.
struct Earlier {
    arguments: Vec<String>,
    seed: u64,
    /// Ids of probes; names of scenarios.
    failed: Vec<String>,
}

impl Earlier {
    fn read(file: &Path) -> anyhow::Result<Self> {
        let report: Value = serde_json::from_str(&read_text(file)?)
            .with_context(|| format!("{} is no JSON", file.display()))?;
        let lacks = |name: &str| {
            anyhow!(
                "{} is no report of a run: it lacks `{name}`",
                file.display()
            )
        };
        let list = |name: &str| {
            let member = report.get(name).and_then(Value::as_array);
            member.ok_or_else(|| lacks(name))
        };
        Ok(Self {
            arguments: list("arguments")?
                .iter()
                .map(|argument| argument.as_str().map(str::to_owned))
                .collect::<Option<_>>()
                .ok_or_else(|| lacks("arguments"))?,
            seed: report
                .get("seed")
                .and_then(Value::as_u64)
                .ok_or_else(|| lacks("seed"))?,
            failed: list("probes")?
                .iter()
                .filter(|probe| probe.get("verdict").and_then(Value::as_str) == Some("fail"))
                .filter_map(|probe| probe.get("id")?.as_str())
                .map(str::to_owned)
                .collect(),
        })
    }
}
