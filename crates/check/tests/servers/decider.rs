use http::header;
use serde_json::{Value, json};

use super::ask::Ask;
use super::defect::{Defect, Scope};
use super::dialect::Dialect;
use super::document::{self, Sent};
use super::operation::Operation;
use super::precondition::Judge;
use super::refusal::Refusal;
use super::store::{Outcome, Step, View};
use super::tag;

/// What a write is decided by, besides what is stored.
#[derive(Clone, Copy)]
pub(crate) struct Decider<'a> {
    pub(crate) dialect: &'a Dialect,
    pub(crate) defect: Option<Defect>,
    pub(crate) ask: &'a Ask,
    pub(crate) operation: &'a Operation,
    /// Whether preconditions are judged.
    pub(crate) conditional: bool,
}

impl Decider<'_> {
    /// Decides on a write. It writes nothing itself.
    ///
    /// # Errors
    ///
    /// Why it must not be applied.
    pub(crate) fn decide(&self, view: &View<'_>) -> Result<Step, Refusal> {
        match self.ask.idempotency_key() {
            Some(key) if self.defect != Some(Defect::Ignores(Scope::Keyed)) => self.once(view, key),
            _ => self.decide_anew(view),
        }
    }

    /// With an Idempotency-Key: what was answered before, or the step and a note of it.
    fn once(&self, view: &View<'_>, key: &str) -> Result<Step, Refusal> {
        let note = format!("keys/{key}");
        let payload = tag::hash(Some(&Value::from(String::from_utf8_lossy(&self.ask.body))));
        if let Some(noted) = view.content(&note) {
            let same = noted["payload"] == payload || self.defect == Some(Defect::IgnoresPayload);
            let again = match noted["created"].as_str() {
                Some(created) => Outcome::Created {
                    key: created.into(),
                },
                None => Outcome::Acted(noted["acted"].clone()),
            };
            return if same {
                Ok(Step {
                    changes: Vec::new(),
                    outcome: again,
                })
            } else {
                Err(Refusal::KeyReused)
            };
        }
        let mut step = self.decide_anew(view)?;
        let noted = match &step.outcome {
            Outcome::Created { key } => json!({ "payload": payload, "created": key }),
            Outcome::Acted(said) => json!({ "payload": payload, "acted": said }),
            Outcome::Replaced { .. } | Outcome::Deleted => return Ok(step),
        };
        step.changes.push((note, Some(noted)));
        Ok(step)
    }

    fn decide_anew(&self, view: &View<'_>) -> Result<Step, Refusal> {
        match self.operation {
            Operation::Put(key) => self.put(view, key),
            Operation::Patch(key) => self.patch(view, key),
            Operation::Delete(key) => self.delete(view, key),
            Operation::Create(collection) => self.create(view, collection),
            Operation::Take(key) => self.take(view, key),
            Operation::Ship(key) => self.ship(view, key),
            Operation::Transfer => self.transfer(view),
            Operation::Read(_) | Operation::List(_) => Err(Refusal::MethodNotAllowed),
        }
    }

    fn put(&self, view: &View<'_>, key: &str) -> Result<Step, Refusal> {
        if self.defect == Some(Defect::ConditionFirst) {
            self.judge(view, key, None)?;
        }
        let sent = self.sent(key)?;
        let exists = view.current(key).is_some();
        if !exists && !self.dialect.put_creates {
            return Err(Refusal::Absent);
        }
        self.judge(view, key, sent.claimed.as_ref())?;
        Ok(if exists {
            Step::replace(key, sent.content)
        } else {
            Step::create(key.into(), sent.content)
        })
    }

    fn patch(&self, view: &View<'_>, key: &str) -> Result<Step, Refusal> {
        if self.defect == Some(Defect::ConditionFirst) {
            self.judge(view, key, None)?;
        }
        let patch = document::read_patch(self.dialect, &self.ask.body)?;
        let content = document::patched(
            Some(view.content(key).ok_or(Refusal::Absent)?),
            &patch.content,
        );
        document::check(self.dialect, collection(key), &content)?;
        self.judge(view, key, patch.claimed.as_ref())?;
        Ok(Step::replace(key, content))
    }

    fn delete(&self, view: &View<'_>, key: &str) -> Result<Step, Refusal> {
        if view.current(key).is_none() {
            return Err(Refusal::Absent);
        }
        // A version in the body is all there is, and a DELETE has no body: it asks for nothing.
        if self.dialect.has_validators() {
            self.judge(view, key, None)?;
        }
        Ok(Step::delete(key))
    }

    fn create(&self, view: &View<'_>, collection: &str) -> Result<Step, Refusal> {
        let sent = document::read(self.dialect, collection, &self.ask.body)?;
        if collection == "members" {
            let email = sent.content.get("email").and_then(Value::as_str);
            let email = email.ok_or(Refusal::Invalid("`email` is missing.".into()))?;
            let others = view.collection(collection);
            let taken = others.iter().any(|(_, other)| {
                other
                    .content
                    .as_ref()
                    .is_some_and(|other| other["email"] == email)
            });
            if taken {
                return Err(Refusal::Taken("email"));
            }
        }
        let id = fastrand::u32(..);
        Ok(Step::create(format!("{collection}/{id:08x}"), sent.content))
    }

    pub(crate) fn is_unconditional_put(&self) -> bool {
        let conditions = [header::IF_MATCH, header::IF_NONE_MATCH];
        matches!(self.operation, Operation::Put(_))
            && conditions
                .iter()
                .all(|name| self.ask.header(name).is_none())
    }

    /// # Errors
    ///
    /// What the preconditions say, if they are asked.
    pub(crate) fn judge(
        &self,
        view: &View<'_>,
        key: &str,
        claimed: Option<&Value>,
    ) -> Result<(), Refusal> {
        let ignored = match self.defect {
            Some(Defect::Ignores(scope)) => scope.holds(self.ask, self.operation),
            _ => false,
        };
        if !self.conditional || ignored {
            return Ok(());
        }
        let judge = Judge {
            dialect: self.dialect,
            defect: self.defect,
            ask: self.ask,
            view,
            key,
        };
        judge.judge(claimed)
    }

    fn sent(&self, key: &str) -> Result<Sent, Refusal> {
        document::read(self.dialect, collection(key), &self.ask.body)
    }
}

/// `notes`, of `notes/1`.
fn collection(key: &str) -> &str {
    key.split('/').next().unwrap_or(key)
}
