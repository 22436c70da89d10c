use crate::model::{Evidence, OUTAGE, Outage, ProbeReport, Severity, Verdict};

/// Tells that the server stopped answering, and with which request.
pub(crate) fn stopped_answering(outage: &Outage, when: &str, subject: &str) -> ProbeReport {
    let shown = [
        ("the last request with an answer", &outage.answered),
        ("the first request without an answer", &outage.unanswered),
    ];
    let shown = shown.into_iter().filter_map(|(note, exchange)| {
        Some(Evidence {
            note: note.into(),
            exchange: exchange.clone()?,
        })
    });
    ProbeReport {
        id: OUTAGE.into(),
        subject: subject.into(),
        title: "The server answers until the end of the run".into(),
        severity: Severity::High,
        verdict: Verdict::Fail,
        reason: outage.told(when),
        why: "Nothing that comes after it could be judged. If a request ended the server, then any client can end it."
            .into(),
        trials: 1,
        overlapping: 0,
        evidence: shown.collect(),
        is_resendable: false,
    }
}
