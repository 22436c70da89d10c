//! Several servers on one PostgreSQL, on the same space and on a space each.

use anyhow::Result;

use super::contender::{Contender, Nodes, load_in_turns};
use crate::arguments::{Kind, Plan, Reads};
use crate::driver::Work;
use crate::results::{Finding, Report, Row, Target, Unit};
use crate::servers::Launch;

struct Line {
    name: &'static str,
    nodes: Nodes,
    /// The share of one node's rate that is aimed at.
    target: Option<Target>,
}

const ALONE: &str = "1 node";

const LINES: [Line; 5] = [
    Line::new(ALONE, 1, false, None),
    Line::new("2 nodes, one space", 2, false, Some(Target::AtLeast(0.6))),
    Line::new("3 nodes, one space", 3, false, None),
    Line::new("2 nodes, a space each", 2, true, Some(Target::AtLeast(1.0))),
    Line::new("3 nodes, a space each", 3, true, None),
];

impl Line {
    const fn new(
        name: &'static str,
        count: usize,
        has_space_each: bool,
        target: Option<Target>,
    ) -> Line {
        let nodes = Nodes {
            count,
            has_space_each,
        };
        Line {
            name,
            nodes,
            target,
        }
    }
}

const CASE: &str = "nodes put";

/// Loads one node, two and three in turn, with as many clients in all.
///
/// # Errors
///
/// When a server or a connection fails.
pub(super) async fn run(plan: &Plan, launch: &Launch, report: &mut Report) -> Result<()> {
    let mut contenders = Vec::new();
    for line in &LINES {
        let (name, kind) = (line.name.to_owned(), Kind::Postgres(Reads::Linearizable));
        let docs = plan.docs;
        let prepared = Contender::prepare_nodes(name, kind, line.nodes, docs, plan, launch);
        contenders.push(prepared.await?);
    }
    let samples = load_in_turns(&mut contenders, Work::PutInTurn, plan).await?;
    for (contender, samples) in contenders.iter().zip(samples) {
        report.add_row(Row {
            case: CASE.to_owned(),
            server: contender.name.clone(),
            samples,
            memory: contender.memory()?,
        });
    }
    for line in LINES.iter().filter(|line| line.name != ALONE) {
        if let Some(value) = report.ratio(CASE, line.name, ALONE) {
            report.add_finding(Finding {
                name: format!("{CASE}: {} to {ALONE}", line.name),
                value,
                unit: Unit::Ratio,
                target: line.target,
            });
        }
    }
    Ok(())
}
