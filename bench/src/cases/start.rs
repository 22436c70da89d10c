//! How long a start takes, and how much memory.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::sleep;

use super::MILLION;
use super::contender::Contender;
use crate::arguments::{Kind, Plan};
use crate::driver::Work;
use crate::results::{Finding, Report, Spread, Target, Unit};
use crate::servers::{Launch, Memory};

/// Until an empty server has done all that it does of its own accord.
const SETTLE: Duration = Duration::from_secs(1);
/// Documents looked at after each kill.
const CHECKED: usize = 10_000;

/// # Errors
///
/// When the server or a connection fails; a write lost is a failure in the report.
pub(super) async fn run(plan: &Plan, launch: &Launch, report: &mut Report) -> Result<()> {
    measure_empty(launch, report).await?;
    let docs = plan.start_docs;
    let case = Start { docs, plan, launch };
    let name = format!("detente, {docs}");
    let mut contender = Contender::prepare(name, Kind::Detente, docs, plan, launch).await?;
    let memory = contender.memory()?;
    report.add_finding(case.memory("after creating them", memory));
    case.stop_and_start(&mut contender, report).await?;
    case.kill_and_start(&mut contender, report).await?;
    contender.load(Work::Get, plan.pace()).await?;
    let memory = contender.memory()?;
    report.add_finding(case.memory("after writes and reads", memory));
    report.add_finding(Finding {
        name: format!("{docs} documents: most memory since the last start"),
        value: mebibytes(memory.peak_kib),
        unit: Unit::Mebibytes,
        target: None,
    });
    Ok(())
}

async fn measure_empty(launch: &Launch, report: &mut Report) -> Result<()> {
    let scratch = launch.scratch()?;
    let server = launch.start(&Kind::Detente, &scratch).await?;
    sleep(SETTLE).await;
    report.add_finding(Finding {
        name: "empty server: start".to_owned(),
        value: millis(&[server.start])?,
        unit: Unit::Milliseconds,
        target: None,
    });
    report.add_finding(Finding {
        name: "empty server: memory".to_owned(),
        value: mebibytes(server.process.memory()?.resident_kib),
        unit: Unit::Mebibytes,
        target: Some(Target::Below(30.0)),
    });
    Ok(())
}

struct Start<'a> {
    docs: u32,
    plan: &'a Plan,
    launch: &'a Launch,
}

impl Start<'_> {
    async fn stop_and_start(&self, contender: &mut Contender, report: &mut Report) -> Result<()> {
        let (mut stops, mut starts) = (Vec::new(), Vec::new());
        for _ in 0..self.plan.runs() {
            stops.push(contender.stop().await?);
            starts.push(contender.start_again(self.launch).await?);
        }
        report.add_finding(self.time("stop (SIGTERM)", &stops, None)?);
        report.add_finding(self.time("start after a clean stop", &starts, self.second())?);
        let memory = contender.memory()?;
        report.add_finding(self.memory("after a start", memory));
        Ok(())
    }

    /// Kills a server that has just been writing, so that there is something to bring up to date.
    async fn kill_and_start(&self, contender: &mut Contender, report: &mut Report) -> Result<()> {
        let (mut starts, mut lost) = (Vec::new(), 0);
        for turn in 1..=self.plan.runs() {
            let sample = contender.load(Work::PutAtRandom, self.plan.pace()).await?;
            contender.kill();
            let start = contender.start_again(self.launch).await?;
            eprintln!(
                "kill after {:.0} PUT/s, run {turn} of {}: started in {start:?}",
                sample.rate,
                self.plan.runs()
            );
            starts.push(start);
            lost += contender.count_lost(CHECKED).await?;
        }
        report.add_finding(self.time("start after kill -9", &starts, self.second())?);
        self.judge(lost, report);
        Ok(())
    }

    fn judge(&self, lost: usize, report: &mut Report) {
        let checked = CHECKED * self.plan.runs();
        report.add_finding(Finding {
            name: format!("kill -9: not as acknowledged, of {checked} documents looked at"),
            value: Spread::one(lost as f64),
            unit: Unit::Count,
            target: Some(Target::Below(1.0)),
        });
        if lost > 0 {
            report.add_failure(format!(
                "after kill -9, {lost} of {checked} documents were not at the version last acknowledged"
            ));
        }
    }

    fn second(&self) -> Option<Target> {
        self.full_size().then_some(Target::Below(1000.0))
    }

    fn full_size(&self) -> bool {
        self.docs >= MILLION
    }

    fn time(&self, what: &str, times: &[Duration], target: Option<Target>) -> Result<Finding> {
        Ok(Finding {
            name: format!("{} documents: {what}", self.docs),
            value: millis(times)?,
            unit: Unit::Milliseconds,
            target,
        })
    }

    fn memory(&self, when: &str, memory: Memory) -> Finding {
        Finding {
            name: format!("{} documents: memory {when}", self.docs),
            value: mebibytes(memory.resident_kib),
            unit: Unit::Mebibytes,
            target: self.full_size().then_some(Target::Below(300.0)),
        }
    }
}

fn millis(times: &[Duration]) -> Result<Spread> {
    Spread::of(times.iter().map(|time| time.as_secs_f64() * 1e3)).context("there were no runs")
}

fn mebibytes(kib: u64) -> Spread {
    Spread::one(kib as f64 / 1024.0)
}
