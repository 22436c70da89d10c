use std::borrow::Cow;

use detente_core::json::Value;
use detente_core::{Kind, Stored};
use detente_service::TouchedVersion;

/// What a row of a list tells beside the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    /// `id`, `version`, `etag`, `updated_at`, `updated_by`, `data`
    Document,
    /// Also `seq` and `collection`, since the row stands among those of others; `paths`, the places
    /// that the version touched; and `merged` where it was joined from two edits.
    Change,
}

/// Writes one version of a feed.
pub(crate) fn write_change(out: &mut String, change: &TouchedVersion, compact: bool) {
    write(out, &change.stored, Row::Change, compact);
    out.pop();
    out.push(',');
    if let Some(paths) = &change.paths {
        let paths: Vec<_> = paths.iter().map(ToString::to_string).collect();
        member(out, "paths", &Value::from(paths).to_text());
    }
    if let Some(base) = change.stored.base {
        let onto = change.stored.version - 1;
        let merged = format!("{{\"base_version\":{base},\"onto_version\":{onto}}}");
        member(out, "merged", &merged);
    }
    if let Some(last) = &change.last {
        member(out, "last_data", &data(last, compact));
    }
    out.pop();
    out.push('}');
}

/// Writes one version within its envelope. `data` is what was sent, digit for digit; a deletion has
/// `deleted` instead.
pub(crate) fn write(out: &mut String, stored: &Stored, row: Row, compact: bool) {
    out.push('{');
    if row == Row::Change {
        member(out, "seq", &stored.seq.to_string());
        member(out, "collection", &quoted(stored.key.collection()));
    }
    member(out, "id", &quoted(stored.key.id()));
    member(out, "version", &stored.version.to_string());
    if stored.kind == Kind::Document {
        member(
            out,
            "etag",
            &quoted(&stored.head().tag().to_entity_tag().to_string()),
        );
    }
    member(out, "updated_at", &quoted(&stored.at.to_string()));
    member(out, "updated_by", &quoted(&stored.by));
    match stored.kind {
        Kind::Document => member(out, "data", &data(stored, compact)),
        Kind::Tombstone => member(out, "deleted", "true"),
    }
    out.pop();
    out.push('}');
}

/// What was sent, digit for digit; in one line if it must be.
fn data(stored: &Stored, compact: bool) -> Cow<'_, str> {
    match compact {
        true => detente_core::json::compact(stored.text()).into(),
        false => stored.text().into(),
    }
}

/// Marks a page with less rows than it may have, although more come: to many clients such a page is
/// the last one.
pub(crate) fn short(rows: usize, limit: usize, has_more: bool) -> Option<(&'static str, Value)> {
    (has_more && rows < limit).then(|| ("short", Value::from(true)))
}

/// The members that follow `items`.
pub(crate) fn page(
    rows: impl IntoIterator<Item = impl AsRef<Stored>>,
    row: Row,
    members: &[(&str, Value)],
) -> String {
    let write = |stored: _, out: &mut String| {
        let stored: &Stored = AsRef::as_ref(&stored);
        write(out, stored, row, false);
    };
    page_of(rows, write, members)
}

/// A page of rows, and the members that follow them.
pub(crate) fn page_of<T>(
    rows: impl IntoIterator<Item = T>,
    write: impl Fn(T, &mut String),
    members: &[(&str, Value)],
) -> String {
    let mut out = String::from("{\"items\":[");
    for (index, item) in rows.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(item, &mut out);
    }
    out.push(']');
    for (name, value) in members {
        out.push(',');
        member(&mut out, name, &value.to_text());
        out.pop();
    }
    out.push('}');
    out
}

/// A member and a comma.
fn member(out: &mut String, name: &str, text: &str) {
    out.push('"');
    out.push_str(name);
    out.push_str("\":");
    out.push_str(text);
    out.push(',');
}

fn quoted(text: &str) -> String {
    Value::from(text).to_text()
}
