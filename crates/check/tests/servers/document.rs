use serde_json::{Map, Value, json};

use super::dialect::{Dialect, Envelope, Moving, Revision, Seed};
use super::precondition::shown_revision;
use super::refusal::Refusal;
use super::store::Version;

/// What a client sent to be stored.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// Without the envelope, and without the members that writes cannot change.
    pub(crate) content: Value,
    /// The version that it brought.
    pub(crate) claimed: Option<Value>,
}

/// What each server stores at first under `notes/1`.
pub(crate) fn seed(dialect: &Dialect) -> Value {
    match dialect.seed {
        Seed::Note => json!({ "title": "first", "text": "Nothing yet.", "items": [] }),
        Seed::Numbers => json!({ "width": 10, "height": 20, "depth": 30 }),
        Seed::Mixed => json!({
            "done": false,
            "count": 1,
            "ratio": 0.5,
            "due": "2030-01-31",
            "owner": { "name": "Ann", "since": 2001 },
            "title": "first",
            "items": ["a"],
        }),
        Seed::Text => json!("Nothing yet.\n"),
        Seed::Xml => json!("<note><title>first</title><text>Nothing yet.</text></note>"),
    }
}

/// Reads the body of a PUT or POST.
///
/// # Errors
///
/// [`Refusal::Unreadable`] or [`Refusal::Invalid`].
pub(crate) fn read(dialect: &Dialect, collection: &str, body: &[u8]) -> Result<Sent, Refusal> {
    if !dialect.is_json() {
        return read_text(dialect, body);
    }
    let sent = read_members(dialect, body)?;
    check(dialect, collection, &sent.content)?;
    Ok(sent)
}

/// Reads the body of a PATCH: a merge patch (RFC 7396).
///
/// # Errors
///
/// [`Refusal::Unreadable`] or [`Refusal::Invalid`].
pub(crate) fn read_patch(dialect: &Dialect, body: &[u8]) -> Result<Sent, Refusal> {
    if !dialect.is_json() {
        return Err(Refusal::MethodNotAllowed);
    }
    read_members(dialect, body)
}

fn read_text(dialect: &Dialect, body: &[u8]) -> Result<Sent, Refusal> {
    let text = str::from_utf8(body).map_err(|error| Refusal::Unreadable(error.to_string()))?;
    if dialect.seed == Seed::Xml && !(text.starts_with("<note>") && text.ends_with("</note>")) {
        return Err(Refusal::Invalid("The root has to be a note.".into()));
    }
    Ok(Sent {
        content: text.into(),
        claimed: None,
    })
}

fn read_members(dialect: &Dialect, body: &[u8]) -> Result<Sent, Refusal> {
    let value: Value =
        serde_json::from_slice(body).map_err(|error| Refusal::Unreadable(error.to_string()))?;
    let Value::Object(mut members) = value else {
        return Err(Refusal::Invalid("The body has to be an object.".into()));
    };
    let mut claimed = take_claim(dialect, &mut members);
    match dialect.envelope {
        Envelope::Bare => {}
        Envelope::Hal => {
            members.shift_remove("_links");
            members.shift_remove("_embedded");
        }
        Envelope::Data => {
            if let Some(Value::Object(meta)) = members.get_mut("meta") {
                claimed = take_claim(dialect, meta);
            }
            let Some(Value::Object(data)) = members.shift_remove("data") else {
                return Err(Refusal::Invalid("`data` has to be an object.".into()));
            };
            members = data;
        }
    }
    for name in ["id", "updated_at", "views", "served_at"] {
        members.shift_remove(name);
    }
    Ok(Sent {
        content: Value::Object(members),
        claimed,
    })
}

fn take_claim(dialect: &Dialect, members: &mut Map<String, Value>) -> Option<Value> {
    match dialect.revision {
        Revision::None => None,
        Revision::Shown(name) | Revision::Checked(name) => members.shift_remove(name),
    }
}

