use crate::lab::Lab;
use crate::model::{Evidence, ProbeReport, RESTORATION, Severity, Verdict};

/// Restores the resource, and tells of what is left; nothing if nothing is.
pub(super) async fn put_back(lab: &Lab, target: &str) -> Option<ProbeReport> {
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
        evidence.push(what_was_there(lab));
    }
    if reason.is_empty() {
        return None;
    }
    Some(unrestored(target, reason.join("; "), evidence))
}

/// Nothing can be put back on a server that does not answer: what may be left.
pub(super) fn abandoned(lab: &Lab, target: &str) -> ProbeReport {
    let mut reason = String::from(
        "the server stopped answering, so the resource may not be as it was before the run",
    );
    let made = lab.made();
    if !made.is_empty() {
        let places: Vec<_> = made.iter().map(url::Url::as_str).collect();
        reason.push_str(&format!("; these may be left: {}", places.join(", ")));
    }
    unrestored(target, reason, vec![what_was_there(lab)])
}

/// Somebody will have to put it back by hand.
fn what_was_there(lab: &Lab) -> Evidence {
    Evidence {
        note: "what was there before the run".into(),
        exchange: lab.habits().original.exchange.clone(),
    }
}

/// Tells of what is not as it was.
pub(crate) fn unrestored(target: &str, reason: String, evidence: Vec<Evidence>) -> ProbeReport {
    ProbeReport {
        id: RESTORATION.into(),
        subject: target.into(),
        title: "Everything is as it was before the run".into(),
        severity: Severity::Info,
        verdict: Verdict::Inconclusive,
        reason,
        why: "The tester restores what it changed, if the API allows that.".into(),
        trials: 1,
        overlapping: 0,
        evidence,
        is_resendable: false,
    }
}
