use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use detente_core::CollectionKey;
use detente_core::json::{Pointer, Value};
use detente_graphql::{CollectionType, Resolved, Resolver, Step};
use detente_service::{Ask, BatchRefused, OperationRefused};

use super::arguments::{Arguments, mistake};
use super::asked::Asked;
use super::loaded::Loaded;
use super::node::{Node, Written};
use super::writing::once;
use crate::batch::{MAX_OPERATIONS, tell};
use crate::explanation::Refused;
use crate::problem::Problem;
use crate::resource::{JSON, space_prefix};

/// An operation of a batch, as far as it could be read.
struct Operation {
    of: Arc<CollectionType>,
    /// Where the same request would go over REST.
    path: String,
}

impl Asked {
    /// Performs several writes, all or none.
    pub(super) async fn batch(
        &self,
        step: &Step,
        arguments: Arguments<'_>,
    ) -> Result<Resolved<'static>, Refused> {
        let Some(Value::Array(sent)) = arguments.get("operations") else {
            return Err(mistake("operations", "must be a list of operations").into());
        };
        if !(1..=MAX_OPERATIONS).contains(&sent.len()) {
            let what = format!("must have 1 to {MAX_OPERATIONS} operations");
            return Err(mistake("operations", &what).into());
        }
        let place = Pointer::root().child("operations");
        let (mut operations, mut asks) = (Vec::new(), Vec::new());
        for (index, operation) in sent.iter().enumerate() {
            let place = place.child(index.to_string());
            let (resolver, of, arguments) = self.operation(&place, operation)?;
            let path = match self.ask(resolver, &of, arguments) {
                Ok((ask, place)) => {
                    asks.push(Ok(ask));
                    place.path()
                }
                Err(refused) => {
                    asks.push(Err(refused));
                    self.path.clone()
                }
            };
            operations.push(Operation { of, path });
        }
        let once = once(arguments)?;
        let path = format!("{}/api/_batch", space_prefix(&self.space));
        let once = once
            .as_ref()
            .map(|once| once.with("POST", &path, JSON.as_bytes()));
        let text = arguments.json("operations");
        let service = &self.app.service;
        let asks: Vec<Result<Ask, Refused>> = asks;
        let done = service.batch(&self.principal, asks, once, &text).await;
        let done = match done {
            Ok(done) => done,
            Err(BatchRefused::Whole(explanation)) => return Err(explanation.into()),
            Err(BatchRefused::Operations(refused)) => {
                if refused.iter().any(is_denial) {
                    self.note_denial();
                }
                let paths = operations.iter().map(|it| it.path.as_str());
                return Err(tell(paths, refused, &self.site).into());
            }
        };
        let documents: Vec<_> = step.selection().named("document").collect();
        let wanted = || documents.iter().map(|it| it.selection());
        // What the documents of a collection want is read for all of them at a time.
        let mut loaded: HashMap<CollectionKey, Loaded> = HashMap::new();
        for write in &done.writes {
            if let Entry::Vacant(entry) = loaded.entry(write.stored.key.place()) {
                let keys = done.writes.iter().map(|it| &it.stored.key);
                let of_place: Vec<_> = keys.filter(|key| key.is_in(entry.key())).collect();
                let ids = || of_place.iter().map(|key| key.id().to_owned()).collect();
                let found = self.load(entry.key(), wanted(), ids).await;
                entry.insert(found);
            }
        }
        let mut rows = Vec::with_capacity(operations.len());
        for (operation, mut write) in operations.iter().zip(done.writes) {
            write.is_replayed |= done.is_replayed;
            let loaded = loaded.get(&write.stored.key.place()).cloned();
            let loaded = loaded.unwrap_or_default();
            let node = Node::written(write, &operation.of, wanted(), loaded);
            rows.push(Resolved::object(Written(node)));
        }
        Ok(Resolved::List(rows))
    }

    /// Which write an operation is: its one member is called as the mutation is.
    fn operation<'a>(
        &self,
        place: &Pointer,
        operation: &'a Value,
    ) -> Result<(Resolver, Arc<CollectionType>, Arguments<'a>), Problem> {
        let wrong = || {
            let what = "must have one member, the write that it is";
            mistake(&place.to_string(), what)
        };
        let members = operation.as_object().ok_or_else(wrong)?;
        let mut given = members.iter().filter(|(_, value)| **value != Value::Null);
        let (Some((name, Value::Object(arguments))), None) = (given.next(), given.next()) else {
            return Err(wrong());
        };
        let field = self.api.field(name).ok_or_else(wrong)?;
        let of = field.collection.clone().ok_or_else(wrong)?;
        Ok((field.resolver, of, Arguments::of_values(arguments)))
    }
}

fn is_denial(refused: &OperationRefused<Refused>) -> bool {
    match refused {
        OperationRefused::Unread(Refused::Problem(problem)) => problem.is_denial(),
        OperationRefused::Unread(Refused::Explained(explanation))
        | OperationRefused::Explained(explanation) => {
            matches!(explanation.what, detente_service::What::Denied { .. })
        }
    }
}
