use std::sync::{Arc, Mutex};

use http::{Method, StatusCode};
use serde_json::Value;

use super::form::{Form, Kind, Shape, escape, leaves, remove, text_elements};
use super::guard::{Condition, Guard};
use super::nonce::Nonces;
use super::reading::{Reading, opaque};
use super::state::Mask;
use super::{Attempt, Bench, Habits, Halt, Lab, said};
use crate::client::{Client, Stop};
use crate::effort::Effort;
use crate::subject::Subject;

/// What becomes of a write that says nothing of where it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unconditional {
    Accepted,
    Refused(StatusCode),
    /// It was not answered.
    Unclear,
}

/// Names that a version goes by in a body.
const VERSIONS: [&str; 14] = [
    "version",
    "_version",
    "rev",
    "_rev",
    "revision",
    "_revision",
    "etag",
    "_etag",
    "lock_version",
    "lockVersion",
    "resourceVersion",
    "row_version",
    "rowVersion",
    "versionNumber",
];

/// Names of members that people write text in: tried first.
const TEXTS: [&str; 12] = [
    "title",
    "name",
    "description",
    "body",
    "content",
    "text",
    "note",
    "notes",
    "comment",
    "summary",
    "message",
    "label",
];

/// Names of members that are not free to be written.
const FIXED: [&str; 14] = [
    "id", "_id", "uuid", "href", "self", "url", "uri", "type", "kind", "status", "state", "schema",
    "$schema", "owner",
];

/// No more writes than this are spent on finding out how to write.
const MOST_TRIALS: usize = 60;

/// Learns with one client how the resource is read and written.
///
/// # Errors
///
/// [`Halt::Cannot`] if no write was found that can be told apart when read back.
pub(crate) async fn calibrate(
    client: Client,
    subject: Subject,
    effort: Effort,
) -> Result<Lab, Halt> {
    let lab = Lab::uncalibrated(client, subject, effort).await?;
    let lab = lab.learn_to_write().await?;
    let lab = lab.learn_the_guard().await?;
    lab.learn_what_is_open().await
}

impl Lab {
    /// Reads five times while nobody writes: what moves then, moves by itself.
    async fn uncalibrated(client: Client, subject: Subject, effort: Effort) -> Result<Self, Halt> {
        let places = subject.places.clone();
        let bench = Arc::new(Bench {
            reader: client.actor("reader"),
            client,
            subject,
            nonces: Nonces::new(effort.run),
            effort,
            writers: Mutex::default(),
            scratches: Mutex::default(),
            refusals: Mutex::default(),
            requirement: Mutex::default(),
        });
        let request = crate::request::Request::get(places[0].clone());
        let exchange = super::served(&bench.reader, request).await?;
        let original = super::reading_of(exchange, |_| None)?;
        if !original.is_there() {
            return Err(Stop::Unreadable {
                url: places[0].clone(),
                answer: said(&original.exchange),
            }
            .into());
        }
        let habits = Habits {
            form: Form {
                method: Method::PUT,
                media_type: media_type(&original),
                shape: Shape::Opaque,
            },
            ticket: Vec::new(),
            guard: None,
            unconditional: Unconditional::Unclear,
            version_members: version_members(&original),
            mask: Mask::default(),
            ripens: false,
            original,
        };
        let mut lab = Self {
            bench,
            places,
            habits: Arc::new(habits),
        };
        let mut mask = Mask::default();
        for _ in 1..5 {
            let reading = lab.read().await?;
            mask.learn(&lab.habits.original, &reading);
        }
        lab.change(|habits| habits.mask = mask);
        Ok(lab)
    }

    fn change(&mut self, change: impl FnOnce(&mut Habits)) {
        let habits = Arc::get_mut(&mut self.habits).expect("calibration holds it alone");
        change(habits);
    }

