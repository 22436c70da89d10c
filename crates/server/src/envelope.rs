use detente_core::json::Value;
use detente_core::{Kind, Stored};

/// What a row of a list tells beside the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    /// `id`, `version`, `etag`, `updated_at`, `updated_by`, `data`
    Document,
    /// Also `seq` and `collection`: the row stands among those of others.
    Change,
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
        Kind::Document if compact => {
            member(out, "data", &detente_core::json::compact(stored.text()));
        }
        Kind::Document => member(out, "data", stored.text()),
        Kind::Tombstone => member(out, "deleted", "true"),
    }
    out.pop();
    out.push('}');
}

/// The members that follow `items`.
pub(crate) fn page(
    rows: impl IntoIterator<Item = impl AsRef<Stored>>,
    row: Row,
    members: &[(&str, Value)],
) -> String {
    let mut out = String::from("{\"items\":[");
    for (index, stored) in rows.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(&mut out, stored.as_ref(), row, false);
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
