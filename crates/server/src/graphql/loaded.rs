use std::collections::HashMap;
use std::sync::Arc;

use detente_core::CollectionKey;
use detente_core::json::Value;
use detente_graphql::{Resolved, Selection, Step};
use detente_store::OutcomeFilter;

use super::arguments::Arguments;
use super::asked::Asked;
use super::conflicts::{outcome, record};
use crate::explanation::Refused;

/// What some documents want of the store beside themselves, read for all of them at a time.
#[derive(Clone, Debug, Default)]
pub(super) struct Loaded(Arc<Vec<Conflicts>>);

/// The conflicts of several documents, as one form of the field asks for them.
#[derive(Debug)]
struct Conflicts {
    first: usize,
    outcome: Option<OutcomeFilter>,
    by_id: HashMap<String, Vec<Value>>,
}

impl Asked {
    /// What the nodes that `selections` are about want, of the documents with these ids.
    pub(super) async fn load<'a>(
        &self,
        collection: &CollectionKey,
        selections: impl Iterator<Item = &'a Selection>,
        ids: impl Fn() -> Vec<String>,
    ) -> Result<Loaded, Refused> {
        let mut loaded: Vec<Conflicts> = Vec::new();
        for selection in selections {
            for step in selection.named("conflicts") {
                let (first, outcome) = wanted(step)?;
                if loaded
                    .iter()
                    .any(|it| it.first == first && it.outcome == outcome)
                {
                    continue;
                }
                let service = &self.app.service;
                let found =
                    service.conflicts_of(&self.principal, collection, ids(), first, outcome);
                let rows = found.await?.into_iter().map(|(id, conflicts)| {
                    let rows = conflicts.iter().map(|it| record(it, &self.site));
                    (id, rows.collect())
                });
                loaded.push(Conflicts {
                    first,
                    outcome,
                    by_id: rows.collect(),
                });
            }
        }
        Ok(Loaded(Arc::new(loaded)))
    }
}

impl Loaded {
    /// The conflicts of a document.
    pub(super) fn conflicts(&self, step: &Step, id: &str) -> Resolved<'_> {
        let Ok((first, outcome)) = wanted(step) else {
            return Resolved::Null;
        };
        let mut loaded = self.0.iter();
        let found = loaded.find(|it| it.first == first && it.outcome == outcome);
        let Some(found) = found else {
            return Resolved::Null;
        };
        let rows = found.by_id.get(id).map(Vec::as_slice).unwrap_or_default();
        Resolved::List(rows.iter().map(Resolved::from).collect())
    }
}

fn wanted(step: &Step) -> Result<(usize, Option<OutcomeFilter>), Refused> {
    let arguments = Arguments::of(step.arguments());
    Ok((arguments.first()?, outcome(arguments)))
}