    /// Finds a method, a body and a member with which a write is accepted and can be read back.
    async fn learn_to_write(mut self) -> Result<Self, Halt> {
        let mut trials = 0;
        let mut last = String::from("nothing could be tried");
        let mut refused: Vec<(Method, Option<String>)> = Vec::new();
        'forms: for form in forms(&self.habits, self.subject()) {
            let kind = (form.method.clone(), Some(form.media_type.clone()));
            if refused.contains(&kind) || refused.contains(&(form.method.clone(), None)) {
                continue;
            }
            for ticket in tickets(&self.habits) {
                trials += 1;
                if trials > MOST_TRIALS {
                    break 'forms;
                }
                self.change(|habits| {
                    habits.form = form.clone();
                    habits.ticket = ticket;
                });
                let base = self.read().await?;
                if !self.habits.ticket.iter().all(|guard| guard.fits(&base)) {
                    continue;
                }
                let actor = self.actor("setup");
                let attempt = self.attempt(&actor, &self.from(&base)).await?;
                if attempt.is_applied() {
                    if let Some(seen_at) = self.found(&attempt).await? {
                        return self.written(seen_at, &attempt, &base).await;
                    }
                    // Accepted and dropped: another condition will not help, another member may.
                    last = format!(
                        "{} was answered {}, and what it wrote was not there when read back",
                        form.method,
                        said(&attempt.exchange)
                    );
                    continue 'forms;
                }
                last = format!("{} was answered {}", form.method, said(&attempt.exchange));
                match attempt.status() {
                    Some(
                        StatusCode::METHOD_NOT_ALLOWED
                        | StatusCode::NOT_IMPLEMENTED
                        | StatusCode::NOT_FOUND,
                    ) => {
                        refused.push((form.method.clone(), None));
                        continue 'forms;
                    }
                    Some(StatusCode::UNSUPPORTED_MEDIA_TYPE) => {
                        refused.push(kind);
                        continue 'forms;
                    }
                    Some(StatusCode::UNPROCESSABLE_ENTITY) => continue 'forms,
                    _ => {}
                }
            }
        }
        Err(Halt::Cannot(format!(
            "no way was found to write something that can be read back: {last}"
        )))
    }

    /// Where a write's nonce stands in what is read afterwards.
    async fn found(&self, attempt: &Attempt) -> Result<Option<String>, Halt> {
        let reading = self.read_until(&attempt.nonce).await?;
        Ok(match (&self.habits.form.shape, &reading.document) {
            (Shape::Json { .. }, Some(document)) => leaves(document)
                .into_iter()
                .find(|(_, value)| attempt.nonce.is(value))
                .map(|(pointer, _)| pointer),
            (Shape::Json { .. }, None) => None,
            _ => reading.shows(&attempt.nonce).then(String::new),
        })
    }

    async fn written(
        mut self,
        place: String,
        attempt: &Attempt,
        base: &Reading,
    ) -> Result<Self, Halt> {
        let mut mask = self.habits.mask.clone();
        self.change(|habits| {
            if let Shape::Json { seen_at, .. } = &mut habits.form.shape {
                *seen_at = place.clone();
            }
        });
        let reading = self.read_until(&attempt.nonce).await?;
        mask.learn(base, &reading);
        mask.forget(&place);
        let ripens = reading.has_weak_tag() && self.becomes_strong(&reading).await?;
        self.change(|habits| {
            habits.mask = mask;
            habits.ripens = ripens;
            habits.original.mark = habits.form.mark(habits.original.body());
        });
        Ok(self)
    }

    /// Whether the weak tag of what was just written is strong a second later: the clock that it is made from has then
    /// moved on (RFC 9110, section 8.8.1).
    async fn becomes_strong(&self, young: &Reading) -> Result<bool, Halt> {
        super::pace::second().await;
        let tag = self.read().await?.tag().map(str::to_owned);
        Ok(tag.is_some_and(|tag| young.tag().map(opaque) == Some(tag.as_str())))
    }

    /// Finds out by which validator a stale write is refused while a current one is accepted.
    async fn learn_the_guard(mut self) -> Result<Self, Halt> {
        let reading = self.read().await?;
        let candidates = std::iter::once(Guard::Tag)
            .chain(
                self.habits
                    .version_members
                    .iter()
                    .cloned()
                    .map(Guard::Member),
            )
            .chain(std::iter::once(Guard::Date))
            .filter(|guard| guard.fits(&reading))
            .collect::<Vec<_>>();
        for guard in candidates {
            if self.is_enforced(&guard).await? {
                self.change(|habits| habits.guard = Some(guard));
                break;
            }
        }
        Ok(self)
    }

    /// Tried twice for a tag: at once; and with time between, since some are made from a clock that counts in seconds.
    async fn is_enforced(&self, guard: &Guard) -> Result<bool, Halt> {
        if *guard != Guard::Date && self.refuses_stale(guard, false).await? {
            return Ok(true);
        }
        match guard {
            Guard::Tag | Guard::Date => self.refuses_stale(guard, true).await,
            Guard::Member(_) | Guard::Any => Ok(false),
        }
    }

    /// Whether a stale write is not performed, while a current one is; judged by what is read.
    async fn refuses_stale(&self, guard: &Guard, takes_time: bool) -> Result<bool, Halt> {
        let actor = self.actor("setup");
        let wait = || async {
            if takes_time {
                super::pace::second().await;
            }
        };
        let stale = self.read().await?;
        wait().await;
        if let Err(Halt::Stop(stop)) = self.write_anew(&actor).await {
            return Err(stop.into());
        }
        wait().await;
        let refused = self
            .attempt(&actor, &Condition::unchanged(guard, &stale))
            .await?;
        if self.settled().await?.shows(&refused.nonce) {
            return Ok(false);
        }
        let current = self.read().await?;
        let accepted = self
            .attempt(&actor, &Condition::unchanged(guard, &current))
            .await?;
        Ok(accepted.is_applied()
            && self
                .read_until(&accepted.nonce)
                .await?
                .shows(&accepted.nonce))
    }

    /// Finds out what becomes of a write that says nothing of where it began.
    async fn learn_what_is_open(mut self) -> Result<Self, Halt> {
        let attempt = self
            .attempt(&self.actor("setup"), &Condition::none())
            .await?;
        let unconditional = if attempt.is_applied() {
            Unconditional::Accepted
        } else {
            match attempt.status() {
                Some(status) if status.is_client_error() => Unconditional::Refused(status),
                _ => Unconditional::Unclear,
            }
        };
        self.change(|habits| habits.unconditional = unconditional);
        Ok(self)
    }
}

