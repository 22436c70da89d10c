use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use detente_core::json::{self, Value};
use detente_core::rules::Violation;
use detente_core::{
    Ahead, Command, Decision, Edit, Head, JsonPatch, Key, LARGE, MalformedPatch, Merging, Once,
    Patch, Patching, Prepared, Proposal, Receipt, Refusal, Stored,
};
use detente_store::{Outcome, Settles, Transaction, WriteError};

use crate::app::{App, crunch};
use crate::caller::Caller;
use crate::conflict::{self, Attempt};
use crate::inbound::{Inbound, not_json};
use crate::once::{key_reuse, no_turn, once};
use crate::preference::Preferences;
use crate::problem::{Problem, ProblemKind};
use crate::representation::{self, bodiless, field};
use crate::resource::{JSON, JSON_PATCH, MERGE_PATCH, document_href};
use crate::settings::{Collection, OnConflict};

/// How often an outcome is worked out anew because the head moved, before the decision itself does
/// it, whatever that holds up.
const PATIENCE: usize = 8;

/// A write, from its request to its answer.
#[derive(Debug)]
pub(crate) struct Write {
    pub(crate) collection: Arc<Collection>,
    pub(crate) caller: Caller,
    pub(crate) method: Method,
    /// Shared with the writer while it decides.
    pub(crate) prepared: Prepared,
    on_conflict: OnConflict,
    preferences: Preferences,
    /// What the client sent, for whoever must recognize it.
    pub(crate) sent: Bytes,
}

/// On what terms a write is decided.
#[derive(Debug, Default)]
pub(crate) struct Terms {
    pub(crate) once: Option<Once>,
    /// The conflict in the log that it is to settle.
    pub(crate) settles: Option<Settles>,
    /// Whether it is only to be told what would become of it.
    pub(crate) is_rehearsal: bool,
}

/// What a write left.
pub(crate) struct Done {
    pub(crate) stored: Arc<Stored>,
    pub(crate) created: bool,
}

impl Write {
    /// Reads a write on one document, and performs it.
    pub(crate) async fn perform(
        app: &Arc<App>,
        key: Key,
        caller: Caller,
        inbound: &mut Inbound,
    ) -> Result<Response, Problem> {
        let write = Self::read(app, key, caller, inbound).await?;
        write
            .finish(app, inbound.headers(), inbound.path(), None)
            .await
    }

    /// Reads a write on one document: checks all that does not depend on what is stored.
    pub(crate) async fn read(
        app: &Arc<App>,
        key: Key,
        caller: Caller,
        inbound: &mut Inbound,
    ) -> Result<Self, Problem> {
        let collection = Arc::clone(app.collection(key.collection())?);
        let preconditions = inbound.preconditions()?;
        let lock_token = inbound.lock_token()?;
        let (edit, sent) = match inbound.parts.method {
            Method::POST => proposal(&collection, inbound, "accept-post").await?,
            Method::PUT => proposal(&collection, inbound, "accept").await?,
            Method::PATCH => patching(app, inbound).await?,
            _ => (Edit::Delete, Bytes::new()),
        };
        let preferences = Preferences::of(inbound.headers());
        let mut write = Self {
            on_conflict: preferences.on_conflict.unwrap_or(collection.on_conflict),
            prepared: Prepared::from(Command {
                preconditions,
                lock_token,
                ..Command::new(key, edit, Arc::clone(&caller.name))
            }),
            method: inbound.parts.method.clone(),
            preferences,
            collection,
            caller,
            sent,
        };
        write.prepare(app).await?;
        Ok(write)
    }

    /// A write that joins an edit with what is stored, as [`Edit::Merge`] does.
    pub(crate) fn merge(
        collection: Arc<Collection>,
        caller: Caller,
        command: Command,
        headers: &HeaderMap,
        sent: Bytes,
    ) -> Self {
        Self {
            on_conflict: OnConflict::Merge,
            method: Method::POST,
            preferences: Preferences::of(headers),
            collection,
            caller,
            prepared: command.into(),
            sent,
        }
    }

