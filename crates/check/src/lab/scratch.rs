use std::sync::Arc;

use http::{HeaderValue, Method, header};
use serde_json::Value;
use url::Url;

use super::bench::served;
use super::{Attempt, Condition, Habits, Halt, Lab, Shape, TRIES, said};
use crate::client::Actor;
use crate::model::{Effect, Exchange, Request, RunError, created_at, leaves, remove, set};
use crate::subject::Creation;

/// Where a body of the user's wants something new each time.
const PLACEHOLDER: &str = "{{nonce}}";

impl Lab {
    /// The lab for another resource of the same API.
    pub(crate) fn at(&self, place: Url) -> Self {
        let path = place.path().to_owned();
        let places = self
            .places()
            .iter()
            .map(|base| {
                let mut url = base.clone();
                url.set_path(&path);
                url
            })
            .collect();
        Self {
            bench: Arc::clone(&self.bench),
            places,
            habits: self.habits_apart(&place),
        }
    }

    /// What a document that says its own name says of another place: JSON Pointers and values; `None` if it says none.
    fn renamed(&self, place: &Url) -> Option<Vec<(String, Value)>> {
        let old = name_of(self.place())?;
        let new = name_of(place)?;
        let Shape::Json { template, .. } = &self.habits.form.shape else {
            return None;
        };
        let names: Vec<_> = leaves(template)
            .into_iter()
            .filter(|(pointer, _)| matches!(pointer.rsplit('/').next(), Some("id" | "_id")))
            .filter(|(_, value)| value.as_str() == Some(&old) || value.to_string() == old)
            .map(|(pointer, value)| {
                let name = match new.parse::<u64>() {
                    Ok(number) if value.is_number() => number.into(),
                    _ => Value::from(new.as_str()),
                };
                (pointer, name)
            })
            .collect();
        (!names.is_empty()).then_some(names)
    }

    /// Habits for another resource: its bodies must not take what has to be unique from this one, nor what the server
    /// wrote into it, such as its date.
    fn habits_apart(&self, place: &Url) -> Arc<Habits> {
        let moving = self.moving();
        let renamed = self.renamed(place);
        if moving.is_empty() && renamed.is_none() && self.subject().unique.is_none() {
            return Arc::clone(&self.habits);
        }
        let mut habits = Habits::clone(&self.habits);
        if let Shape::Json { template, .. } = &mut habits.form.shape {
            for pointer in &moving {
                remove(template, pointer);
            }
            self.make_new(template, &self.nonce());
            // Last: where the name has to be unique, it is the place's.
            for (pointer, name) in renamed.into_iter().flatten() {
                set(template, &pointer, name);
            }
        }
        Arc::new(habits)
    }

    /// Members of the bodies we write that the server changes, whatever they say: JSON Pointers.
    fn moving(&self) -> Vec<String> {
        let shape = &self.habits.form.shape;
        let Shape::Json { template, .. } = shape else {
            return Vec::new();
        };
        let envelope = shape.envelope().unwrap_or_default();
        leaves(template)
            .into_iter()
            .map(|(pointer, _)| pointer)
            .filter(|pointer| self.habits.mask.hides(&format!("{envelope}{pointer}")))
            .collect()
    }

    /// Makes a resource of our own, which is deleted when the run ends.
    ///
    /// # Errors
    ///
    /// [`Halt::Cannot`] if the API lets us make none.
    pub(crate) async fn scratch(&self) -> Result<Self, Halt> {
        let actor = self.actor("setup");
        let lab = match &self.subject().create {
            Some(creation) => {
                let request = self.creation(creation);
                let exchange = self.send_served(&actor, request).await?;
                let place = self.owned(&exchange, creation).ok_or_else(|| {
                    Halt::Cannot(format!(
                        "could not create another resource: {} {} was answered {}",
                        creation.method,
                        creation.url.path(),
                        said(&exchange)
                    ))
                })?;
                self.at(place)
            }
            None => {
                let lab = self.at(self.sibling());
                // Whatever comes of it, should the run end here: nobody else has this name.
                self.own(&lab);
                let attempt = lab.put_anew(&actor, &Condition::if_none_match("*")).await?;
                if attempt.exchange.effect() == Effect::Refused {
                    self.disown(&lab);
                }
                if !attempt.is_applied() || !lab.read().await?.shows(&attempt.nonce) {
                    return Err(Halt::Cannot(format!(
                        "could not create another resource: PUT to a new URL was answered {}; give another way \
                         with `--create`",
                        said(&attempt.exchange)
                    )));
                }
                lab
            }
        };
        Ok(lab)
    }

    /// Where a creation says that the new resource is, which is deleted when the run ends.
    pub(crate) fn owned(&self, exchange: &Exchange, creation: &Creation) -> Option<Url> {
        let place = created_at(exchange, &creation.url)?;
        self.own(&self.at(place.clone()));
        Some(place)
    }

    /// Has a resource deleted when the run ends.
    pub(crate) fn own(&self, lab: &Self) {
        self.bench
            .scratches
            .lock()
            .expect("no holder panics")
            .push(lab.clone());
    }

    /// It was not made after all.
    fn disown(&self, lab: &Self) {
        self.bench
            .scratches
            .lock()
            .expect("no holder panics")
            .retain(|scratch| scratch.place() != lab.place());
    }

