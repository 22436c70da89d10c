use serde_json::{Value, json};

use super::redact;
use crate::model::{Evidence, Exchange, ProbeReport, Reply, Report};

/// A report for programs; `schemas/report.json` says what is in it.
pub(super) fn json(report: &Report) -> String {
    let micros = |time: std::time::Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let told = json!({
        "target": report.target,
        "arguments": report.arguments,
        "grade": report.grade,
        "seed": report.seed,
        "took_ms": u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX),
        "protocols": report.protocols,
        "spread_us": report.spread.map(|spread| json!({
            "median": micros(spread.median),
            "p99": micros(spread.p99),
            "volleys": spread.volleys,
        })),
        "probes": report.probes.iter().map(probe).collect::<Vec<_>>(),
        "lost_updates": report.lost_updates,
        "requests": report.exchanges.len(),
        "history": report.exchanges.iter().map(step).collect::<Vec<_>>(),
    });
    let mut text = serde_json::to_string_pretty(&told).unwrap_or_default();
    text.push('\n');
    text
}

fn probe(probe: &ProbeReport) -> Value {
    json!({
        "id": probe.id,
        "subject": probe.subject,
        "title": probe.title,
        "severity": probe.severity,
        "verdict": probe.verdict,
        "reason": probe.reason,
        "why": probe.why,
        "fix": super::fix(probe),
        "trials": probe.trials,
        "overlapping": probe.overlapping,
        "evidence": probe.evidence.iter().map(evidence).collect::<Vec<_>>(),
    })
}

fn evidence(evidence: &Evidence) -> Value {
    let exchange = &evidence.exchange;
    let mut told = step(exchange);
    told["note"] = json!(evidence.note);
    told["request"] = json!({
        "method": exchange.request.method.as_str(),
        "url": exchange.request.url.as_str(),
        "headers": redact::fields(&exchange.request.headers),
        "body": body(&exchange.request.body),
    });
    told["response"] = match &exchange.reply {
        Reply::Received(response) => json!({
            "status": response.status.as_u16(),
            "headers": redact::fields(&response.headers),
            "body": body(&response.body),
        }),
        Reply::Missing(unsure) => json!({ "failure": unsure.to_string() }),
    };
    told
}

/// One exchange, as a line of the run: times in microseconds since it began.
fn step(exchange: &Exchange) -> Value {
    let micros = |time: std::time::Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    json!({
        "number": exchange.number,
        "actor": &*exchange.actor,
        "protocol": exchange.protocol,
        "method": exchange.request.method.as_str(),
        "url": exchange.request.url.as_str(),
        "begun": micros(exchange.begun),
        "released": micros(exchange.released),
        "ended": micros(exchange.ended),
        "status": exchange.status().map(|status| status.as_u16()),
    })
}

/// A body as text where it is, or else in hexadecimal.
fn body(body: &[u8]) -> Value {
    match std::str::from_utf8(body) {
        Ok(text) => json!({ "text": text }),
        Err(_) => {
            json!({ "hex": body.iter().map(|byte| format!("{byte:02x}")).collect::<String>() })
        }
    }
}