    /// Has it decided, and answers. `settles` is the conflict in the log that it is to settle.
    pub(crate) async fn finish(
        mut self,
        app: &Arc<App>,
        headers: &HeaderMap,
        path: &str,
        settles: Option<Settles>,
    ) -> Result<Response, Problem> {
        let once = once(
            headers,
            &self.caller.name,
            self.method.as_str(),
            path,
            &self.sent,
        )?;
        // Held until there is an answer.
        let _turn = match &once {
            Some(once) => Some(app.writer.enter(once).map_err(no_turn)?),
            None => None,
        };
        let is_settling = settles.is_some();
        let terms = Terms {
            once,
            settles,
            is_rehearsal: false,
        };
        match self.submit(app, &terms).await? {
            Outcome::Applied(applied) => {
                let applied = applied.into_iter().next();
                let applied = applied.ok_or_else(|| Problem::internal("a write left nothing"))?;
                let done = Done {
                    stored: applied.stored,
                    created: applied.created,
                };
                self.answer(done, headers).await
            }
            Outcome::Replayed(receipt) => self.replay(app, &receipt, headers).await,
            Outcome::KeyReused => Err(key_reuse()),
            Outcome::NotOpen(settled) => Err(conflict::settled_before(settled.as_ref())),
            Outcome::Refused(decisions) | Outcome::Rehearsed(decisions) => {
                let Some(Decision::Refuse(refusal)) = decisions.into_iter().next() else {
                    return Err(Problem::internal("a refused write has no refusal"));
                };
                let explained = conflict::explain(app, self.into_attempt(), *refusal).await?;
                // What settles a conflict in the log need not stand there a second time.
                Err(if is_settling {
                    explained.problem
                } else {
                    explained.log(app).await
                })
            }
        }
    }

    pub(crate) fn into_attempt(self) -> Attempt {
        Attempt {
            method: self.method,
            may_read: self.caller.may_read(),
            wants_merge: self.on_conflict == OnConflict::Merge,
            collection: self.collection,
            command: self.prepared.command,
            sent: self.sent,
        }
    }

    /// Has it decided. Where what was worked out ahead rests on a version that is no longer the
    /// newest, or a join turns out to be needed, that is worked out and it is sent again.
    pub(crate) async fn submit(
        &mut self,
        app: &Arc<App>,
        terms: &Terms,
    ) -> Result<Outcome, Problem> {
        for attempt in 0.. {
            if attempt == PATIENCE {
                self.prepared.must_decide = true;
            }
            let transaction = Transaction {
                writes: vec![(self.prepared.clone(), Arc::clone(&self.collection.rules))],
                once: terms.once,
                settles: terms.settles.clone(),
                is_rehearsal: terms.is_rehearsal,
            };
            let outcome = app
                .writer
                .transact(transaction)
                .await
                .map_err(not_written)?;
            let may_go_on = match &outcome {
                Outcome::Refused(decisions) | Outcome::Rehearsed(decisions) => {
                    match decisions.first() {
                        Some(Decision::Behind(head)) => {
                            app.metrics.retried();
                            self.work_ahead(app, *head).await?;
                            true
                        }
                        Some(Decision::Refuse(refusal)) => self.falls_back(app, refusal).await?,
                        _ => false,
                    }
                }
                _ => false,
            };
            if !may_go_on {
                let collection = app.settings.label(self.prepared.command.key.collection());
                app.metrics.decided(collection, &outcome);
                return Ok(outcome);
            }
        }
        Err(Problem::internal("a decision never came"))
    }