    /// The URL of a resource beside this one that is not there.
    pub(crate) fn sibling(&self) -> Url {
        let mut url = self.place().clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().pop().push(self.nonce().text());
        }
        url
    }

    /// Whether it can be deleted, and PUT there again.
    pub(crate) async fn can_be_made_again(&self) -> Result<bool, Halt> {
        let actor = self.actor("setup");
        if !self.delete(&actor).await?.is_accepted() || self.settled().await?.is_there() {
            return Ok(false);
        }
        let made = self
            .put_anew(&actor, &Condition::if_none_match("*"))
            .await?;
        Ok(made.is_applied() && self.read_until(&made.nonce).await?.is_there())
    }

    /// PUT of a whole body, whatever the usual method is.
    pub(crate) fn creating(&self, nonce: &super::Nonce, condition: &Condition) -> Request {
        let mut form = self.habits().form.clone();
        form.method = Method::PUT;
        form.request(self.place(), nonce, condition)
    }

    /// Sends a PUT of a whole body, and finds out what came of it.
    pub(crate) async fn put_anew(
        &self,
        actor: &Actor,
        condition: &Condition,
    ) -> Result<Attempt, Halt> {
        let nonce = self.nonce();
        let request = self.creating(&nonce, condition);
        self.attempt_request(actor, nonce, request).await
    }

    /// What in a creation's body no other creation's has: how it is found in a list.
    pub(crate) fn item_of(&self, request: &Request) -> Option<String> {
        let text = String::from_utf8_lossy(&request.body);
        let start = text.find(&self.bench.nonces.prefix())?;
        let length = text[start..]
            .find(|letter: char| !letter.is_ascii_alphanumeric())
            .unwrap_or(text.len() - start);
        Some(text[start..start + length].to_owned())
    }

    /// The user's request for a new resource, with what has to be new in it made so.
    pub(crate) fn creation(&self, creation: &Creation) -> Request {
        let nonce = self.nonce();
        let mut request = Request::new(creation.method.clone(), creation.url.clone());
        request.headers = creation.headers.clone();
        let text = String::from_utf8_lossy(&creation.body);
        request.body = if text.contains(PLACEHOLDER) {
            text.replace(PLACEHOLDER, nonce.text()).into()
        } else {
            match serde_json::from_slice::<Value>(&creation.body) {
                Ok(mut body) => {
                    self.make_new(&mut body, &nonce);
                    body.to_string().into()
                }
                Err(_) => creation.body.clone(),
            }
        };
        if !request.body.is_empty() && !request.headers.contains_key(header::CONTENT_TYPE) {
            request = request.with(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            );
        }
        request
    }

    /// Gives the member that has to be unique a value of its own; an address stays an address.
    fn make_new(&self, body: &mut Value, nonce: &super::Nonce) {
        let Some(pointer) = &self.subject().unique else {
            return;
        };
        let value = match body.pointer(pointer) {
            Some(Value::Number(_)) => nonce.as_number(),
            Some(Value::String(text)) if text.contains('@') => {
                format!("{}@example.org", nonce.text()).into()
            }
            _ => nonce.as_text(),
        };
        set(body, pointer, value);
    }

    /// Deletes it, from whatever version it has.
    pub(crate) async fn delete(&self, actor: &Actor) -> Result<Exchange, Halt> {
        let reading = self.read_as(actor, self.place()).await?;
        self.send_served(actor, self.deletion(&self.from(&reading)))
            .await
    }

    pub(crate) fn deletion(&self, condition: &Condition) -> Request {
        let mut place = self.place().clone();
        // DELETE has no body for the revision to stand in: CouchDB's protocol has it in the query.
        for (pointer, version) in &condition.members {
            if pointer.ends_with("/_rev")
                && let Value::String(version) = version
            {
                place.query_pairs_mut().append_pair("rev", version);
            }
        }
        condition.carried_by(Request::new(Method::DELETE, place))
    }

    /// Where the resources are that the run made and has not deleted.
    pub(crate) fn made(&self) -> Vec<Url> {
        let scratches = self.bench.scratches.lock().expect("no holder panics");
        let places = scratches.iter().map(|scratch| scratch.place().clone());
        places.collect()
    }

    /// Deletes the resources that the run made; those that are left.
    pub(crate) async fn clean_up(&self) -> Vec<Url> {
        let scratches =
            std::mem::take(&mut *self.bench.scratches.lock().expect("no holder panics"));
        let mut left = Vec::new();
        for scratch in scratches {
            if !matches!(scratch.is_cleared_away().await, Ok(true)) {
                left.push(scratch.place().clone());
            }
        }
        left
    }

    /// Deletes it; whether it is not there any more.
    async fn is_cleared_away(&self) -> Result<bool, RunError> {
        let actor = self.actor("restorer");
        let exchange = served(&actor, self.get(self.place()), TRIES).await?;
        let Ok(reading) = self.reading(exchange) else {
            return Ok(false);
        };
        if !reading.is_there() {
            return Ok(true);
        }
        // It is ours: where the condition does not hold, it is deleted without one.
        for condition in [self.from(&reading), Condition::none()] {
            let exchange = served(&actor, self.deletion(&condition), TRIES).await?;
            if exchange.is_accepted() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The last segment of a path.
fn name_of(place: &Url) -> Option<String> {
    let name = place.path_segments()?.next_back()?;
    (!name.is_empty()).then(|| name.to_owned())
}