/// Ways in which a write may be accepted: with what it carries of what was read.
fn tickets(habits: &Habits) -> Vec<Vec<Guard>> {
    let reading = &habits.original;
    let mut tickets = Vec::new();
    if Guard::Tag.fits(reading) {
        tickets.push(vec![Guard::Tag]);
    }
    tickets.push(Vec::new());
    for pointer in &habits.version_members {
        let member = Guard::Member(pointer.clone());
        tickets.push(vec![member.clone()]);
        if Guard::Tag.fits(reading) {
            tickets.push(vec![Guard::Tag, member]);
        }
    }
    if Guard::Date.fits(reading) {
        tickets.push(vec![Guard::Date]);
    }
    // Where the current tag is refused and one is asked for, this may be the only way.
    tickets.push(vec![Guard::Any]);
    tickets
}

/// Ways in which a body may be written, the likeliest first.
fn forms(habits: &Habits, subject: &Subject) -> Vec<Form> {
    let methods = match &subject.method {
        Some(method) => vec![method.clone()],
        None => vec![Method::PUT, Method::PATCH],
    };
    let reading = &habits.original;
    let Some(document) = reading.document.as_ref().filter(|value| value.is_object()) else {
        let media_type = media_type(reading);
        let text = String::from_utf8_lossy(reading.body());
        let shapes: Vec<_> = if media_type.contains("xml") || text.starts_with("<?xml") {
            let mut elements = text_elements(&text);
            elements.sort_by_key(|name| !TEXTS.contains(&name.as_str()));
            let shape = |element| Shape::Xml {
                template: text.to_string(),
                element,
            };
            elements
                .into_iter()
                .map(shape)
                .chain([Shape::Opaque])
                .collect()
        } else {
            vec![Shape::Opaque]
        };
        return shapes
            .into_iter()
            .map(|shape| Form {
                method: subject.method.clone().unwrap_or(Method::PUT),
                media_type: media_type.clone(),
                shape,
            })
            .collect();
    };
    let mut forms = Vec::new();
    for method in methods {
        for template in templates(document, habits) {
            for (at, kind) in members(&template, subject) {
                forms.push(Form {
                    method: method.clone(),
                    media_type: if method == Method::PATCH {
                        "application/merge-patch+json".into()
                    } else {
                        media_type(reading)
                    },
                    shape: Shape::Json {
                        template: template.clone(),
                        seen_at: at.clone(),
                        at,
                        kind,
                    },
                });
            }
        }
    }
    // Some take a PATCH only as plain JSON.
    let plain = forms
        .iter()
        .filter(|form| form.method == Method::PATCH)
        .map(|form| Form {
            media_type: "application/json".into(),
            ..form.clone()
        })
        .collect::<Vec<_>>();
    forms.extend(plain);
    forms
}

