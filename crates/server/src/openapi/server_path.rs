use serde_json::{Value, json};

use super::api::{Api, SERVER};
use super::{Members, parameter};
use crate::problem::ProblemKind;
use crate::resource::JSON;

/// What stands beside `/api`.
pub(super) fn items(api: &Api<'_>) -> Members {
    let open = |refusals: &[ProblemKind], description: &str, media_type: &str| {
        api.open(success(description, media_type), refusals)
    };
    let refusals = &[ProblemKind::Malformed, ProblemKind::NotFound];
    let metrics = success("The readings.", "application/openmetrics-text");
    let mut problem = public(
        "explainProblem",
        "Explain a problem to people",
        open(refusals, "A page about it.", "text/html"),
    );
    problem["parameters"] = json!([parameter::reference("slug")]);
    Members::from_iter([
        item(
            "/healthz",
            public(
                "checkHealth",
                "Whether the server lives",
                open(&[], "It does.", "text/plain"),
            ),
        ),
        item(
            "/readyz",
            public(
                "checkReadiness",
                "Whether requests should be sent here",
                open(&[ProblemKind::Unavailable], "They should.", "text/plain"),
            ),
        ),
        item(
            "/metrics",
            operation(
                "readMetrics",
                "Readings for Prometheus",
                api.guarded(metrics, &[]),
            ),
        ),
        item(
            "/openapi.json",
            public("describeApi", "This description", described(api)),
        ),
        item("/problems/{slug}", problem),
        item(
            "/",
            public(
                "readFrontPage",
                "A page for people",
                open(&[], "The page.", "text/html"),
            ),
        ),
    ])
}

fn described(api: &Api<'_>) -> Members {
    let description = json!({
        "description": "It.",
        "content": {JSON: {"schema": {"type": "object"}}},
    });
    api.open(Members::from_iter([("200".into(), description)]), &[])
}

fn item(path: &str, get: Value) -> (String, Value) {
    (path.to_owned(), json!({"get": get}))
}

/// An operation that anybody may ask for, whatever holds for the rest.
fn public(id: &str, summary: &str, responses: Members) -> Value {
    let mut operation = operation(id, summary, responses);
    operation["security"] = json!([]);
    operation
}

fn operation(id: &str, summary: &str, responses: Members) -> Value {
    json!({"operationId": id, "tags": [SERVER], "summary": summary, "responses": responses})
}

fn success(description: &str, media_type: &str) -> Members {
    let response = json!({
        "description": description,
        "content": {media_type: {"schema": {"type": "string"}}},
    });
    Members::from_iter([("200".into(), response)])
}
