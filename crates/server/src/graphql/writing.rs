//! The fields of mutations.

use std::sync::Arc;

use bytes::Bytes;
use detente_core::json::{MAX_DEPTH, Object as Members, Value, object};
use detente_core::merge::Choices;
use detente_core::{Condition, Preconditions};
use detente_graphql::{CollectionType, Resolved, Resolver, Step};
use detente_service::{
    Ask, Decided, Done, Edited, LogPlace, MergeAsk, MergeEdit, Named, OnConflict, OnceKey, Ruled,
    Ruling,
};

use super::arguments::{Arguments, mistake};
use super::asked::Asked;
use super::conflicts::record;
use super::node::{Deleted, Node};
use crate::conflict_log::read_reason;
use crate::explanation::Refused;
use crate::fields::{condition_of, token_of};
use crate::idempotency::OnceField;
use crate::merging::{read_choices, read_named};
use crate::problem::Problem;
use crate::resource::{
    JSON, JSON_PATCH, MERGE_PATCH, collection_href, conflict_href, document_href, push_part_href,
};
use crate::write::patch_of;

/// The path and the media type of the request that a write would be over REST: under one key both are one.
pub(super) struct Place {
    path: String,
    media_type: &'static str,
}

impl Asked {
    /// Creates, replaces, patches or deletes a document.
    pub(super) async fn write(
        &self,
        step: &Step,
        resolver: Resolver,
        of: &Arc<CollectionType>,
        arguments: Arguments<'_>,
    ) -> Result<Resolved<'static>, Refused> {
        let (ask, place) = self.ask(resolver, of, arguments)?;
        let verb = ask.verb;
        let once = once(arguments)?;
        let once = once.as_ref().map(|once| place.once(once, verb));
        let done = self.app.service.write(&self.principal, ask, once).await?;
        if resolver == Resolver::Delete {
            return Ok(Resolved::object(Deleted::of(done, of)));
        }
        self.node(step, of, done).await
    }

    /// What a write left, as it is wanted.
    async fn node(
        &self,
        step: &Step,
        of: &Arc<CollectionType>,
        done: Done,
    ) -> Result<Resolved<'static>, Refused> {
        if !done.stored.head().is_document() {
            return Ok(Resolved::Null);
        }
        let wanted = step.selection();
        let key = &done.stored.key;
        let loaded = self.load_of(key, std::iter::once(wanted)).await;
        Ok(Resolved::object(Node::written(done, of, [wanted], loaded)))
    }

    /// The write that arguments are.
    pub(super) fn ask(
        &self,
        resolver: Resolver,
        of: &CollectionType,
        arguments: Arguments<'_>,
    ) -> Result<(Ask, Place), Refused> {
        let collection = self.collection(of, arguments)?;
        let has_id = arguments.text("id").is_some();
        let key = match has_id {
            true => arguments.key(&collection)?,
            false => {
                let id = uuid::Uuid::now_v7().to_string();
                collection.key(&id).map_err(Problem::internal)?
            }
        };
        let text = |name| arguments.json(name);
        let (verb, edit, media_type) = match resolver {
            Resolver::Create if !has_id => ("POST", Edited::Document(text("data")), JSON),
            Resolver::Create | Resolver::Replace => ("PUT", Edited::Document(text("data")), JSON),
            Resolver::Patch => match arguments.get("patch") {
                Some(Value::Array(_)) => ("PATCH", Edited::JsonPatch(text("patch")), JSON_PATCH),
                _ => ("PATCH", Edited::MergePatch(text("patch")), MERGE_PATCH),
            },
            _ => ("DELETE", Edited::Deletion, ""),
        };
        let if_none_match = (resolver == Resolver::Create && has_id).then_some(Condition::Any);
        let conditions = Preconditions {
            if_none_match,
            ..conditions(arguments)?
        };
        let path = match has_id {
            true => document_href(&key),
            false => collection_href(&self.space, &collection.collection),
        };
        let ask = Ask {
            key,
            edit,
            conditions,
            lock_tokens: lock_token(arguments)?.into(),
            is_inner: false,
            on_conflict: on_conflict(arguments),
            verb,
        };
        Ok((ask, Place { path, media_type }))
    }

    /// Joins an edit of an older version with the current one.
    pub(super) async fn merge(
        &self,
        step: &Step,
        of: &Arc<CollectionType>,
        arguments: Arguments<'_>,
    ) -> Result<Resolved<'static>, Refused> {
        let ask = self.merge_ask(of, arguments)?;
        let mut path = String::new();
        push_part_href(&mut path, &ask.key, "merge");
        let place = Place {
            path,
            media_type: JSON,
        };
        let once = once(arguments)?;
        let once = once.as_ref().map(|once| place.once(once, "POST"));
        let done = self.app.service.merge(&self.principal, ask, once).await?;
        self.node(step, of, done).await
    }

    pub(super) fn merge_ask(
        &self,
        of: &CollectionType,
        arguments: Arguments<'_>,
    ) -> Result<MergeAsk, Refused> {
        let collection = self.collection(of, arguments)?;
        for name in ["document", "patch", "choices"] {
            // A request may be a little deeper than what is stored.
            if arguments.get(name).is_some_and(|it| it.depth() > MAX_DEPTH) {
                let what = format!("must not be nested deeper than {MAX_DEPTH} levels");
                return Err(mistake(name, &what).into());
            }
        }
        let base = Value::from(arguments.text("base").unwrap_or_default());
        let edit = match (arguments.get("document"), arguments.get("patch")) {
            (Some(document), None) => MergeEdit::Document(document.clone()),
            (None, Some(patch)) => MergeEdit::Patch(patch_of(patch)?),
            _ => {
                let what = "and patch: send one of them, what you made of the base";
                return Err(mistake("document", what).into());
            }
        };
        let (choices, current) = choices(arguments)?;
        Ok(MergeAsk {
            key: arguments.key(&collection)?,
            base: read_named("base", &number_or_tag(base))?,
            edit,
            choices,
            current,
            conditions: conditions(arguments)?,
            lock_token: lock_token(arguments)?,
            verb: "POST",
            sent: text_of(sent(
                arguments,
                &["base", "document", "patch", "choices", "current"],
            )),
        })
    }

    /// Stores the edit of a refused write after all.
    pub(super) async fn settle(
        &self,
        step: &Step,
        arguments: Arguments<'_>,
    ) -> Result<Resolved<'static>, Refused> {
        let (choices, current) = choices(arguments)?;
        let decided = Decided::Resolved { choices, current };
        let body = sent(arguments, &["choices", "current"]);
        match self.rule(arguments, decided, body).await? {
            Ruled::Write(done) => {
                let of = self.api.collection(done.stored.key.collection());
                let of = of.ok_or_else(|| Problem::internal("a conflict of no collection"))?;
                self.node(step, &Arc::clone(of), done).await
            }
            Ruled::Conflict { .. } => Ok(Resolved::Null),
        }
    }

    /// Lets the edit of a refused write go.
    pub(super) async fn dismiss(
        &self,
        arguments: Arguments<'_>,
    ) -> Result<Resolved<'static>, Refused> {
        let reason = match arguments.get("reason") {
            Some(reason) => {
                let members = object([("reason", reason.clone())]);
                read_reason(&members)?
            }
            None => None,
        };
        let mut body = sent(arguments, &["reason"]);
        body.insert("dismiss".into(), true.into());
        match self
            .rule(arguments, Decided::Dismissed(reason), body)
            .await?
        {
            Ruled::Conflict { conflict, .. } => Ok(record(&conflict, &self.site).into()),
            Ruled::Write(_) => Err(Problem::internal("a dismissal wrote").into()),
        }
    }

    /// `body` is that of the same request over REST.
    async fn rule(
        &self,
        arguments: Arguments<'_>,
        decided: Decided,
        body: Members,
    ) -> Result<Ruled, Refused> {
        let place: LogPlace = self.log_place(arguments);
        let request = Place {
            path: conflict_href(&place.space, &place.id) + "/resolve",
            media_type: JSON,
        };
        let ruling = Ruling {
            place,
            decided,
            conditions: conditions(arguments)?,
            lock_token: lock_token(arguments)?,
            verb: "POST",
            sent: text_of(body),
        };
        let once = once(arguments)?;
        let once = once.as_ref().map(|once| request.once(once, "POST"));
        let service = &self.app.service;
        Ok(service.rule(&self.principal, ruling, once).await?)
    }
}

