use serde_json::{Value, json};

use super::Members;
use super::subject::Subject;
use crate::operations::{Answer, Link};

/// The links of an answer, by the ids of the operations that they lead to.
pub(super) fn describe(subject: &Subject<'_>, answer: &Answer) -> Members {
    let describe = |link: &Link| (link.to.to_owned(), one(subject, link));
    answer.links.iter().map(describe).collect()
}

fn one(subject: &Subject<'_>, link: &Link) -> Value {
    let mut parameters = members(link.parameters);
    parameters.extend(subject.link_parameters());
    let mut described = json!({
        "operationId": subject.operation(link.to),
        "description": link.description,
        "parameters": parameters,
    });
    if !link.body.is_empty() {
        described["requestBody"] = members(link.body).into();
    }
    described
}

fn members(expressions: &[(&str, &str)]) -> Members {
    let owned = |(name, expression): &(&str, &str)| ((*name).to_owned(), (*expression).into());
    expressions.iter().map(owned).collect()
}