/// What GET gave, without its version; and, for an API that does not take that back, less and less of it.
fn templates(document: &Value, habits: &Habits) -> Vec<Value> {
    let mut whole = document.clone();
    for pointer in &habits.version_members {
        remove(&mut whole, pointer);
    }
    let mut bare = whole.clone();
    if let Value::Object(members) = &mut bare {
        members.retain(|name, _| {
            let pointer = format!("/{}", escape(name));
            !name.starts_with(['_', '$', '@']) && !is_fixed(name) && !habits.mask.hides(&pointer)
        });
    }
    let mut templates = vec![whole];
    if !templates.contains(&bare) {
        templates.push(bare);
    }
    if let Value::Object(members) = document {
        for (name, member) in members {
            if member.is_object() && !name.contains("link") {
                templates.push(member.clone());
            }
        }
    }
    templates
}

/// Members that may take a nonce: texts, then numbers, then one that is not there yet.
pub(crate) fn members(template: &Value, subject: &Subject) -> Vec<(String, Kind)> {
    let spared = [&subject.unique, &subject.stock];
    let mut found = Vec::new();
    for (pointer, value) in leaves(template) {
        let name = pointer.rsplit('/').next().unwrap_or_default();
        if is_fixed(name) || spared.contains(&&Some(pointer.clone())) {
            continue;
        }
        let depth = pointer.matches('/').count();
        match value {
            Value::String(_) => {
                let rank = TEXTS
                    .iter()
                    .position(|text| *text == name)
                    .unwrap_or(TEXTS.len());
                found.push(((0, depth, rank), pointer, Kind::Text));
            }
            Value::Number(_) => found.push(((1, depth, 0), pointer, Kind::Number)),
            _ => {}
        }
    }
    found.sort();
    let mut members: Vec<_> = found
        .into_iter()
        .take(6)
        .map(|(_, pointer, kind)| (pointer, kind))
        .collect();
    members.push(("/nonce".into(), Kind::Text));
    // Beside the first, where the content stands in an envelope.
    let beside = members[0]
        .0
        .rsplit_once('/')
        .map_or("", |(parent, _)| parent)
        .to_owned();
    if !beside.is_empty() {
        members.push((format!("{beside}/nonce"), Kind::Text));
    }
    members
}

fn is_fixed(name: &str) -> bool {
    FIXED.contains(&name) || name.ends_with("_at") || name.ends_with("_id") || name.ends_with("At")
}

fn version_members(reading: &Reading) -> Vec<String> {
    let Some(document) = &reading.document else {
        return Vec::new();
    };
    leaves(document)
        .into_iter()
        .filter(|(pointer, value)| {
            let name = pointer.rsplit('/').next().unwrap_or_default();
            pointer.matches('/').count() <= 2
                && VERSIONS.contains(&name)
                && (value.is_string() || value.is_number())
        })
        .map(|(pointer, _)| pointer)
        .collect()
}

/// `Content-Type` of a representation, which is also what is sent back.
fn media_type(reading: &Reading) -> String {
    reading
        .header("content-type")
        .unwrap_or("application/json")
        .to_owned()
}