    /// Whether the write, refused as stale, has become one that joins.
    async fn falls_back(&mut self, app: &Arc<App>, refusal: &Refusal) -> Result<bool, Problem> {
        if !matches!(refusal, Refusal::Stale { head: Some(_) }) {
            return Ok(false);
        }
        // A merge names its base itself: If-Match then is what it is everywhere.
        let names_its_base = matches!(self.prepared.command.edit, Edit::Merge(_));
        if self.on_conflict == OnConflict::Reject
            || names_its_base
            || self.prepared.fallback.is_some()
        {
            return Ok(false);
        }
        self.add_fallback(app).await?;
        Ok(self.prepared.fallback.is_some())
    }

    /// Works out ahead what can be.
    async fn prepare(&mut self, app: &Arc<App>) -> Result<(), Problem> {
        let is_patch = matches!(self.prepared.command.edit, Edit::Patch(_));
        let joins = self.on_conflict == OnConflict::Merge && self.names_versions();
        if !is_patch && !joins {
            return Ok(());
        }
        let Some(stored) = app.newest(&self.prepared.command.key).await? else {
            return Ok(());
        };
        let head = stored.head();
        if !head.is_document() {
            return Ok(());
        }
        if joins && !self.names(&head) {
            self.add_fallback(app).await?;
            // Small ones are joined where they are decided, on what is newest then.
            if stored.body.len().max(self.sent.len()) > LARGE {
                self.work_ahead(app, head).await?;
            }
            return Ok(());
        }
        if is_patch && (self.names(&head) || !self.names_versions()) {
            self.work_ahead(app, head).await?;
        }
        Ok(())
    }

    /// Makes it ready to be decided once and for all: nothing can be worked out ahead that a write
    /// decided together with it may still change, and nothing after.
    pub(crate) async fn make_final(&mut self, app: &Arc<App>) -> Result<(), Problem> {
        let joins = self.on_conflict == OnConflict::Merge && self.names_versions();
        if joins && self.prepared.fallback.is_none() {
            self.add_fallback(app).await?;
        }
        self.prepared.must_decide = true;
        Ok(())
    }

    /// Whether If-Match lists tags.
    fn names_versions(&self) -> bool {
        let condition = self.prepared.command.preconditions.if_match.as_ref();
        condition.is_some_and(|condition| !condition.tags().is_empty())
    }

    fn names(&self, head: &Head) -> bool {
        let tag = head.tag().to_entity_tag();
        let condition = self.prepared.command.preconditions.if_match.as_ref();
        condition.is_some_and(|condition| condition.tags().contains(&tag))
    }

    /// Makes it a write that joins where it is stale, if the version that it began from is known.
    async fn add_fallback(&mut self, app: &Arc<App>) -> Result<(), Problem> {
        let Some(condition) = &self.prepared.command.preconditions.if_match else {
            return Ok(());
        };
        let strong = condition.tags().iter().filter(|tag| !tag.is_weak());
        let tags: Vec<_> = strong.filter_map(|tag| tag.opaque().parse().ok()).collect();
        let Some(base) = app.base_among(&self.prepared.command.key, tags).await? else {
            return Ok(());
        };
        let edit = self.prepared.command.edit.clone();
        let max_bytes = app.settings.limits.body_bytes;
        let size = base.body.len().max(self.sent.len());
        let merging = crunch(size, move || merging(base, &edit, max_bytes)).await?;
        self.prepared.fallback = merging.map(Arc::new);
        Ok(())
    }

    /// Works out what the edit comes to on a version. Should it come to nothing, or the head move
    /// meanwhile, the decision finds out for itself.
    async fn work_ahead(&mut self, app: &Arc<App>, head: Head) -> Result<(), Problem> {
        let Some(stored) = app.version(head.seq).await? else {
            return Ok(());
        };
        let rules = Arc::clone(&self.collection.rules);
        let prepared = self.prepared.clone();
        let names_it = self.names(&head) || !self.names_versions();
        let work = move || {
            let rules = &rules.rules;
            let command = &*prepared.command;
            let merging = match (&command.edit, &prepared.fallback) {
                (Edit::Merge(merging), _) => Some(&**merging),
                (_, fallback) => fallback.as_deref().filter(|_| !names_it),
            };
            let outcome = match (merging, &command.edit) {
                (Some(merging), _) => merging.outcome(rules, &stored.document()?).ok()?,
                (None, Edit::Patch(Patching { patch, max_bytes })) => {
                    Some(Proposal::patched(rules, patch, &stored.body, *max_bytes).ok()?)
                }
                _ => return None,
            };
            let seq = stored.seq;
            Some(Arc::new(Ahead { seq, outcome }))
        };
        let bytes = self.sent.len().max(head_bytes(app, &head));
        self.prepared.ahead = crunch(bytes, work).await?;
        Ok(())
    }

