use http::{Method, header};
use serde_json::{Value, json};

use super::ask::Ask;
use super::defect::{Defect, Scope};
use super::dialect::{Dialect, Envelope, Methods};
use super::document::{self, Sent};
use super::precondition::Judge;
use super::refusal::Refusal;
use super::store::{Outcome, Step, View};
use super::tag;

const COLLECTIONS: [&str; 5] = ["notes", "members", "products", "orders", "accounts"];

/// What a request asks for; a key is `notes/1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Read(String),
    List(String),
    Put(String),
    Patch(String),
    Delete(String),
    /// In a collection.
    Create(String),
    /// `POST /products/1/take`, `{"quantity":1}`
    Take(String),
    /// `POST /orders/1/ship`
    Ship(String),
    /// `POST /transfers`, `{"from":"a","to":"b","amount":1}`
    Transfer,
}

impl Operation {
    /// # Errors
    ///
    /// [`Refusal::Absent`] for a path that the server does not know, [`Refusal::MethodNotAllowed`] for a
    /// method that it does not have there.
    pub(crate) fn of(ask: &Ask, dialect: &Dialect) -> Result<Self, Refusal> {
        let segments: Vec<&str> = ask.path.split('/').collect();
        let known = |name: &str| COLLECTIONS.contains(&name) && (dialect.shop || name == "notes");
        let post = ask.method == Method::POST;
        match segments[..] {
            [name] if known(name) && ask.is_read() => Ok(Self::List(name.into())),
            [name] if known(name) && post => Ok(Self::Create(name.into())),
            ["transfers"] if dialect.shop && post => Ok(Self::Transfer),
            [name, _] if known(name) => Self::of_document(ask, dialect),
            ["products", id, "take"] if dialect.shop && post => {
                Ok(Self::Take(format!("products/{id}")))
            }
            ["orders", id, "ship"] if dialect.shop && post => {
                Ok(Self::Ship(format!("orders/{id}")))
            }
            [name] if known(name) || name == "transfers" => Err(Refusal::MethodNotAllowed),
            _ => Err(Refusal::Absent),
        }
    }

    /// The document that it reads or writes as a whole.
    pub(crate) fn document(&self) -> Option<&str> {
        match self {
            Self::Read(key) | Self::Put(key) | Self::Patch(key) | Self::Delete(key) => Some(key),
            _ => None,
        }
    }

    fn of_document(ask: &Ask, dialect: &Dialect) -> Result<Self, Refusal> {
        let key = ask.path.clone();
        let methods = dialect.methods;
        match ask.method {
            Method::GET | Method::HEAD => Ok(Self::Read(key)),
            Method::PUT if methods != Methods::Patch => Ok(Self::Put(key)),
            Method::PATCH if methods != Methods::Put => Ok(Self::Patch(key)),
            Method::DELETE => Ok(Self::Delete(key)),
            _ => Err(Refusal::MethodNotAllowed),
        }
    }
}

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
        let exists = view.current(key).is_some();
        if !exists && self.defect == Some(Defect::DeletesTwice) && !view.past(key).is_empty() {
            return Ok(Step::delete(key));
        }
        if !exists {
            return Err(Refusal::Absent);
        }
        self.judge(view, key, None)?;
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

    fn take(&self, view: &View<'_>, key: &str) -> Result<Step, Refusal> {
        let mut product = view.content(key).ok_or(Refusal::Absent)?.clone();
        let quantity = self.number("quantity").unwrap_or(1).max(1);
        let stock = product["stock"].as_i64().unwrap_or(0);
        if stock < quantity {
            return Err(Refusal::OutOfStock);
        }
        product["stock"] = json!(stock - quantity);
        Ok(act(vec![(key, product)], json!({ "taken": quantity })))
    }

    fn ship(&self, view: &View<'_>, key: &str) -> Result<Step, Refusal> {
        let mut order = view.content(key).ok_or(Refusal::Absent)?.clone();
        if order["state"] == "shipped" {
            return Err(Refusal::Closed);
        }
        order["state"] = json!("shipped");
        Ok(act(vec![(key, order)], json!({ "state": "shipped" })))
    }

    fn transfer(&self, view: &View<'_>) -> Result<Step, Refusal> {
        let (Some(from), Some(to), Some(amount)) =
            (self.text("from"), self.text("to"), self.number("amount"))
        else {
            return Err(Refusal::Invalid("Send from, to and amount.".into()));
        };
        let (from, to) = (format!("accounts/{from}"), format!("accounts/{to}"));
        if from == to || amount < 1 {
            return Err(Refusal::Invalid("Nothing would be moved.".into()));
        }
        let mut payer = view.content(&from).ok_or(Refusal::Absent)?.clone();
        let mut payee = view.content(&to).ok_or(Refusal::Absent)?.clone();
        let balance = payer["balance"].as_i64().unwrap_or(0);
        if balance < amount {
            return Err(Refusal::Uncovered);
        }
        payer["balance"] = json!(balance - amount);
        payee["balance"] = json!(payee["balance"].as_i64().unwrap_or(0) + amount);
        Ok(act(
            vec![(&from, payer), (&to, payee)],
            json!({ "moved": amount }),
        ))
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

    /// A member of the body of an action; the envelope does not matter there.
    fn member(&self, name: &str) -> Option<Value> {
        let body: Value = serde_json::from_slice(&self.ask.body).ok()?;
        match self.dialect.envelope {
            Envelope::Data => body.get("data").unwrap_or(&body).get(name).cloned(),
            Envelope::Bare | Envelope::Hal => body.get(name).cloned(),
        }
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.member(name)?.as_i64()
    }

    fn text(&self, name: &str) -> Option<String> {
        Some(self.member(name)?.as_str()?.to_owned())
    }
}

fn act(changes: Vec<(&str, Value)>, said: Value) -> Step {
    let changes = changes.into_iter();
    Step {
        changes: changes
            .map(|(key, content)| (key.to_owned(), Some(content)))
            .collect(),
        outcome: Outcome::Acted(said),
    }
}

/// `notes`, of `notes/1`.
fn collection(key: &str) -> &str {
    key.split('/').next().unwrap_or(key)
}
