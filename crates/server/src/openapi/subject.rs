use detente_core::Unconditional;
use detente_core::rules::Rules;
use serde_json::{Value, json};

use super::api::{actor, body, guarded};
use super::{Members, parameter, schema};
use crate::problem::ProblemKind;
use crate::settings::{Collection, Settings, StaleStatus};

/// What one set of paths is about: a collection that is declared, or any that is not.
pub(super) struct Subject<'a> {
    settings: &'a Settings,
    name: Option<&'a str>,
    collection: &'a Collection,
}

impl<'a> Subject<'a> {
    pub(super) fn new(
        settings: &'a Settings,
        name: Option<&'a str>,
        collection: &'a Collection,
    ) -> Self {
        Self {
            settings,
            name,
            collection,
        }
    }

    pub(super) fn name(&self) -> Option<&'a str> {
        self.name
    }

    /// The path of something within the collection, or with `""` of itself.
    pub(super) fn path(&self, rest: &str) -> String {
        format!("/api/{}{rest}", self.name.unwrap_or("{collection}"))
    }

    /// The id of an operation on a thing: `users_listVersions`, or `listVersionsOfAny`.
    ///
    /// Collections' names hold no `_`, and hyphens are all that is replaced: no two ids are equal.
    pub(super) fn operation(&self, verb: &str) -> String {
        match self.name {
            Some(name) => format!("{}_{verb}", name.replace('-', "_")),
            None => format!("{verb}OfAny"),
        }
    }

    pub(super) fn tag(&self) -> &str {
        self.name.unwrap_or("{collection}")
    }

    pub(super) fn described_tag(&self) -> Value {
        let description = match self.name {
            Some(name) => format!("The documents of the collection {name}."),
            None => "The documents of any other collection: it exists as soon as something is stored in it.".into(),
        };
        json!({"name": self.tag(), "description": description})
    }

    /// References to parameters; of the collection too where the path leaves it open.
    pub(super) fn parameters(&self, names: &[&str]) -> Vec<Value> {
        let collection = self.name.is_none().then_some(&"collection");
        let names = collection.into_iter().chain(names);
        names.map(|name| parameter::reference(name)).collect()
    }

    /// As [`Subject::parameters`], of an operation that writes.
    pub(super) fn write_parameters(&self, names: &[&str]) -> Vec<Value> {
        let mut parameters = self.parameters(names);
        parameters.extend(actor(self.settings));
        parameters
    }

    /// The parameters of a link, beside the id.
    pub(super) fn link_parameters(&self) -> Members {
        let mut parameters = Members::new();
        if self.name.is_none() {
            parameters.insert("path.collection".into(), "$request.path.collection".into());
        }
        parameters
    }

    /// Finds the id in the `Location` of a new document. OpenAPI has no expression for a part of a
    /// field, so this uses the `#regex:` of Schemathesis; to other tools it is just a string.
    pub(super) fn id_in_location(&self) -> String {
        let collection = self.name.unwrap_or("[^/]+");
        format!("$response.header.Location#regex:/api/{collection}/(.+)")
    }

    /// What a document of the collection looks like.
    pub(super) fn document(&self) -> Value {
        match (self.name, &self.rules().schema) {
            (Some(name), Some(schema)) if schema::is_of_objects(schema.source()) => {
                schema::reference(name)
            }
            (Some(name), Some(_)) => {
                json!({"allOf": [schema::reference("Document"), schema::reference(name)]})
            }
            _ => schema::reference("Document"),
        }
    }

    /// The collection's own schema, by its name.
    pub(super) fn schema_component(&self) -> Option<(String, Value)> {
        let (name, schema) = (self.name?, self.rules().schema.as_ref()?);
        Some((name.to_owned(), schema::embed(schema.source(), name)))
    }

    pub(super) fn body(&self, content: Value) -> Value {
        body(self.settings, content)
    }

    /// The responses of an operation.
    pub(super) fn answers(&self, success: Members, refusals: &[ProblemKind]) -> Members {
        guarded(self.settings, success, refusals)
    }

    /// The responses of an operation that changes a document which may exist.
    pub(super) fn conditional(&self, success: Members, refusals: &[ProblemKind]) -> Members {
        let mut kinds = self.refusals_by_others();
        kinds.extend(refusals);
        self.answers(success, &kinds)
    }

    /// Refusals to change a document that others change too.
    pub(super) fn refusals_by_others(&self) -> Vec<ProblemKind> {
        let mut kinds = vec![
            self.stale(),
            ProblemKind::Deleted,
            ProblemKind::BaseGone,
            ProblemKind::RequestInProgress,
            ProblemKind::PreconditionFailed,
            ProblemKind::LockLost,
            ProblemKind::KeyReuse,
            ProblemKind::Locked,
        ];
        if self.collection.unconditional() == Unconditional::Reject {
            kinds.push(ProblemKind::PreconditionRequired);
        }
        kinds
    }

    fn stale(&self) -> ProblemKind {
        match self.collection.stale_status {
            StaleStatus::Conflict => ProblemKind::StaleVersion,
            StaleStatus::PreconditionFailed => ProblemKind::PreconditionFailed,
        }
    }

    /// Refusals of a document for what it says, or for the step that it would be.
    pub(super) fn refusals_by_rules(&self) -> Vec<ProblemKind> {
        let mut kinds = Vec::new();
        if !self.rules().unique.is_empty() {
            kinds.push(ProblemKind::DuplicateEntry);
        }
        if self.rules().lifecycle.is_some() || !self.rules().checks.is_empty() {
            kinds.push(ProblemKind::StateConflict);
        }
        kinds
    }

    /// Refusals to delete; a lifecycle has no say in that.
    pub(super) fn refusals_to_delete(&self) -> Vec<ProblemKind> {
        let has_checks = !self.rules().checks.is_empty();
        has_checks
            .then_some(ProblemKind::StateConflict)
            .into_iter()
            .collect()
    }

    fn rules(&self) -> &Rules {
        &self.collection.rules.rules
    }
}
