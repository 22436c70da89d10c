use http::Method;
use serde_json::{Value, json};
use url::Url;

use super::super::verdict::conflict_complaint;
use crate::lab::{Form, Guard, Habits, Kind, Nonce, Shape};
use crate::model::{Response, leaves, set};

/// What each editor writes: nobody else sends it.
const MARK: &str = "{{actor}}-{{nonce}}";
/// What each editor writes where the value is a number.
const NUMBER: &str = "{{before | plus index}}";

/// The scenario as YAML. `refusal` is the answer that a stale write got, `nonce` one that nothing carries yet.
pub(super) fn written(
    url: &Url,
    habits: &Habits,
    refusal: Option<&Response>,
    nonce: &Nonce,
) -> String {
    let draft = Draft {
        habits,
        guards: match &habits.guard {
            Some(guard) => std::slice::from_ref(guard),
            None => &habits.ticket,
        },
    };
    let base = quoted(&url.origin().ascii_serialization());
    let path = quoted(&url[url::Position::BeforePath..url::Position::AfterQuery]);
    let method = &habits.form.method;
    let (wait, repeat) = match draft.counts_in_seconds() {
        true => ("  - wait: 1100ms\n", 10),
        false => ("", 50),
    };
    let setup = draft.capture(draft.needs_before());
    let note = draft.note();
    let edited = draft.edited();
    let conditions = draft.conditions();
    let sent = draft.sent(nonce);
    let (losers, losers_note) = losers(refusal);
    let state = draft.state();
    let teardown = draft.teardown(&path);
    format!(
        "\
# Two editors read one resource, and both save. Made of what was there, by trying how it is written; change what
# does not fit.
# Run it with: detente check THIS-FILE --var base=http://…
base: {base}
scenario: two editors, one winner
# How often it is tried. A race that is lost once in a hundred times takes some hundred rounds to show.
repeat: {repeat}
# Header fields for every request, such as a login:
# headers: {{Authorization: \"Bearer {{{{env.TOKEN}}}}\"}}
setup:
{wait}  - GET: {path}
{setup}{note}# {edited}
race:
  actors: [alice, bob]
  send:
    {method}: {path}
{conditions}{sent}expect:
  # One is accepted. The other is refused, and told what happened meanwhile.
  winners: 1
{losers_note}  losers: {losers}
{state}{teardown}"
    )
}

struct Draft<'a> {
    habits: &'a Habits,
    /// What a write carries of what was read.
    guards: &'a [Guard],
}