    /// The answer to a write that was performed before, as it was then.
    async fn replay(
        self,
        app: &Arc<App>,
        receipt: &Receipt,
        headers: &HeaderMap,
    ) -> Result<Response, Problem> {
        let written = receipt.writes.first();
        let written = written.ok_or_else(|| Problem::internal("a receipt of nothing"))?;
        let done = app.written(written).await?;
        let mut response = self.answer(done, headers).await?;
        mark_replayed(response.headers_mut());
        Ok(response)
    }

    /// The answer to a write that was performed.
    pub(crate) async fn answer(self, done: Done, headers: &HeaderMap) -> Result<Response, Problem> {
        let Done { stored, created } = done;
        if !stored.head().is_document() {
            let mut response = bodiless(StatusCode::NO_CONTENT, &stored);
            // There is no representation left that a tag could name.
            response.headers_mut().remove(header::ETAG);
            return Ok(response);
        }
        // Whoever may not read sees no more than they sent.
        let is_own = stored.base.is_none() && matches!(self.prepared.command.edit, Edit::Put(_));
        let is_bodiless = self.preferences.minimal || !(is_own || self.caller.may_read());
        let mut response = match (is_bodiless, created) {
            (true, true) => bodiless(StatusCode::CREATED, &stored),
            (true, false) => bodiless(StatusCode::NO_CONTENT, &stored),
            (false, created) => {
                let status = if created {
                    StatusCode::CREATED
                } else {
                    StatusCode::OK
                };
                let tag = stored.head().tag().to_entity_tag();
                representation::document(status, &stored, &tag, headers).await?
            }
        };
        let headers = response.headers_mut();
        if let Some(applied) = self.preferences.applied(is_bodiless) {
            headers.insert("preference-applied", HeaderValue::from_static(applied));
        }
        if let Some(base) = stored.base {
            let joined = format!("{base}..{}", stored.version - 1);
            headers.insert("merged-versions", field(joined));
        }
        if stored.base.is_some() && self.method == Method::PUT {
            hide_validators(headers);
        }
        // Not by the edit: sent again, the same request finds the document there.
        if self.method == Method::POST {
            let name = match created {
                true => header::LOCATION,
                false => header::CONTENT_LOCATION,
            };
            headers.insert(name, field(document_href(&stored.key)));
        }
        Ok(response)
    }
}

/// What was stored is not what was sent, so no validator may vouch for it (RFC 9110, section
/// 9.3.4): a client that took its own body for the new version would undo what was merged in.
fn hide_validators(headers: &mut HeaderMap) {
    headers.remove(header::LAST_MODIFIED);
    if let Some(tag) = headers.remove(header::ETAG) {
        headers.insert("merged-etag", tag);
    }
}

pub(crate) fn mark_replayed(headers: &mut HeaderMap) {
    headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
}

/// About how large a version is: what memory does not have may be large.
fn head_bytes(app: &Arc<App>, head: &Head) -> usize {
    let stored = app.reader.recall_version(head.seq);
    stored.map_or(usize::MAX, |stored| stored.body.len())
}

