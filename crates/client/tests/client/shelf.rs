use std::collections::HashMap;

use detente_client::{Pointer, Value};
use detente_core::json::{Object, object, parse};
use detente_core::merge::{Choices, Merge, Strategies, merge};

use crate::fake::{Answer, Ask, Reply};

/// How a server phrases a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// In full, with merging and idempotency keys.
    Detente,
    /// 412 without a body.
    Curt,
    /// 409 with its own wording.
    Chatty,
}

pub(crate) const DIALECTS: [Dialect; 3] = [Dialect::Detente, Dialect::Curt, Dialect::Chatty];

/// Documents with all their versions; `None` is a deletion.
pub(crate) struct Shelf {
    dialect: Dialect,
    pub(crate) versions: HashMap<String, Vec<Option<Value>>>,
    answers: HashMap<String, Answer>,
    created: usize,
}

pub(crate) fn json(text: &str) -> Value {
    parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error} in {text}"))
}

impl Shelf {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            versions: HashMap::new(),
            answers: HashMap::new(),
            created: 0,
        }
    }

    /// Stores a document, as another client would.
    pub(crate) fn with(mut self, id: &str, text: &str) -> Self {
        self.set(id, text);
        self
    }

    pub(crate) fn set(&mut self, id: &str, text: &str) {
        self.store(id, Some(json(text)));
    }

    pub(crate) fn text(&self, id: &str) -> String {
        self.current(id).map_or_else(String::new, Value::to_text)
    }

    pub(crate) fn reply(&mut self, ask: &Ask) -> Reply {
        self.answer(ask).into()
    }

    pub(crate) fn answer(&mut self, ask: &Ask) -> Answer {
        let keeps_keys = self.dialect == Dialect::Detente;
        if ask.path == "/problems/key-reuse" {
            return match keeps_keys {
                true => Answer::new(200, "<code>IdempotencyKeyReuse</code>"),
                // An HTML page, which some servers have for every URL.
                false => Answer::new(200, "<html>"),
            };
        }
        let Some(key) = ask.header("idempotency-key").filter(|_| keeps_keys) else {
            return self.fresh(ask);
        };
        assert!(key.starts_with('"') && key.ends_with('"'), "{key}");
        if let Some(answer) = self.answers.get(key) {
            return answer.clone().header("idempotent-replayed", "true");
        }
        let answer = self.fresh(ask);
        self.answers.insert(key.to_owned(), answer.clone());
        answer
    }

    fn fresh(&mut self, ask: &Ask) -> Answer {
        let path = ask.path.split('?').next().unwrap();
        let names: Vec<_> = path.trim_start_matches('/').split('/').collect();
        match (&*ask.method, &names[..]) {
            ("GET", [_, _, id]) => self.get(id, ask),
            ("PUT", [_, _, id]) => self.put(id, ask),
            ("DELETE", [_, _, id]) => self.delete(id, ask),
            ("POST", [_, _]) => self.post(path, ask),
            ("POST", [_, _, id, "merge"]) if self.dialect == Dialect::Detente => {
                self.merge(id, ask)
            }
            _ => Answer::new(404, ""),
        }
    }

    fn get(&self, id: &str, ask: &Ask) -> Answer {
        let Some(current) = self.current(id) else {
            return self.gone(id);
        };
        let known = ask.header("if-none-match");
        match self.tag(id) {
            Some(tag) if known == Some(&tag) => Answer::new(304, "").header("etag", tag),
            Some(tag) => self
                .shown(Answer::new(200, current.to_text()), id)
                .header("etag", tag),
            None => Answer::new(404, ""),
        }
    }

    fn put(&mut self, id: &str, ask: &Ask) -> Answer {
        let ours = json(&ask.body);
        let status = if self.current(id).is_some() { 200 } else { 201 };
        if self.holds(id, ask) {
            self.store(id, Some(ours.clone()));
            return self.written(id, status);
        }
        if self.current(id).is_none() {
            return self.gone(id);
        }
        let merging = ask.header("prefer") == Some("conflict=merge");
        let base = self.base(id, ask.header("if-match"));
        let found = compare(base.as_ref(), Some(&ours), self.current(id));
        if merging && self.dialect == Dialect::Detente && found.conflicts.is_empty() {
            let versions = format!("{}..{}", version_of(ask), self.versions[id].len());
            self.store(id, found.document);
            return Answer::new(200, self.text(id))
                .header("document-version", self.versions[id].len().to_string())
                .header("merged-etag", self.tag(id).unwrap())
                .header("merged-versions", versions);
        }
        self.stale(id, &found, ask)
    }

    fn post(&mut self, path: &str, ask: &Ask) -> Answer {
        self.created += 1;
        let id = format!("new-{}", self.created);
        self.store(&id, Some(json(&ask.body)));
        self.written(&id, 201)
            .header("location", format!("{path}/{id}"))
    }

    fn delete(&mut self, id: &str, ask: &Ask) -> Answer {
        if self.current(id).is_none() {
            return self.gone(id);
        }
        if self.holds(id, ask) {
            self.store(id, None);
            return Answer::new(204, "");
        }
        let found = compare(None, None, self.current(id));
        self.stale(id, &found, ask)
    }

    fn merge(&mut self, id: &str, ask: &Ask) -> Answer {
        let asked = json(&ask.body);
        let member = |name| asked.get(name).and_then(Value::as_str);
        let base = self.base(id, member("base"));
        let found = compare(base.as_ref(), asked.get("document"), self.current(id));
        let choices = asked.get("choices").and_then(Value::as_object).cloned();
        let choices = choices.unwrap_or_default();
        let moved_on = member("current").map(str::to_owned) != self.tag(id);
        let decided = |path: &Pointer| choices.contains_key(&path.to_string());
        if moved_on || !found.conflicts.iter().all(|it| decided(&it.path)) {
            return self.stale(id, &found, ask);
        }
        let mut joined = found
            .document
            .as_ref()
            .and_then(Value::as_object)
            .cloned()
            .unwrap();
        for conflict in &found.conflicts {
            choose(&mut joined, conflict, &choices[&conflict.path.to_string()]);
        }
        self.store(id, Some(Value::Object(joined)));
        self.written(id, 200)
    }

    fn stale(&self, id: &str, found: &Merge, ask: &Ask) -> Answer {
        let status = match (self.dialect, ask.header("if-none-match")) {
            (Dialect::Curt, _) => return Answer::new(412, ""),
            (Dialect::Chatty, _) => return Answer::new(409, r#"{"error":"version_mismatch"}"#),
            (Dialect::Detente, Some(_)) => 412,
            (Dialect::Detente, None) => 409,
        };
        let kind = if status == 412 {
            "precondition-failed"
        } else {
            "stale-version"
        };
        let tag = self.tag(id).unwrap();
        let problem = object([
            ("type", format!("/problems/{kind}").into()),
            ("status", status.into()),
            ("error", "UpdateConflict".into()),
            ("detail", "Somebody saved.".into()),
            ("current_version", (self.versions[id].len() as u64).into()),
            ("current_etag", tag.as_str().into()),
            (
                "conflicts",
                found.conflicts.iter().map(row).collect::<Vec<_>>().into(),
            ),
            ("mergeable", found.conflicts.is_empty().into()),
            ("current", self.current(id).cloned().into()),
            ("merged", found.document.clone().into()),
        ]);
        Answer::new(status as u16, Value::Object(problem).to_text())
            .header("content-type", "application/problem+json")
            .header("etag", tag)
    }

    fn gone(&self, id: &str) -> Answer {
        let was = self.versions.contains_key(id);
        match (self.dialect, was) {
            (Dialect::Detente, true) => Answer::new(
                409,
                r#"{"type":"/problems/deleted","detail":"Carol deleted this document."}"#,
            ),
            _ => Answer::new(404, ""),
        }
    }

    /// The answer to a write: with the document, or as other servers do it.
    fn written(&self, id: &str, status: u16) -> Answer {
        let tag = self.tag(id).unwrap();
        match self.dialect {
            Dialect::Detente => self.shown(Answer::new(status, self.text(id)), id),
            Dialect::Curt => Answer::new(204, ""),
            Dialect::Chatty => Answer::new(status, r#"{"ok":true}"#),
        }
        .header("etag", tag)
    }

    fn shown(&self, answer: Answer, id: &str) -> Answer {
        match self.dialect {
            Dialect::Detente => {
                answer.header("document-version", self.versions[id].len().to_string())
            }
            _ => answer,
        }
    }

    fn holds(&self, id: &str, ask: &Ask) -> bool {
        match (ask.header("if-match"), ask.header("if-none-match")) {
            (Some("*"), _) => self.current(id).is_some(),
            (Some(tag), _) => self.tag(id).as_deref() == Some(tag),
            (None, Some(_)) | (None, None) => self.current(id).is_none(),
        }
    }

    fn store(&mut self, id: &str, document: Option<Value>) {
        self.versions
            .entry(id.to_owned())
            .or_default()
            .push(document);
    }

    fn current(&self, id: &str) -> Option<&Value> {
        self.versions.get(id)?.last()?.as_ref()
    }

    fn tag(&self, id: &str) -> Option<String> {
        self.current(id)?;
        Some(format!("\"{}-{id}\"", self.versions[id].len()))
    }

    fn base(&self, id: &str, tag: Option<&str>) -> Option<Value> {
        let number: usize = tag?.trim_matches('"').split('-').next()?.parse().ok()?;
        self.versions[id].get(number - 1)?.clone()
    }
}

fn version_of(ask: &Ask) -> &str {
    let tag = ask.header("if-match").unwrap_or_default();
    tag.trim_matches('"').split('-').next().unwrap()
}

fn row(conflict: &detente_core::Conflict) -> Object {
    let mut row = object([
        ("path", conflict.path.to_string().into()),
        ("kind", conflict.collision.name().into()),
        ("strategy", "manual".into()),
        ("by", "bob".into()),
        ("version", 2.into()),
    ]);
    let values = [
        ("base", &conflict.base),
        ("yours", &conflict.ours),
        ("current", &conflict.theirs),
    ];
    for (name, value) in values {
        if let Some(value) = value {
            row.insert(name.into(), value.clone());
        }
    }
    row
}

/// Top-level members are enough here.
fn choose(joined: &mut Object, conflict: &detente_core::Conflict, choice: &Value) {
    let value = match choice.as_str() {
        Some("yours") => conflict.ours.clone(),
        Some("current") => conflict.theirs.clone(),
        Some("base") => conflict.base.clone(),
        _ => choice.get("value").cloned(),
    };
    let [name] = conflict.path.tokens() else {
        panic!("{}", conflict.path);
    };
    match value {
        Some(value) => drop(joined.insert(name.clone(), value)),
        None => drop(joined.shift_remove(name)),
    }
}

fn compare(base: Option<&Value>, ours: Option<&Value>, theirs: Option<&Value>) -> Merge {
    merge(base, ours, theirs, &Strategies::default(), &Choices::new())
}
