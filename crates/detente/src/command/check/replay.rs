use std::path::Path;

use anyhow::{Context, anyhow};
use detente_check::OUTAGE;
use serde_json::Value;

use super::api::read_text;
use super::given::Given;
use super::{Check, is_url};
use crate::command::Failure;

/// The command that runs again what failed: with the arguments and the seed of that run, for what failed alone.
///
/// Arguments beside `--replay` override those of that run. `None` if nothing failed that can be run again.
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
    let Failed { mut ids, is_whole } = earlier.failed;
    if is_of_probes {
        ids.retain(|id| detente_check::probe_ids().any(|probe| probe == id));
    }
    // One that fails on several resources is asked for once.
    ids.sort();
    ids.dedup();
    if ids.is_empty() && !is_whole {
        return Ok(None);
    }
    let mut whole = recorded.overridden_by(&Given::option("seed", earlier.seed.to_string()));
    if is_of_probes && !is_whole {
        whole = whole.overridden_by(&Given::option("only", ids.join(",")));
    }
    let whole = whole.overridden_by(&given.clone().without("replay"));
    let hidden = whole.hidden();
    if !hidden.is_empty() {
        let hidden: Vec<_> = hidden.iter().map(|words| format!("`{words}`")).collect();
        let hidden = hidden.join(", ");
        return Err(anyhow!("the report keeps no secrets: give {hidden} again"));
    }
    let mut check = whole.check()?;
    if !is_of_probes {
        check.suite.only = ids;
    }
    Ok(Some(check))
}

/// What a report says of its run.
struct Earlier {
    arguments: Vec<String>,
    seed: u64,
    failed: Failed,
}

#[derive(Default)]
struct Failed {
    /// Ids of probes; names of scenarios.
    ids: Vec<String>,
    /// The server stopped answering before the first of them, so all are run again.
    is_whole: bool,
}

impl Earlier {
    fn read(file: &Path) -> anyhow::Result<Self> {
        let report: Value = serde_json::from_str(&read_text(file)?)
            .with_context(|| format!("{} is not JSON", file.display()))?;
        let lacks = |name: &str| {
            anyhow!(
                "{} is not a report of a run: `{name}` is missing",
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
            failed: failed(list("probes")?),
        })
    }
}

/// What is run again: what failed; for an outage, what ran when the server stopped answering.
fn failed(probes: &[Value]) -> Failed {
    let member = |probe: &Value, name: &str| Some(probe.get(name)?.as_str()?.to_owned());
    let mut failed = Failed::default();
    let mut before: Option<(String, Option<String>)> = None;
    for probe in probes {
        let Some(id) = member(probe, "id") else {
            continue;
        };
        let subject = member(probe, "subject");
        if id == OUTAGE {
            let cut_short = before
                .take()
                .filter(|(id, of)| *of == subject && id != "E1");
            failed.is_whole |= cut_short.is_none();
            failed.ids.extend(cut_short.map(|(id, _)| id));
        } else if probe.get("verdict").and_then(Value::as_str) == Some("fail") {
            failed.ids.push(id.clone());
        }
        before = Some((id, subject));
    }
    failed
}
