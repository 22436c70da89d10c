//! Judging recorded histories, without a server.

mod recording; // histories of a register with many clients

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use detente_judge::history::{History, Operation, Reader, write};
use detente_judge::{Judgement, Rules, Verdict, Watch, judge};
use tokio::task::yield_now;

use self::recording::{Recording, Writes};
use crate::arguments::Plan;
use crate::results::{Finding, Report, Spread, Target, Unit};

const SMALL: usize = 100_000;
const LARGE: usize = 10 * SMALL;

/// # Errors
///
/// When a history that could have been is called anything else.
pub(super) async fn run(plan: &Plan, report: &mut Report) -> Result<()> {
    let one = |writes, clients, size| vec![Recording::of(writes, clients, size, 0)];
    let tenths = (1..=10).map(|seed| Recording::of(Writes::Demanding, 10, SMALL, seed));
    let cases = [
        Case::new("chain, 10 clients", one(Writes::Demanding, 10, LARGE)),
        Case::new("chain, 10 clients, ten of a tenth", tenths.collect()),
        Case::new("chain, 50 clients", one(Writes::Demanding, 50, LARGE)),
        Case::new(
            "register, 10 clients",
            one(Writes::Unconditional, 10, LARGE),
        ),
        Case::new("search, 10 clients", one(Writes::Deleting, 10, SMALL)),
    ];
    let mut times: Vec<Times> = cases.iter().map(|_| Times::default()).collect();
    for turn in 1..=plan.runs() {
        for (case, times) in cases.iter().zip(&mut times) {
            case.time(times)?;
            yield_now().await;
        }
        eprintln!("judge, run {turn} of {}", plan.runs());
    }
    let [whole, tenths, crowded, ..] = &times[..] else {
        return Ok(());
    };
    for (case, times) in cases.iter().zip(&times) {
        let is_chain = case.name.starts_with("chain");
        let target = |rate| is_chain.then_some(Target::AtLeast(rate));
        case.report("judged, operations/s", &times.judged, target(2e6), report)?;
        case.report(
            "watched and judged, operations/s",
            &times.watched,
            target(2e6),
            report,
        )?;
        case.report(
            "read, lines/s",
            &times.read,
            Some(Target::AtLeast(1e6)),
            report,
        )?;
    }
    let ratios = [
        (
            "one history to ten of a tenth, time",
            &whole.judged,
            &tenths.judged,
        ),
        (
            "one history to ten of a tenth, watched, time",
            &whole.watched,
            &tenths.watched,
        ),
        ("50 clients to 10, time", &crowded.judged, &whole.judged),
    ];
    for (name, of, to) in ratios {
        report.add_finding(Finding {
            name: format!("judge: {name}"),
            value: Spread::of_ratios(of, to).context("nothing was timed")?,
            unit: Unit::Ratio,
            target: Some(Target::AtMost(1.1)),
        });
    }
    Ok(())
}

struct Case {
    name: &'static str,
    parts: Vec<Part>,
}

/// A history in each of its forms.
struct Part {
    operations: Vec<Operation<'static>>,
    history: History,
    text: Vec<u8>,
}

/// Seconds for all parts, one for each turn.
#[derive(Default)]
struct Times {
    judged: Vec<f64>,
    watched: Vec<f64>,
    read: Vec<f64>,
}

impl Part {
    fn new(Recording { operations }: Recording) -> Self {
        let mut text = Vec::new();
        for operation in &operations {
            // A vector takes everything.
            let _ = write(operation, &mut text);
        }
        Self {
            history: operations.iter().cloned().collect(),
            operations,
            text,
        }
    }

    fn judge(&self) -> Result<()> {
        check(&judge(&self.history, &Rules::default(), &mut || false))
    }

    fn watch(&self) -> Result<()> {
        let mut watch = Watch::new(Rules {
            tags_are_unique: true,
            ..Rules::default()
        });
        for operation in &self.operations {
            let told = watch.push(operation);
            ensure!(told.is_none(), "a history without fault: {told:?}");
        }
        check(&watch.finish(&mut || false))
    }

    fn read(&self) -> Result<()> {
        let mut reader = Reader::new(self.text.as_slice());
        while let Some(operation) = reader.read()? {
            black_box(operation);
        }
        Ok(())
    }
}

fn check(judgement: &Judgement) -> Result<()> {
    let verdict = &judgement.verdict;
    ensure!(
        *verdict == Verdict::Linearizable,
        "a history without fault: {verdict:?}"
    );
    Ok(())
}

impl Case {
    fn new(name: &'static str, recordings: Vec<Recording>) -> Self {
        let parts = recordings.into_iter().map(Part::new).collect();
        Self { name, parts }
    }

    fn time(&self, times: &mut Times) -> Result<()> {
        times.judged.push(self.time_parts(Part::judge)?);
        times.watched.push(self.time_parts(Part::watch)?);
        times.read.push(self.time_parts(Part::read)?);
        Ok(())
    }

    fn time_parts(&self, work: fn(&Part) -> Result<()>) -> Result<f64> {
        let begun = Instant::now();
        for part in &self.parts {
            work(part).with_context(|| format!("judge: {}", self.name))?;
        }
        Ok(begun.elapsed().as_secs_f64())
    }

    fn report(
        &self,
        what: &str,
        seconds: &[f64],
        target: Option<Target>,
        report: &mut Report,
    ) -> Result<()> {
        let operations: usize = self.parts.iter().map(|part| part.operations.len()).sum();
        let rates = seconds.iter().map(|seconds| operations as f64 / seconds);
        report.add_finding(Finding {
            name: format!("judge: {}: {what}", self.name),
            value: Spread::of(rates).context("nothing was timed")?,
            unit: Unit::Count,
            target,
        });
        Ok(())
    }
}
