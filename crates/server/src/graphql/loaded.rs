use std::collections::HashMap;
use std::sync::Arc;

use detente_core::json::Value;
use detente_core::{CollectionKey, Key};
use detente_graphql::{Fault, Resolved, Selection, Step};
use detente_store::{LoggedConflict, OutcomeFilter};

use super::arguments::Arguments;
use super::asked::Asked;
use super::conflicts::{outcome, record};

/// What some documents want of the store beside themselves, read for all of them at a time.
#[derive(Clone, Debug, Default)]
pub(super) struct Loaded(Arc<Vec<Conflicts>>);

/// The conflicts of several documents, as one form of the field asks for them.
#[derive(Debug)]
struct Conflicts {
    wanted: Wanted,
    /// An error is one of this field: what it is a field of may have been written already.
    by_id: Result<HashMap<String, Vec<Value>>, Fault>,
}

/// How many conflicts of a document are wanted, and what became of them.
type Wanted = (usize, Option<OutcomeFilter>);

fn wanted(step: &Step) -> Wanted {
    let arguments = Arguments::of(step);
    (arguments.first(), outcome(arguments))
}

impl Asked {
    /// What the nodes that `selections` are about want, of one document.
    pub(super) async fn load_of<'a>(
        &self,
        key: &Key,
        selections: impl Iterator<Item = &'a Selection>,
    ) -> Loaded {
        let wanting: Vec<_> = selections.filter(|it| it.has("conflicts")).collect();
        if wanting.is_empty() {
            return Loaded::default();
        }
        let ids = || vec![key.id().to_owned()];
        self.load(&key.place(), wanting.into_iter(), ids).await
    }

    /// What the nodes that `selections` are about want, of the documents with these ids.
    pub(super) async fn load<'a>(
        &self,
        collection: &CollectionKey,
        selections: impl Iterator<Item = &'a Selection>,
        ids: impl Fn() -> Vec<String>,
    ) -> Loaded {
        let mut loaded: Vec<Conflicts> = Vec::new();
        for selection in selections {
            for step in selection.named("conflicts") {
                let wanted = wanted(step);
                if loaded.iter().any(|it| it.wanted == wanted) {
                    continue;
                }
                let (first, outcome) = wanted;
                let service = &self.app.service;
                let found =
                    service.conflicts_of(&self.principal, collection, ids(), first, outcome);
                let rows = |(id, conflicts): (String, Vec<LoggedConflict>)| {
                    let rows = conflicts.iter().map(|it| record(it, &self.site));
                    (id, rows.collect())
                };
                let by_id = match found.await {
                    Ok(found) => Ok(found.into_iter().map(rows).collect()),
                    Err(explanation) => Err(self.refuse(explanation.into())),
                };
                loaded.push(Conflicts { wanted, by_id });
            }
        }
        Loaded(Arc::new(loaded))
    }
}

impl Loaded {
    /// The conflicts of a document.
    pub(super) fn conflicts(&self, step: &Step, id: &str) -> Resolved<'_> {
        let wanted = wanted(step);
        let found = self.0.iter().find(|it| it.wanted == wanted);
        match found.map(|it| &it.by_id) {
            Some(Ok(by_id)) => {
                let rows = by_id.get(id).map(Vec::as_slice).unwrap_or_default();
                Resolved::List(rows.iter().map(Resolved::from).collect())
            }
            Some(Err(fault)) => Resolved::failed(fault.clone()),
            None => Resolved::Null,
        }
    }
}
