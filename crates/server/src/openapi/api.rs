use serde_json::{Value, json};

use super::subject::Subject;
use super::{Members, parameter, refusal};
use crate::problem::ProblemKind;
use crate::settings::{Settings, Undeclared};

/// A server, as far as its description depends on it.
pub(super) struct Api<'a> {
    settings: &'a Settings,
    pub(super) subjects: Vec<Subject<'a>>,
}

/// The tag of what stands beside the collections, none of which can have this name.
pub(super) const SERVER: &str = "_server";

impl<'a> Api<'a> {
    pub(super) fn of(settings: &'a Settings) -> Self {
        let mut subjects: Vec<_> = settings
            .collections
            .iter()
            .map(|(name, collection)| Subject::new(settings, Some(name), collection))
            .collect();
        if let Undeclared::Allow(collection) = &settings.undeclared {
            subjects.push(Subject::new(settings, None, collection));
        }
        Self { settings, subjects }
    }

    pub(super) fn wants_tokens(&self) -> bool {
        self.settings.tokens.is_some()
    }

    pub(super) fn tags(&self) -> Vec<Value> {
        let mut tags: Vec<_> = self.subjects.iter().map(Subject::described_tag).collect();
        tags.push(json!({
            "name": SERVER,
            "description": "What the server tells of itself, and what a whole space has: changes, batches, conflicts.",
        }));
        tags
    }

    /// A name that no declared collection has.
    pub(super) fn undeclared_name(&self) -> String {
        let is_free = |name: &String| !self.settings.collections.contains_key(name);
        let numbered = (2..).map(|number| format!("documents-{number}"));
        std::iter::once("documents".to_owned())
            .chain(numbered)
            .find(is_free)
            .unwrap_or_default()
    }

    /// A pattern for the names of collections.
    pub(super) fn collection_pattern(&self) -> String {
        let names: Option<Vec<_>> = self.subjects.iter().map(Subject::name).collect();
        match names {
            Some(names) if !names.is_empty() => format!("({})", names.join("|")),
            _ => parameter::COLLECTION_NAME.to_owned(),
        }
    }

    /// References to the parameters of an operation that writes.
    pub(super) fn write_parameters(&self, names: &[&str]) -> Vec<Value> {
        let names = names.iter().map(|name| parameter::reference(name));
        names.chain(actor(self.settings)).collect()
    }

    pub(super) fn body(&self, content: Value) -> Value {
        body(self.settings, content)
    }

    /// Refusals of writes, whatever the collection.
    pub(super) fn refusals_of_writes(&self) -> Vec<ProblemKind> {
        let of = |subject: &Subject<'_>| {
            let mut kinds = subject.refusals_by_others();
            kinds.extend(subject.refusals_by_rules());
            kinds
        };
        self.subjects.iter().flat_map(of).collect()
    }

    /// The responses of an operation that anybody may ask for.
    pub(super) fn open(&self, success: Members, refusals: &[ProblemKind]) -> Members {
        answers(success, refusals.to_vec())
    }

    /// The responses of an operation that wants a token where there are tokens.
    pub(super) fn guarded(&self, success: Members, refusals: &[ProblemKind]) -> Members {
        guarded(self.settings, success, refusals)
    }
}

/// Who writes; with tokens, the token says that.
pub(super) fn actor(settings: &Settings) -> Option<Value> {
    settings
        .tokens
        .is_none()
        .then(|| parameter::reference("actor"))
}

/// The body of a request.
pub(super) fn body(settings: &Settings, content: Value) -> Value {
    let limit = settings.limits.body_bytes;
    let description = format!("At most {limit} bytes, without `Content-Encoding`.");
    json!({"description": description, "required": true, "content": content})
}

/// The responses of an operation that wants a token where there are tokens.
pub(super) fn guarded(settings: &Settings, success: Members, refusals: &[ProblemKind]) -> Members {
    let mut kinds = refusals.to_vec();
    match settings.tokens {
        Some(_) => kinds.extend([ProblemKind::Unauthenticated, ProblemKind::Forbidden]),
        // For an X-Actor that is no name.
        None => kinds.push(ProblemKind::Malformed),
    }
    answers(success, kinds)
}

fn answers(mut responses: Members, mut refusals: Vec<ProblemKind>) -> Members {
    refusals.push(ProblemKind::HeadersTooLarge);
    responses.extend(refusal::by_status(&refusals));
    responses
}