/// What may be stored: of a strict dialect, notes with all members of the seed, and no others.
///
/// # Errors
///
/// [`Refusal::Invalid`], with the first member that is wrong.
pub(crate) fn check(dialect: &Dialect, collection: &str, content: &Value) -> Result<(), Refusal> {
    let (true, "notes") = (dialect.strict, collection) else {
        return Ok(());
    };
    let seed = seed(dialect);
    let (Some(expected), Some(members)) = (seed.as_object(), content.as_object()) else {
        return Err(Refusal::Invalid("The body has to be an object.".into()));
    };
    if let Some(name) = members.keys().find(|name| !expected.contains_key(*name)) {
        return Err(Refusal::Invalid(format!("There is no member `{name}`.")));
    }
    for (name, example) in expected {
        let of_type = members.get(name).is_some_and(|value| alike(value, example));
        if !of_type {
            return Err(Refusal::Invalid(format!(
                "`{name}` is missing, or is not like {example}."
            )));
        }
    }
    Ok(())
}

fn alike(value: &Value, example: &Value) -> bool {
    match example {
        Value::Number(number) if number.is_i64() => value.is_i64(),
        Value::Number(_) => value.is_number(),
        Value::String(_) => value.is_string(),
        Value::Bool(_) => value.is_boolean(),
        Value::Array(_) => value.is_array(),
        Value::Object(_) => value.is_object(),
        Value::Null => true,
    }
}

/// Applies a merge patch (RFC 7396).
pub(crate) fn patched(target: Option<&Value>, patch: &Value) -> Value {
    let Some(patch) = patch.as_object() else {
        return patch.clone();
    };
    let mut members = target
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    for (name, change) in patch {
        if change.is_null() {
            members.shift_remove(name);
        } else {
            let merged = patched(members.get(name), change);
            members.insert(name.clone(), merged);
        }
    }
    Value::Object(members)
}

/// What a read shows of a version. `reads` counts the reads of the server so far.
pub(crate) fn shown(dialect: &Dialect, key: &str, version: &Version, reads: u64) -> Value {
    let content = version.content.clone().unwrap_or_default();
    let Value::Object(mut members) = content else {
        return content;
    };
    let id = key.split('/').next_back().unwrap_or(key);
    let mut meta = Map::new();
    if let Revision::Shown(name) | Revision::Checked(name) = dialect.revision {
        meta.insert(name.into(), shown_revision(dialect, version));
    }
    match dialect.moving {
        Moving::Nothing => {}
        Moving::Views => {
            meta.insert("views".into(), reads.into());
            meta.insert(
                "served_at".into(),
                httpdate::fmt_http_date(std::time::SystemTime::now()).into(),
            );
        }
        Moving::Updated => {
            let updated = version.stamp.as_micros().to_string();
            meta.insert("updated_at".into(), updated.into());
        }
    }
    if dialect.id {
        members.shift_insert(0, "id".into(), id.into());
    }
    let whole = match dialect.envelope {
        Envelope::Bare => {
            members.extend(meta);
            members
        }
        Envelope::Hal => {
            members.extend(meta);
            let links = json!({ "self": { "href": format!("/{key}") } });
            members.shift_insert(0, "_links".into(), links);
            members
        }
        Envelope::Data => Map::from_iter([
            ("data".into(), members.into()),
            ("meta".into(), meta.into()),
        ]),
    };
    if dialect.sorted {
        return sorted(Value::Object(whole));
    }
    Value::Object(whole)
}

/// What a read shows of a collection.
pub(crate) fn listed(dialect: &Dialect, name: &str, items: Vec<Value>) -> Value {
    match dialect.envelope {
        Envelope::Bare => Value::Array(items),
        Envelope::Hal => json!({
            "_links": { "self": { "href": format!("/{name}") } },
            "_embedded": { name: items },
        }),
        Envelope::Data => json!({ "meta": { "total": items.len() }, "data": items }),
    }
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.into_iter().collect();
            members.sort_by(|(a, _), (b, _)| a.cmp(b));
            let members = members
                .into_iter()
                .map(|(name, value)| (name, sorted(value)));
            Value::Object(members.collect())
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}