impl Place {
    pub(super) fn once<'a>(&'a self, once: &'a OnceField, verb: &'a str) -> OnceKey<'a> {
        once.with(verb, &self.path, self.media_type.as_bytes())
    }

    pub(super) fn path(self) -> String {
        self.path
    }
}

/// What makes a request performed once.
pub(super) fn once(arguments: Arguments<'_>) -> Result<Option<OnceField>, Problem> {
    let Some(key) = arguments.text("idempotencyKey") else {
        return Ok(None);
    };
    let wrong = || mistake("idempotencyKey", "must be 1 to 255 characters of ASCII");
    OnceField::of_text(key).map(Some).ok_or_else(wrong)
}

/// `ifMatch` has what the field of that name has.
fn conditions(arguments: Arguments<'_>) -> Result<Preconditions, Problem> {
    let Some(text) = arguments.text("ifMatch") else {
        return Ok(Preconditions::default());
    };
    let condition = condition_of(text.as_bytes()).map_err(|error| {
        let what = format!("must be an etag with its quotes, or *: {error}");
        mistake("ifMatch", &what)
    })?;
    Ok(Preconditions {
        if_match: Some(condition),
        ..Preconditions::default()
    })
}

fn lock_token(arguments: Arguments<'_>) -> Result<Option<Arc<str>>, Problem> {
    let Some(text) = arguments.text("lockToken") else {
        return Ok(None);
    };
    let what = "must be the token that you got when you took the lock";
    let wrong = || mistake("lockToken", what);
    token_of(text).map(Some).ok_or_else(wrong)
}

fn on_conflict(arguments: Arguments<'_>) -> Option<OnConflict> {
    match arguments.text("onConflict")? {
        "MERGE" => Some(OnConflict::Merge),
        _ => Some(OnConflict::Reject),
    }
}

/// What is chosen, and the version that it was chosen on.
fn choices(arguments: Arguments<'_>) -> Result<(Choices, Option<Named>), Refused> {
    read_choices(&Value::Object(sent(arguments, &["choices", "current"])))
}

/// Digits name a version by its number.
fn number_or_tag(text: Value) -> Value {
    let number = text
        .as_str()
        .and_then(crate::parameters::whole_number::<u64>);
    number.map_or(text, Value::from)
}

/// The body of the same request over REST, with these of the arguments.
fn sent(arguments: Arguments<'_>, names: &[&str]) -> Members {
    let member = |name: &&str| {
        let value = arguments.get(name)?.clone();
        let value = match *name {
            "base" | "current" => number_or_tag(value),
            _ => value,
        };
        Some(((*name).to_owned(), value))
    };
    names.iter().filter_map(member).collect()
}

fn text_of(members: Members) -> Bytes {
    Value::Object(members).to_text().into()
}
