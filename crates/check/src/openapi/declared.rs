use serde_json::Value;

use super::document::Description;
use crate::catalogue::{Id, row};
use crate::model::{ProbeReport, Verdict};

/// E1: for each write that is described, whether the description says what a client must know of conflicts.
pub(super) fn declared(description: &Description) -> Vec<ProbeReport> {
    let probe = row(Id::E1);
    let mut reports = Vec::new();
    for (path, item) in description.paths() {
        let lacking: Vec<_> = ["put", "patch", "delete"]
            .into_iter()
            .filter_map(|method| Some((method, item.get(method)?)))
            .map(|(method, operation)| (method, lacks(description, path, item, operation)))
            .filter(|(_, lacks)| !lacks.is_empty())
            .map(|(method, lacks)| format!("{} lacks {}", method.to_uppercase(), lacks.join(", ")))
            .collect();
        // A resource: what can be read, and replaced or changed.
        let is_resource =
            item.contains_key("get") && (item.contains_key("put") || item.contains_key("patch"));
        if !is_resource {
            continue;
        }
        reports.push(ProbeReport {
            id: probe.id.into(),
            subject: path.into(),
            title: probe.title.into(),
            severity: probe.severity,
            verdict: if lacking.is_empty() {
                Verdict::Pass
            } else {
                Verdict::Fail
            },
            reason: if lacking.is_empty() {
                "every write declares its precondition, its refusals and the tag".into()
            } else {
                lacking.join("; ")
            },
            why: probe.why.into(),
            trials: 1,
            overlapping: 0,
            evidence: Vec::new(),
            is_resendable: false,
        });
    }
    reports
}

fn lacks(
    description: &Description,
    path: &str,
    item: &serde_json::Map<String, Value>,
    operation: &Value,
) -> Vec<&'static str> {
    let response = |status: &str| {
        let responses = operation.get("responses")?;
        Some(description.resolve(responses.get(status)?))
    };
    let gives_tag = |operation: &Value| {
        operation
            .get("responses")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter(|(status, _)| status.starts_with('2'))
            .filter_map(|(_, response)| description.resolve(response).get("headers")?.as_object())
            .any(|headers| headers.keys().any(|name| name.eq_ignore_ascii_case("etag")))
    };
    let refusal = response("409").or_else(|| response("412"));
    let has_schema = refusal.is_some_and(|refusal| {
        refusal
            .get("content")
            .and_then(Value::as_object)
            .is_some_and(|content| content.values().any(|body| body.get("schema").is_some()))
    });
    [
        (
            "If-Match",
            description.declares(path, operation, "If-Match"),
        ),
        ("409 or 412", refusal.is_some()),
        ("a schema of the conflict", refusal.is_none() || has_schema),
        ("428", response("428").is_some()),
        ("ETag on GET", item.get("get").is_none_or(gives_tag)),
    ]
    .into_iter()
    .filter(|(_, is_declared)| !is_declared)
    .map(|(what, _)| what)
    .collect()
}
