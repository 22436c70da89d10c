use detente_core::Unconditional;
use detente_service::{Collection, StaleAnswer};
use serde_json::Value;

use super::label::type_name;
use super::{Members, embedding};
use crate::operations::{Resource, Scope, When};
use crate::schema::named;

/// What a set of paths is about.
pub(super) struct Subject<'a> {
    kind: Kind<'a>,
    /// Its name in the names of operations and types.
    label: String,
    /// The collections that its operations can be about.
    collections: Vec<&'a Collection>,
}

#[derive(Clone, Copy)]
enum Kind<'a> {
    Declared(&'a str),
    Undeclared,
    Whole { example: &'a str },
}

/// The collection of examples.
const EXAMPLE: &str = "documents";

impl<'a> Subject<'a> {
    /// A collection that is declared.
    pub(super) fn declared(name: &'a str, label: String, collection: &'a Collection) -> Self {
        Self {
            kind: Kind::Declared(name),
            label,
            collections: vec![collection],
        }
    }

    /// Any collection that is not.
    pub(super) fn undeclared(collection: &'a Collection) -> Self {
        Self {
            kind: Kind::Undeclared,
            label: String::new(),
            collections: vec![collection],
        }
    }

    /// All collections together, and the server itself.
    pub(super) fn whole(subjects: &[Self]) -> Self {
        let example = subjects.iter().find_map(Self::name);
        let collections = subjects.iter().flat_map(|it| &it.collections);
        Self {
            kind: Kind::Whole {
                example: example.unwrap_or(EXAMPLE),
            },
            label: String::new(),
            collections: collections.copied().collect(),
        }
    }

    pub(super) fn name(&self) -> Option<&'a str> {
        match self.kind {
            Kind::Declared(name) => Some(name),
            Kind::Undeclared | Kind::Whole { .. } => None,
        }
    }

    /// A collection that examples may name.
    pub(super) fn example(&self) -> &'a str {
        match self.kind {
            Kind::Declared(example) | Kind::Whole { example } => example,
            Kind::Undeclared => EXAMPLE,
        }
    }

    pub(super) fn path(&self, resource: &Resource) -> String {
        if resource.scope == Scope::Server {
            return resource.path.to_owned();
        }
        let collection = self.name().unwrap_or("{collection}");
        format!("/api{}", resource.path.replace("{collection}", collection))
    }

    /// The id of an operation: `users_listVersions`, `listVersionsOfAny`, or as the row has it.
    ///
    /// No two ids are equal, since no two labels are and the rows' ids have no `_`.
    pub(super) fn operation(&self, id: &str) -> String {
        match self.kind {
            Kind::Declared(_) => format!("{}_{id}", self.label),
            Kind::Undeclared => format!("{id}OfAny"),
            Kind::Whole { .. } => id.to_owned(),
        }
    }

    pub(super) fn tag(&self) -> &'a str {
        match self.kind {
            Kind::Declared(name) => name,
            Kind::Undeclared => "{collection}",
            // No collection can have this name.
            Kind::Whole { .. } => "_server",
        }
    }

    pub(super) fn description(&self) -> String {
        match self.kind {
            Kind::Declared(name) => format!("The documents of the collection {name}."),
            Kind::Undeclared => {
                "The documents of any other collection. A collection exists as soon as \
                                 something is stored in it."
                    .into()
            }
            Kind::Whole { .. } => {
                "The server itself, and whole spaces: their changes, batches and \
                                   conflicts."
                    .into()
            }
        }
    }

    /// The parameters that every link needs.
    pub(super) fn link_parameters(&self) -> Members {
        let mut parameters = Members::new();
        if matches!(self.kind, Kind::Undeclared) {
            parameters.insert("path.collection".into(), "$request.path.collection".into());
        }
        parameters
    }

    /// The schema of a document of the collection.
    pub(super) fn document(&self) -> Value {
        match self.own_schema() {
            Some(_) => named(&self.component()),
            None => named("Document"),
        }
    }

    /// The collection's own schema, as components: the documents, and the definitions that it has.
    pub(super) fn schema_components(&self) -> Vec<(String, Value)> {
        let source = self.own_schema();
        source.map_or_else(Vec::new, |it| embedding::embed(it, &self.component()))
    }

    fn component(&self) -> String {
        format!("{}Document", type_name(&self.label))
    }

    fn own_schema(&self) -> Option<&'a Value> {
        self.name()?;
        let [collection] = self.collections.as_slice() else {
            return None;
        };
        let source = collection.rules.rules.schema.as_ref()?.source();
        // `true` says nothing of documents.
        source.is_object().then_some(source)
    }

    /// Whether a problem is possible here.
    pub(super) fn may_have(&self, when: When) -> bool {
        when == When::Always || self.collections.iter().any(|it| is_so(it, when))
    }
}

fn is_so(collection: &Collection, when: When) -> bool {
    let rules = &collection.rules.rules;
    match when {
        When::Always => true,
        When::StaleIsConflict => collection.stale_answer == StaleAnswer::Conflict,
        When::WritesAreConditional => collection.unconditional() == Unconditional::Reject,
        When::HasUniqueKeys => !rules.unique.is_empty(),
        When::HasSteps => rules.lifecycle.is_some() || !rules.checks.is_empty(),
        When::HasRules => !rules.checks.is_empty(),
    }
}
