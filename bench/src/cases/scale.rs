//! Many documents against few.

use anyhow::{Context, Result};

use super::MILLION;
use super::contender::{Contender, load_in_turns};
use crate::arguments::{Entrant, Plan};
use crate::driver::Work;
use crate::results::{Finding, Report, Row, Spread, Target, Unit};
use crate::servers::Launch;

/// Loads two servers in turn, which differ in nothing but the number of their documents.
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
    let mut contenders = Vec::new();
    for &docs in &plan.scale_docs {
        let Entrant { name, kind } = entrant.clone();
        let name = format!("{name}, {docs}");
        contenders.push(Contender::prepare(name, kind, docs, plan, launch).await?);
    }
    // While the larger one was filled, the server of the other may have let its connections go.
    for contender in &mut contenders {
        contender.reconnect().await?;
    }
    for (name, work) in [("scale put", Work::PutAtRandom), ("scale get", Work::Get)] {
        let samples = load_in_turns(&mut contenders, work, plan).await?;
        let mut rates = Vec::new();
        for (contender, samples) in contenders.iter().zip(samples) {
            let row = Row {
                case: name.to_owned(),
                server: contender.name.clone(),
                samples,
                memory: contender.memory()?,
            };
            rates.push(row.rates());
            report.add_row(row);
        }
        report.add_finding(compare(
            &format!("{name}, {}", entrant.name),
            &plan.scale_docs,
            &rates,
        )?);
    }
    Ok(())
}

fn compare(name: &str, sizes: &[u32], rates: &[Vec<f64>]) -> Result<Finding> {
    let (&[few, many], [at_few, at_many]) = (sizes, rates) else {
        anyhow::bail!("{name} compares two sizes");
    };
    Ok(Finding {
        name: format!("{name}: {many} documents to {few}"),
        value: Spread::of_ratios(at_many, at_few).context("nothing was answered")?,
        unit: Unit::Ratio,
        target: (many >= MILLION).then_some(Target::AtLeast(if many > MILLION {
            0.7
        } else {
            0.85
        })),
    })
}
