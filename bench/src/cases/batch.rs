//! Many writes in one request, beside as many requests.

use anyhow::{Context, Result};
use tokio::time::sleep;

use super::contender::{Contender, PAUSE};
use crate::arguments::{Entrant, Plan};
use crate::driver::{BATCH, Work};
use crate::results::{Finding, Report, Row, Spread, Target, Unit};
use crate::servers::Launch;

/// Loads each Detente of the plan in turn with single PUTs and with batches, over the same connections and on the same
/// documents.
///
/// # Errors
///
/// When a server or a connection fails.
pub(super) async fn run(plan: &Plan, launch: &Launch, report: &mut Report) -> Result<()> {
    for entrant in plan.detentes() {
        run_one(entrant, plan, launch, report).await?;
    }
    Ok(())
}

async fn run_one(
    entrant: &Entrant,
    plan: &Plan,
    launch: &Launch,
    report: &mut Report,
) -> Result<()> {
    let Entrant { name, kind } = entrant.clone();
    let mut contender = Contender::prepare(name, kind, plan.docs, plan, launch).await?;
    let of_one = BATCH.min(plan.docs as usize / plan.connections());
    let (mut single, mut batched) = (Vec::new(), Vec::new());
    for turn in 1..=plan.runs() {
        single.push(contender.load(Work::PutInTurn, plan.pace()).await?);
        sleep(PAUSE).await;
        batched.push(contender.load(Work::PutInBatches, plan.pace()).await?);
        sleep(PAUSE).await;
        eprintln!("batch {}, run {turn} of {}", entrant.name, plan.runs());
    }
    let mut rates = Vec::new();
    for (what, samples, documents) in [("single", single, 1), ("batches", batched, of_one)] {
        let row = Row {
            case: format!("batch: {what}"),
            server: entrant.name.clone(),
            samples,
            memory: contender.memory()?,
        };
        rates.push(
            row.rates()
                .iter()
                .map(|rate| rate * documents as f64)
                .collect::<Vec<_>>(),
        );
        report.add_row(row);
    }
    report.add_finding(Finding {
        name: format!(
            "batch, {}: documents per second in batches of {of_one}, to single PUTs",
            entrant.name
        ),
        value: Spread::of_ratios(&rates[1], &rates[0]).context("nothing was answered")?,
        unit: Unit::Ratio,
        target: Some(Target::AtLeast(3.0)),
    });
    Ok(())
}
