use http::Method;
use serde_json::Value;

use super::form::text_elements;
use super::{Form, Guard, Habits, Kind, Reading, Shape};
use crate::model::{escape, leaves, remove};
use crate::subject::Subject;

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

/// Ways in which a write may be accepted: with what it carries of what was read.
pub(super) fn tickets(habits: &Habits) -> Vec<Vec<Guard>> {
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
pub(super) fn forms(habits: &Habits, subject: &Subject) -> Vec<Form> {
    let methods = match &subject.method {
        Some(method) => vec![method.clone()],
        None => vec![Method::PUT, Method::PATCH],
    };
    let reading = &habits.original;
    // What is no JSON must not be sent as JSON.
    if reading
        .document
        .as_ref()
        .is_some_and(|value| !value.is_object())
    {
        return Vec::new();
    }
    let Some(document) = &reading.document else {
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

/// Where a document may say its version.
pub(super) fn version_members(reading: &Reading) -> Vec<String> {
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
pub(super) fn media_type(reading: &Reading) -> String {
    reading
        .header("content-type")
        .unwrap_or("application/json")
        .to_owned()
}