/// An edit of `base`, ready to be joined; `None` if it is a patch that does not fit it.
pub(crate) fn merging(base: Arc<Stored>, edit: &Edit, max_bytes: usize) -> Option<Merging> {
    let document = base.document()?;
    let ours = match edit {
        Edit::Put(proposal) | Edit::Restore(proposal) => Some(proposal.document()),
        Edit::Patch(patching) => Some(Arc::new(patching.patch.apply(&document, max_bytes).ok()?)),
        Edit::Delete => None,
        Edit::Merge(merging) => merging.ours.clone(),
    };
    Some(Merging {
        base_document: Some(Arc::new(document)),
        base: Some(base),
        ours,
        choices: Default::default(),
        seen: None,
        max_bytes,
    })
}

/// A whole document, and the bytes that were sent.
async fn proposal(
    collection: &Arc<Collection>,
    inbound: &mut Inbound,
    answer: &'static str,
) -> Result<(Edit, Bytes), Problem> {
    inbound.must_be(&[JSON], answer)?;
    let sent = inbound.read().await?;
    let (body, rules) = (sent.clone(), Arc::clone(&collection.rules));
    let check = move || {
        if !json::check_object(&body).map_err(|error| not_json(&error))? {
            return Err(invalid(vec![Violation::no_object()]));
        }
        Proposal::check(&rules.rules, body, None).map_err(invalid)
    };
    let proposal = crunch(sent.len(), check).await??;
    Ok((Edit::Put(proposal), sent))
}

async fn patching(app: &Arc<App>, inbound: &mut Inbound) -> Result<(Edit, Bytes), Problem> {
    let media_type = inbound.must_be(&[MERGE_PATCH, JSON_PATCH], "accept-patch")?;
    let sent = inbound.read_json().await?;
    let value = json::parse(&sent).map_err(|error| not_json(&error))?;
    let patching = Patching {
        patch: Arc::new(read_patch(media_type, value)?),
        max_bytes: app.settings.limits.body_bytes,
    };
    Ok((Edit::Patch(patching), sent))
}

pub(crate) fn read_patch(media_type: &str, value: Value) -> Result<Patch, Problem> {
    if media_type == MERGE_PATCH {
        return Ok(Patch::Merge(value));
    }
    JsonPatch::from_value(&value)
        .map(Patch::Json)
        .map_err(|error| not_a_patch(&error))
}

fn not_a_patch(error: &MalformedPatch) -> Problem {
    let operation = match error {
        MalformedPatch::NoArray => Value::Null,
        MalformedPatch::NoObject { index }
        | MalformedPatch::Member { index, .. }
        | MalformedPatch::Unknown { index, .. }
        | MalformedPatch::Pointer { index, .. } => Value::from(*index as u64),
    };
    Problem::malformed(format!("The body is no JSON Patch: {error}.")).with("operation", operation)
}

pub(crate) fn not_written(error: WriteError) -> Problem {
    match error {
        WriteError::Busy => Problem::unavailable("Too many writes are waiting."),
        WriteError::Away => Problem::unavailable("The store cannot be reached."),
        WriteError::Closing => Problem::unavailable("The server is shutting down."),
        WriteError::Full => {
            let detail = "The disk is full. Nothing was written; reading goes on.";
            Problem::new(ProblemKind::StorageFull, detail)
        }
        WriteError::Store => Problem::internal("the store failed; see the writer's own line"),
    }
}

pub(crate) fn invalid(violations: Vec<Violation>) -> Problem {
    let first = violations.first().map(|violation| {
        let place = if violation.path.is_empty() {
            "the document"
        } else {
            &violation.path
        };
        format!("{place}: {}", violation.message)
    });
    let detail = match violations.len() {
        1 => format!("{}.", first.unwrap_or_default()),
        count => format!(
            "{count} violations; the first: {}.",
            first.unwrap_or_default()
        ),
    };
    let rows = violations.into_iter().map(|violation| {
        json::object([
            ("path", violation.path.into()),
            ("keyword", violation.keyword.into()),
            ("message", violation.message.into()),
        ])
    });
    let problem = Problem::new(ProblemKind::InvalidDocument, detail);
    problem.with("violations", rows.collect::<Vec<_>>())
}
