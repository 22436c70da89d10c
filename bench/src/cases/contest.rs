//! put, get and get-304: Detente, on either store, against the stand-ins and etcd.

use anyhow::Result;

use super::contender::{Contender, load_in_turns};
use crate::arguments::{Case, DETENTE, Entrant, Kind, POSTGRES, Plan};
use crate::driver::Work;
use crate::results::{Finding, Report, Row, Target, Unit};
use crate::servers::Launch;

struct Discipline {
    case: Case,
    name: &'static str,
    work: Work,
    /// The share of the null server's rate that is aimed at.
    target: Option<Target>,
    /// The share of the bare file's rate that is aimed at.
    target_to_file: Option<Target>,
    /// The share of the rate that another binary reaches.
    target_to_binary: Option<Target>,
    target_to_etcd: Option<Target>,
    /// What is aimed at on PostgreSQL, by the server that it is compared to.
    targets_of_postgres: &'static [(&'static str, Target)],
}

const DISCIPLINES: [Discipline; 3] = [
    Discipline {
        case: Case::Put,
        name: "put",
        work: Work::PutInTurn,
        target: Some(Target::AtLeast(0.60)),
        target_to_file: Some(Target::AtLeast(0.90)),
        target_to_binary: Some(Target::AtLeast(0.95)),
        target_to_etcd: Some(Target::AtLeast(10.0)),
        targets_of_postgres: &[("etcd", Target::AtLeast(4.0))],
    },
    Discipline {
        case: Case::Get,
        name: "get",
        work: Work::Get,
        target: Some(Target::AtLeast(0.92)),
        target_to_file: None,
        target_to_binary: Some(Target::AtLeast(0.95)),
        target_to_etcd: None,
        targets_of_postgres: &[("postgres-cold", Target::AtLeast(5.0))],
    },
    Discipline {
        case: Case::GetNotModified,
        name: "get-304",
        work: Work::GetNotModified,
        target: Some(Target::AtLeast(0.92)),
        target_to_file: None,
        target_to_binary: Some(Target::AtLeast(0.95)),
        target_to_etcd: None,
        targets_of_postgres: &[],
    },
];

/// Runs those of the three that the plan includes, on the same servers.
///
/// # Errors
///
/// When a server or a connection fails.
pub(super) async fn run(plan: &Plan, launch: &Launch, report: &mut Report) -> Result<()> {
    let disciplines: Vec<_> = DISCIPLINES
        .iter()
        .filter(|discipline| plan.includes(discipline.case))
        .collect();
    if disciplines.is_empty() {
        return Ok(());
    }
    let mut contenders = Vec::new();
    for entrant in &plan.servers {
        let Entrant { name, kind } = entrant.clone();
        contenders.push(Contender::prepare(name, kind, plan.docs, plan, launch).await?);
    }
    for discipline in disciplines {
        if discipline.work == Work::GetNotModified {
            contenders.retain(Contender::knows_preconditions_of_reads);
        }
        let samples = load_in_turns(&mut contenders, discipline.work, plan).await?;
        for (contender, samples) in contenders.iter().zip(samples) {
            report.add_row(Row {
                case: discipline.name.to_owned(),
                server: contender.name.clone(),
                samples,
                memory: contender.memory()?,
            });
        }
        compare(discipline, &plan.servers, report);
    }
    Ok(())
}

fn compare(discipline: &Discipline, entrants: &[Entrant], report: &mut Report) {
    for Entrant { name: other, kind } in entrants {
        let target = match kind {
            _ if other == DETENTE => continue,
            Kind::Null => discipline.target,
            Kind::File => discipline.target_to_file,
            Kind::Etcd => discipline.target_to_etcd,
            Kind::Stamps | Kind::Postgres(_) => None,
            Kind::Detente | Kind::Binary(_) => discipline.target_to_binary,
        };
        add_ratio(discipline, DETENTE, other, target, report);
    }
    for (other, target) in discipline.targets_of_postgres {
        add_ratio(discipline, POSTGRES, other, Some(*target), report);
    }
}

fn add_ratio(
    discipline: &Discipline,
    name: &str,
    other: &str,
    target: Option<Target>,
    report: &mut Report,
) {
    if let Some(value) = report.ratio(discipline.name, name, other) {
        report.add_finding(Finding {
            name: format!("{}: {name} to {other}", discipline.name),
            value,
            unit: Unit::Ratio,
            target,
        });
    }
}
