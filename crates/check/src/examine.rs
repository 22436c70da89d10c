//! One resource: calibrate, probe, restore.

mod outage; // the finding that the server stopped answering
mod restoration; // what is not as it was before the run

use std::time::Duration;

use detente_judge::history::History;

use crate::catalogue::{About, Access, Family, ShownBy, probes};
use crate::client::Client;
use crate::effort::Effort;
use crate::estimate;
use crate::grade::grade;
use crate::lab::{Halt, Lab};
use crate::model::{LostUpdates, Outage, ProbeReport, Report, RunError};
use crate::probe::{self, Ruling};
use crate::subject::Subject;

pub(crate) use outage::stopped_answering;
pub(crate) use restoration::unrestored;
use restoration::{abandoned, put_back};

/// How far a run is.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// Reading and writing with one client, to learn how.
    Calibrating,
    /// How long the probes are likely to take, now that it is known how fast answers are.
    Expecting(Duration),
    Probing {
        id: &'a str,
        title: &'a str,
    },
    Done(&'a ProbeReport),
    /// Putting everything back.
    Restoring,
}

/// Examines one resource: calibrates, runs every probe that applies, restores what it changed.
///
/// # Errors
///
/// [`RunError`] if the server cannot be reached, or may not be. What it does when it can is in the report.
pub async fn examine(
    client: &Client,
    subject: Subject,
    effort: &Effort,
    mut progress: impl FnMut(Progress<'_>),
) -> Result<Report, RunError> {
    let target = subject.places[0].to_string();
    progress(Progress::Calibrating);
    let mut results = Results::default();
    match Lab::uncalibrated(client.clone(), subject.clone(), effort.clone()).await {
        Ok(mut lab) => {
            let calibrated = lab.calibrate().await;
            let outage = client.outage().await;
            match (&calibrated, &outage) {
                (_, Some(outage)) => results.never_ran(&target, effort, outage),
                (Ok(()), None) => {
                    progress(Progress::Expecting(estimate::of(effort, &client.record())));
                    results.run_probes(&lab, &target, &mut progress).await;
                }
                (Err(Halt::Cannot(reason)), None) => {
                    results.probes = not_run(&target, effort, reason);
                }
                (Err(Halt::Ended(_)), None) => {}
            }
            progress(Progress::Restoring);
            let left = results.put_back(&lab, &target).await;
            if let (Err(Halt::Ended(stop)), false) = (calibrated, results.has_outage) {
                match stop {
                    RunError::Interrupted => {}
                    // There is something to tell beside it.
                    RunError::BudgetSpent if left.is_some() => {}
                    stop => return Err(stop),
                }
                results.probes = not_run(&target, effort, &stop.to_string());
            }
            results.probes.extend(left);
        }
        Err(halt) => match (halt, client.outage().await) {
            (_, Some(outage)) if outage.answered.is_some() => {
                results.never_ran(&target, effort, &outage);
            }
            (Halt::Ended(stop), _) => return Err(stop),
            (Halt::Cannot(reason), _) => results.probes = not_run(&target, effort, &reason),
        },
    }
    // What it says of itself by now is known, or the server is gone.
    let protocols = client.protocols(&subject.places[0]).await;
    Ok(Report {
        target,
        arguments: Vec::new(),
        grade: Some(grade(&results.probes, effort.most_writers())),
        seed: effort.seed,
        protocols: protocols.unwrap_or_default(),
        spread: client.spread(),
        probes: results.probes,
        lost_updates: results.lost_updates,
        history: results.history,
        exchanges: client.record(),
        took: client.elapsed(),
    })
}

/// What came of all probes.
#[derive(Default)]
struct Results {
    probes: Vec<ProbeReport>,
    lost_updates: Vec<LostUpdates>,
    history: Option<History>,
    /// The server stopped answering.
    has_outage: bool,
}

/// Why a probe has no verdict that comes after an outage.
const AFTER_OUTAGE: &str = "not run: the server had stopped answering";

impl Results {
    async fn run_probes(
        &mut self,
        lab: &Lab,
        target: &str,
        progress: &mut impl FnMut(Progress<'_>),
    ) {
        let mut rows = of_a_resource(lab.effort());
        for probe in rows.by_ref() {
            progress(Progress::Probing {
                id: probe.id,
                title: probe.title,
            });
            let report = self.run_probe(probe, lab, target).await;
            progress(Progress::Done(&report));
            self.probes.push(report);
            if let Some(outage) = lab.client().outage().await {
                let finding = stopped_answering(&outage, &format!("during {}", probe.id), target);
                progress(Progress::Done(&finding));
                self.probes.push(finding);
                self.has_outage = true;
                break;
            }
        }
        self.probes.extend(rows.map(|probe| {
            let ruling = Ruling::inconclusive(AFTER_OUTAGE);
            report(probe, target, ruling)
        }));
    }

    async fn run_probe(&mut self, probe: &About, lab: &Lab, target: &str) -> ProbeReport {
        let mut ruling = match &lab.habits().unwritable {
            Some(reason) if probe.access == Access::Write => Ruling::inconclusive(reason),
            _ => probe::run(probe.key, lab)
                .await
                .unwrap_or_else(Ruling::from),
        };
        self.lost_updates.append(&mut ruling.lost_updates);
        self.history = self.history.take().or(ruling.history.take());
        let mut report = report(probe, target, ruling);
        report.is_resendable = probe.shown_by == ShownBy::Curl && !lab.has_version_in_body();
        report
    }

    /// Restores the resource; what is left, if anything.
    async fn put_back(&mut self, lab: &Lab, target: &str) -> Option<ProbeReport> {
        if self.has_outage {
            return Some(abandoned(lab, target));
        }
        let left = put_back(lab, target).await;
        if let Some(outage) = lab.client().outage().await {
            let when = "while the tester put everything back";
            self.probes.push(stopped_answering(&outage, when, target));
            self.has_outage = true;
        }
        left
    }

    /// The server stopped answering before the first probe.
    fn never_ran(&mut self, target: &str, effort: &Effort, outage: &Outage) {
        let when = "before the first probe, while the tester learnt how to write the resource";
        self.has_outage = true;
        self.probes = vec![stopped_answering(outage, when, target)];
        self.probes.extend(not_run(target, effort, AFTER_OUTAGE));
    }
}

/// The probes that were asked for, but for those of a description.
fn of_a_resource(effort: &Effort) -> impl Iterator<Item = &'static About> {
    probes().filter(|probe| probe.family != Family::Description && effort.asks_for(probe))
}

/// Every probe that was asked for, as one that could not be run.
fn not_run(target: &str, effort: &Effort, reason: &str) -> Vec<ProbeReport> {
    of_a_resource(effort)
        .map(|probe| report(probe, target, Ruling::inconclusive(reason)))
        .collect()
}

fn report(probe: &About, target: &str, mut ruling: Ruling) -> ProbeReport {
    ruling
        .evidence
        .sort_by_key(|evidence| evidence.exchange.begun);
    ProbeReport {
        id: probe.id.into(),
        subject: target.into(),
        title: probe.title.into(),
        severity: ruling.severity.unwrap_or(probe.severity),
        verdict: ruling.verdict,
        reason: ruling.reason,
        why: probe.why.into(),
        trials: ruling.trials,
        overlapping: ruling.overlapping,
        evidence: ruling.evidence,
        is_resendable: false,
    }
}
