use super::refusal::{OF_READING, always};
use super::{Action, Answer, Content, Operation, Required, Resource, Shape};
use crate::call::{gated, open};
use crate::problem::ProblemKind;
use crate::resource::JSON;

pub(super) static HEALTH: Resource = Resource::of_server("/healthz", &[CHECK_HEALTH]);
pub(super) static READINESS: Resource = Resource::of_server("/readyz", &[CHECK_READINESS]);
pub(super) static METRICS: Resource = Resource::of_server("/metrics", &[READ_METRICS]);
pub(super) static DESCRIPTION: Resource = Resource::of_server("/openapi.json", &[DESCRIBE]);
pub(super) static PROBLEM: Resource = Resource::of_server("/problems/{slug}", &[EXPLAIN]);
pub(super) static FRONT_PAGE: Resource = Resource::of_server("/", &[READ_FRONT_PAGE]);

const TEXT: Content = Content::new("text/plain", Shape::Text);
const PAGE: Content = Content::new("text/html", Shape::Text);
const METRICS_TEXT: Content = Content::new("application/openmetrics-text", Shape::Text);
const ANY_JSON: Content = Content::new(JSON, Shape::Object);

const CHECK_HEALTH: Operation = Operation {
    id: "checkHealth",
    run: open!(crate::status::health),
    summary: "Check that the server is alive",
    // Probes add parameters of their own, so that no cache answers them.
    takes_any_query: true,
    answers: &[Answer::of("The server is alive.", &[TEXT])],
    ..OPEN
};

const CHECK_READINESS: Operation = Operation {
    id: "checkReadiness",
    run: open!(crate::status::readiness),
    summary: "Check that the server is ready for requests",
    takes_any_query: true,
    answers: &[Answer::of("The server is ready.", &[TEXT])],
    refusals: &[&[always(ProblemKind::Unavailable)]],
    ..OPEN
};

const READ_METRICS: Operation = Operation {
    id: "readMetrics",
    run: gated!(crate::status::metrics),
    action: Required::Always(Action::Operate),
    summary: "Read the metrics for Prometheus",
    answers: &[Answer::of("The metrics.", &[METRICS_TEXT])],
    ..OPEN
};

const DESCRIBE: Operation = Operation {
    id: "describeApi",
    run: open!(crate::openapi::read),
    summary: "Read this description",
    answers: &[Answer::of("The description.", &[ANY_JSON])],
    ..OPEN
};

const EXPLAIN: Operation = Operation {
    id: "explainProblem",
    run: open!(crate::problem_page::read),
    summary: "Read the page about a problem",
    answers: &[Answer::of("The page.", &[PAGE])],
    refusals: &[OF_READING],
    ..OPEN
};

pub(super) const READ_FRONT_PAGE: Operation = Operation {
    id: "readFrontPage",
    run: open!(crate::page::read),
    summary: "Read the front page",
    // All places of the page are this row. Its script keeps filters and orders in the query.
    takes_any_query: true,
    answers: &[Answer::of("The page.", &[PAGE])],
    ..OPEN
};

const OPEN: Operation = Operation {
    method: "GET",
    action: Required::Nothing,
    ..Operation::BARE
};
