use crate::client::{Client, Stop};
use crate::effort::Effort;
use crate::exchange::Protocol;
use crate::grade::grade;
use crate::lab::{Halt, Lab, calibrate};
use crate::probe::{PROBES, Probe, Ruling};
use crate::report::{LostUpdates, ProbeReport, Report, Verdict};
use crate::subject::Subject;

/// How far a run is.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// Reading and writing with one client, to learn how.
    Calibrating,
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
    let (probes, lost_updates, protocols) =
        match calibrate(client.clone(), subject.clone(), effort.clone()).await {
            Ok(lab) => {
                let (mut probes, lost_updates) = ask(&lab, &target, &mut progress).await;
                progress(Progress::Restoring);
                probes.extend(put_back(&lab, &target).await?);
                (probes, lost_updates, client.protocols(lab.place()).await?)
            }
            Err(Halt::Stop(stop)) => return Err(stop),
            Err(Halt::Cannot(reason)) => (
                unasked(&target, effort, &reason),
                Vec::new(),
                vec![Protocol::Http1],
            ),
        };
    Ok(Report {
        target,
        grade: Some(grade(&probes, effort.most_writers())),
        seed: effort.seed,
        protocols,
        spread: client.spread(),
        probes,
        lost_updates,
        exchanges: client.record(),
        took: client.elapsed(),
    })
}

async fn ask(
    lab: &Lab,
    target: &str,
    progress: &mut impl FnMut(Progress<'_>),
) -> (Vec<ProbeReport>, Vec<LostUpdates>) {
    let mut reports = Vec::new();
    let mut lost_updates = Vec::new();
    for probe in PROBES
        .iter()
        .filter(|probe| lab.effort().asks_for(probe.id))
    {
        progress(Progress::Probing {
            id: probe.id,
            title: probe.title,
        });
        let mut ruling = (probe.run)(lab).await.unwrap_or_else(Ruling::from);
        lost_updates.append(&mut ruling.lost_updates);
        let report = report(probe, target, ruling);
        progress(Progress::Done(&report));
        reports.push(report);
    }
    (reports, lost_updates)
}

/// Every probe that was asked for, as one that could not be run.
fn unasked(target: &str, effort: &Effort, reason: &str) -> Vec<ProbeReport> {
    PROBES
        .iter()
        .filter(|probe| effort.asks_for(probe.id))
        .map(|probe| report(probe, target, Ruling::inconclusive(reason)))
        .collect()
}

/// Restores the resource, and tells of what is left; nothing if nothing is.
async fn put_back(lab: &Lab, target: &str) -> Result<Option<ProbeReport>, Stop> {
    let left = lab.clean_up().await?;
    let is_restored = lab.restore().await?;
    if is_restored && left.is_empty() {
        return Ok(None);
    }
    let mut reason = Vec::new();
    if !is_restored {
        reason.push("the resource is not as it was before the run".to_owned());
    }
    if !left.is_empty() {
        let places: Vec<_> = left.iter().map(url::Url::as_str).collect();
        reason.push(format!("could not be deleted: {}", places.join(", ")));
    }
    Ok(Some(ProbeReport {
        id: "restore".into(),
        subject: target.into(),
        title: "Is everything as it was before the run?".into(),
        severity: crate::severity::Severity::Info,
        verdict: Verdict::Inconclusive,
        reason: reason.join("; "),
        why: "The tester puts back what it changed, where the API lets it.".into(),
        trials: 1,
        overlapping: 0,
        evidence: Vec::new(),
    }))
}

fn report(probe: &Probe, target: &str, mut ruling: Ruling) -> ProbeReport {
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
    }
}