impl Draft<'_> {
    fn form(&self) -> &Form {
        &self.habits.form
    }

    /// Whether a version can be told from the one before only when the second is over.
    fn counts_in_seconds(&self) -> bool {
        self.habits.ripens || self.guards.contains(&Guard::Date)
    }

    /// Whether a number is written: what was there before is counted on.
    fn needs_before(&self) -> bool {
        matches!(
            self.form().shape,
            Shape::Json {
                kind: Kind::Number,
                ..
            }
        )
    }

    fn capture(&self, with_before: bool) -> String {
        let mut sources = Vec::new();
        for guard in self.guards {
            match guard {
                Guard::Tag => sources.push("etag: header ETag".to_owned()),
                Guard::Date => sources.push("modified: header Last-Modified".to_owned()),
                Guard::Member(pointer) => {
                    sources.push(format!("version: {}", quoted(&format!("body {pointer}"))));
                }
                Guard::Any => {}
            }
        }
        if let (true, Shape::Json { seen_at, .. }) = (with_before, &self.form().shape) {
            sources.push(format!("before: {}", quoted(&format!("body {seen_at}"))));
        }
        match sources.is_empty() {
            true => String::new(),
            false => format!("    capture: {{{}}}\n", sources.join(", ")),
        }
    }

    /// What there is to say of how a version is told.
    fn note(&self) -> &'static str {
        let original = &self.habits.original;
        if self.guards.contains(&Guard::Date) {
            return "# It goes by a date: that tells no two writes within a second apart.\n";
        }
        if self.habits.guard.is_some() {
            return "";
        }
        if original.tag().is_none()
            && original.modified().is_none()
            && self.habits.version_members.is_empty()
        {
            return "# It has neither ETag nor Last-Modified, nor a version in its body: nothing tells the server which\n\
                    # version an edit began from, and both will be accepted.\n";
        }
        "# When this was made, a write that began from an older version was not refused: expect both to be accepted.\n"
    }

    fn edited(&self) -> String {
        match &self.form().shape {
            Shape::Json { at, kind, .. } => {
                let what = match kind {
                    Kind::Text => "text",
                    Kind::Number => "number",
                };
                let member = at.trim_start_matches('/');
                format!("Each changes `{member}`, to a {what} that nobody else sends.")
            }
            Shape::Xml { element, .. } => {
                format!("Each changes `{element}`, to a text that nobody else sends.")
            }
            Shape::Opaque => "Each sends a text that nobody else sends.".to_owned(),
        }
    }

    /// The fields of a write, beside its body.
    fn conditions(&self) -> String {
        let mut lines = String::new();
        let mut fields = Vec::new();
        for guard in self.guards {
            match guard {
                Guard::Tag => lines.push_str("    etag: \"{{etag}}\"\n"),
                Guard::Any => lines.push_str("    if_match: \"*\"\n"),
                Guard::Date => fields.push("If-Unmodified-Since: \"{{modified}}\"".to_owned()),
                Guard::Member(_) => {}
            }
        }
        let media_type = &self.form().media_type;
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        let is_usual = match &self.form().shape {
            Shape::Json { .. } if self.is_patch() => essence == "application/merge-patch+json",
            Shape::Json { .. } => essence == "application/json",
            Shape::Xml { .. } | Shape::Opaque => media_type == "text/plain; charset=utf-8",
        };
        if !is_usual {
            fields.push(format!("Content-Type: {}", quoted(media_type)));
        }
        if !fields.is_empty() {
            lines.push_str(&format!("    headers: {{{}}}\n", fields.join(", ")));
        }
        lines
    }

    fn is_patch(&self) -> bool {
        self.form().method == Method::PATCH
    }

    /// The body of an edit.
    fn sent(&self, nonce: &Nonce) -> String {
        match &self.form().shape {
            Shape::Json { at, kind, .. } => {
                let mark = match kind {
                    Kind::Text => MARK,
                    Kind::Number => NUMBER,
                };
                self.json(at, Some(mark.into()))
            }
            Shape::Xml { .. } | Shape::Opaque => {
                let body = self.form().body(nonce, &[]);
                let text = quoted(&String::from_utf8_lossy(&body));
                format!("    text: {}\n", text.replace(nonce.text(), MARK))
            }
        }
    }

    /// A JSON body: the template, with the version where that is told in the body. What it says besides is filled in by
    /// nobody, whatever braces it has.
    fn json(&self, at: &str, mark: Option<Value>) -> String {
        let mut body = match &self.form().shape {
            Shape::Json { template, .. } if !self.is_patch() => escaped(template),
            _ => json!({}),
        };
        match mark {
            Some(mark) => set(&mut body, &escape(at), mark),
            None if self.is_patch() => set(&mut body, at, Value::Null),
            None => {}
        }
        for pointer in self.versions() {
            set(&mut body, &escape(pointer), "{{version}}".into());
        }
        let name = match self.is_patch() {
            true => "merge-patch",
            false => "json",
        };
        format!("    {name}: {body}\n")
    }

    fn versions(&self) -> impl Iterator<Item = &str> {
        self.guards.iter().filter_map(|guard| match guard {
            Guard::Member(pointer) => Some(pointer.as_str()),
            _ => None,
        })
    }

    /// What is to be there afterwards. Members that the server moves by itself are nobody's.
    fn state(&self) -> String {
        let (template, at, seen_at) = match &self.form().shape {
            Shape::Json {
                template,
                at,
                seen_at,
                ..
            } => (template, at, seen_at),
            _ => return WINNER.to_owned(),
        };
        if at != seen_at {
            // The body is no part of what is read: its mark is.
            let pointer = quoted(seen_at);
            return format!(
                "  # Reading it again gives what one of them sent.\n  state: {{{pointer}: {{matches: \"^(alice|bob)-\"}}}}\n"
            );
        }
        let moving = leaves(template)
            .into_iter()
            .map(|(pointer, _)| pointer)
            .filter(|pointer| !self.is_patch() && self.habits.mask.hides(pointer));
        let versions = self.versions().map(str::to_owned);
        let except: Vec<_> = versions.chain(moving).map(|it| quoted(&it)).collect();
        match except.is_empty() {
            true => WINNER.to_owned(),
            false => format!(
                "  # Reading it again gives what the winner sent, but for what the server sets itself.\n  \
                 state: {{is: winner, except: [{}]}}\n",
                except.join(", ")
            ),
        }
    }

    /// Puts back what was there before, by a write that begins from what is there then.
    fn teardown(&self, path: &str) -> String {
        let original = &self.habits.original;
        let body = match &self.form().shape {
            Shape::Json { at, .. } => self.json(at, original.mark.as_ref().map(escaped)),
            _ => match std::str::from_utf8(original.body()) {
                Ok(text) => format!("    text: {}\n", quoted(text)),
                Err(_) => return String::new(),
            },
        };
        let capture = self.capture(false);
        let conditions = self.conditions();
        let method = &self.form().method;
        let read = match capture.is_empty() {
            true => String::new(),
            false => format!("  - GET: {path}\n{capture}"),
        };
        format!(
            "# What was there before.\nteardown:\n{read}  - {method}: {path}\n{conditions}{body}"
        )
    }
}

const WINNER: &str = "  # Reading it again gives what the winner sent.\n  state: winner\n";

/// What is asked of the losers, and what there is to say of it.
fn losers(refusal: Option<&Response>) -> (&'static str, String) {
    match refusal.and_then(conflict_complaint) {
        None => ("{status: [409, 412], body: conflict}", String::new()),
        Some(complaint) => (
            "{status: [409, 412]}",
            format!(
                "  # `body: conflict` beside the status would ask for an answer that helps. When this was made,\n  \
                 # {complaint}.\n"
            ),
        ),
    }
}

/// `{{` in what was there would be filled in, and is written so that it is not.
fn escaped(value: &Value) -> Value {
    match value {
        Value::String(text) => escape(text).into(),
        Value::Array(items) => items.iter().map(escaped).collect(),
        Value::Object(members) => {
            let members = members.iter();
            let members = members.map(|(name, value)| (escape(name), escaped(value)));
            Value::Object(members.collect())
        }
        other => other.clone(),
    }
}

fn escape(text: &str) -> String {
    text.replace("{{", "{{\"{{\"}}")
}

/// As a string of YAML, of which JSON is a part.
fn quoted(text: &str) -> String {
    Value::from(escape(text)).to_string()
}
