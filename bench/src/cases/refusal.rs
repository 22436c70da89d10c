//! What a refusal costs beside an accepted write.

use anyhow::{Context, Result};
use tokio::time::sleep;

use super::contender::{Contender, PAUSE};
use crate::arguments::{DETENTE, Kind, Plan};
use crate::driver::Work;
use crate::results::{Finding, Report, Row, Spread, Target, Unit};
use crate::servers::Launch;

/// How many versions ago a refused write began.
const BEHIND: usize = 3;

/// Loads one server in turn with writes that it accepts and with writes that it refuses, over the same connections and
/// on the same documents.
///
/// # Errors
///
/// When the server or a connection fails, or a refusal does not tell what it should.
pub(super) async fn run(plan: &Plan, launch: &Launch, report: &mut Report) -> Result<()> {
    let name = DETENTE.to_owned();
    let mut contender = Contender::prepare(name, Kind::Detente, plan.docs, plan, launch).await?;
    let (mut accepted, mut refused) = (Vec::new(), Vec::new());
    for turn in 1..=plan.runs() {
        accepted.push(contender.load(Work::PutInTurn, plan.pace()).await?);
        sleep(PAUSE).await;
        // Accepted writes have moved on each document, each by another number of versions.
        contender.age(BEHIND).await?;
        sleep(PAUSE).await;
        refused.push(contender.load(Work::PutStale, plan.pace()).await?);
        sleep(PAUSE).await;
        eprintln!("refusal, run {turn} of {}", plan.runs());
    }
    let mut costs = Vec::new();
    for (what, samples) in [("accepted", accepted), ("refused", refused)] {
        let row = Row {
            case: format!("refusal: {what}"),
            server: DETENTE.to_owned(),
            samples,
            memory: contender.memory()?,
        };
        costs.push(row.server_micros());
        report.add_row(row);
    }
    report.add_finding(Finding {
        name: "refusal: server CPU of a refused PUT to an accepted one".to_owned(),
        value: Spread::of_ratios(&costs[1], &costs[0]).context("nothing was answered")?,
        unit: Unit::Ratio,
        target: Some(Target::AtMost(if plan.minimal { 0.5 } else { 1.2 })),
    });
    Ok(())
}
