use std::time::Duration;

use detente_judge::history::History;

use crate::catalogue::{About, Access, Family, ShownBy, probes};
use crate::client::Client;
use crate::effort::Effort;
use crate::estimate;
use crate::grade::grade;
use crate::lab::{Halt, Lab};
use crate::model::{Evidence, LostUpdates, ProbeReport, RESTORATION, Report, Stop, Verdict};
use crate::probe::{self, Ruling};
use crate::subject::Subject;

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
/// [`Stop`] if the server cannot be reached, or may not be. What it does when it can is in the report.
pub async fn examine(
    client: &Client,
    subject: Subject,
    effort: &Effort,
    mut progress: impl FnMut(Progress<'_>),
) -> Result<Report, Stop> {
    let target = subject.places[0].to_string();
    progress(Progress::Calibrating);
    let mut results = Results::default();
    match Lab::uncalibrated(client.clone(), subject.clone(), effort.clone()).await {
        Ok(mut lab) => {
            let calibrated = lab.calibrate().await;
            match &calibrated {
                Ok(()) => {
                    progress(Progress::Expecting(estimate::of(effort, &client.record())));
                    results = run_probes(&lab, &target, &mut progress).await;
                }
                Err(Halt::Cannot(reason)) => results.probes = not_run(&target, effort, reason),
                Err(Halt::Stop(_)) => {}
            }
            progress(Progress::Restoring);
            let left = put_back(&lab, &target).await;
            if let Err(Halt::Stop(stop)) = calibrated {
                match stop {
                    Stop::Interrupted => {}
                    // There is something to tell beside it.
                    Stop::BudgetSpent if left.is_some() => {}
                    stop => return Err(stop),
                }
                results.probes = not_run(&target, effort, &stop.to_string());
            }
            results.probes.extend(left);
        }
        Err(Halt::Stop(stop)) => return Err(stop),
        Err(Halt::Cannot(reason)) => results.probes = not_run(&target, effort, &reason),
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
}

async fn run_probes(lab: &Lab, target: &str, progress: &mut impl FnMut(Progress<'_>)) -> Results {
    let mut results = Results::default();
    for probe in of_a_resource(lab.effort()) {
        progress(Progress::Probing {
            id: probe.id,
            title: probe.title,
        });
        let mut ruling = match &lab.habits().unwritable {
            Some(reason) if probe.access == Access::Write => Ruling::inconclusive(reason),
            _ => probe::run(probe.key, lab)
                .await
                .unwrap_or_else(Ruling::from),
        };
        results.lost_updates.append(&mut ruling.lost_updates);
        results.history = results.history.or(ruling.history.take());
        let mut report = report(probe, target, ruling);
        report.is_resendable = probe.shown_by == ShownBy::Curl && !lab.has_version_in_body();
        progress(Progress::Done(&report));
        results.probes.push(report);
    }
    results
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

/// Restores the resource, and tells of what is left; nothing if nothing is.
async fn put_back(lab: &Lab, target: &str) -> Option<ProbeReport> {
    let mut reason = Vec::new();
    let mut evidence = Vec::new();
    let left = lab.clean_up().await;
    if !left.is_empty() {
        let places: Vec<_> = left.iter().map(url::Url::as_str).collect();
        reason.push(format!("could not be deleted: {}", places.join(", ")));
    }
    let changed = match lab.restore().await {
        Ok(true) => None,
        Ok(false) => Some("the resource is not as it was before the run".to_owned()),
        Err(stop) => Some(format!(
            "the resource may not be as it was before the run: {stop}"
        )),
    };
    if let Some(told) = changed {
        reason.push(told);
        // Somebody will have to put it back by hand.
        evidence.push(Evidence {
            note: "what was there before the run".into(),
            exchange: lab.habits().original.exchange.clone(),
        });
    }
    if reason.is_empty() {
        return None;
    }
    Some(unrestored(target, reason.join("; "), evidence))
}

/// Tells of what is not as it was.
pub(crate) fn unrestored(target: &str, reason: String, evidence: Vec<Evidence>) -> ProbeReport {
    ProbeReport {
        id: RESTORATION.into(),
        subject: target.into(),
        title: "Everything is as it was before the run".into(),
        severity: crate::model::Severity::Info,
        verdict: Verdict::Inconclusive,
        reason,
        why: "The tester puts back what it changed, where the API lets it.".into(),
        trials: 1,
        overlapping: 0,
        evidence,
        is_resendable: false,
    }
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
