use axum::http::header;
use bytes::Bytes;
use detente_core::json::{self, Members, Object, Value};
use detente_graphql::{Fault, Sent};

use crate::inbound::not_json;
use crate::parameters::parameters;
use crate::problem::{Problem, ProblemKind};

/// What a client sent (GraphQL over HTTP, section 5).
#[derive(Debug)]
pub(crate) struct Request {
    pub(super) query: String,
    /// The name of the operation, where the document has several.
    pub(super) operation: Option<String>,
    pub(super) variables: Vec<(String, Sent)>,
}

/// How deep documents are in what is sent: in an operation of a batch, in their list, in an argument, among
/// the variables.
const LEVELS: usize = 6;

/// The members of a request.
const KNOWN: [&str; 4] = ["query", "operationName", "variables", "extensions"];

impl Request {
    pub(super) fn of_body(body: &Bytes) -> Result<Self, Problem> {
        json::check_enclosing(body, LEVELS).map_err(|error| not_json(&error))?;
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Self::of_value(
                json::parse_enclosing(body, LEVELS).map_err(|it| not_json(&it))?,
            );
        }
        // Documents among the variables stay texts.
        let members = Members::of(body.clone());
        let (mut others, mut variables) = (Object::new(), None);
        for index in 0..members.len() {
            match members.name(index) {
                "variables" if members.text(index).first() == Some(&b'{') => {
                    let all = Members::of(body.slice_ref(members.text(index)));
                    // Each by itself: a document that is kept must not keep the whole request.
                    let text = |index| Sent::Text(Bytes::copy_from_slice(all.text(index)));
                    let named =
                        (0..all.len()).map(|index| (all.name(index).to_owned(), text(index)));
                    variables = Some(named.collect());
                }
                // What nobody reads may be as large as it likes.
                name if KNOWN.contains(&name) => {
                    others.insert(name.to_owned(), members.value(index));
                }
                _ => {}
            }
        }
        let mut request = Self::of_value(Value::Object(others))?;
        if let Some(variables) = variables {
            request.variables = variables;
        }
        Ok(request)
    }

    /// `{"query": "…", "operationName": "…", "variables": {…}, "extensions": {…}}`; other members are passed
    /// over, as the specification asks.
    pub(super) fn of_value(value: Value) -> Result<Self, Problem> {
        let mut members = match value {
            Value::Object(members) => members,
            Value::Array(_) => {
                return Err(Problem::mistake(
                    "",
                    "must be one operation: batches of operations are not taken. Several fields of one operation \
                     are, and batch does several writes in one step",
                ));
            }
            _ => return Err(Problem::mistake("", "must be an object")),
        };
        let mut take = |name: &str| match members.swap_remove(name) {
            None | Some(Value::Null) => None,
            value => value,
        };
        let query = match take("query") {
            Some(Value::String(query)) => query,
            _ => return Err(Problem::mistake("/query", "must be a string")),
        };
        let operation = match take("operationName") {
            None => None,
            Some(Value::String(name)) => Some(name),
            Some(_) => return Err(Problem::mistake("/operationName", "must be a string")),
        };
        let variables = match take("variables") {
            None => Vec::new(),
            Some(Value::Object(variables)) => {
                let variables = variables.into_iter();
                variables
                    .map(|(name, value)| (name, Sent::Value(value)))
                    .collect()
            }
            Some(_) => return Err(Problem::mistake("/variables", "must be an object")),
        };
        if !matches!(take("extensions"), None | Some(Value::Object(_))) {
            return Err(Problem::mistake("/extensions", "must be an object"));
        }
        Ok(Self {
            query,
            operation,
            variables,
        })
    }

    /// The same, in the query of a URL: objects are JSON there.
    pub(super) fn of_query(text: &str) -> Result<Self, Problem> {
        let mut members = Object::new();
        for (name, value) in parameters(text) {
            let value = match &*name {
                "query" | "operationName" => Value::from(&*value),
                "variables" | "extensions" => json::parse_enclosing(value.as_bytes(), LEVELS)
                    .map_err(|error| {
                        let detail = format!("{name} is not JSON: {error}.");
                        Problem::malformed(detail).with("parameter", &*name)
                    })?,
                _ => continue,
            };
            members.insert(name.into_owned(), value);
        }
        Self::of_value(Value::Object(members))
    }
}

/// A mutation that came by a method which must not change anything.
pub(super) fn not_by_get() -> Problem {
    let detail = "A mutation is sent by POST.";
    Problem::new(ProblemKind::MethodNotAllowed, detail).header(header::ALLOW, "POST")
}

/// A subscription that came by a way which has one answer.
pub(super) fn not_as_json() -> Fault {
    Fault::new(
        Fault::VALIDATION,
        "A subscription is answered as events: accept text/event-stream, or open a WebSocket.",
    )
}
