use axum::http::HeaderValue;
use axum::http::header;
use detente_core::json::{Draft, ToText, Value};
use detente_core::{Key, Kind, Stored};
use detente_service::Entry;

use crate::call::{Answer, Call};
use crate::envelope;
use crate::explanation::Refused;
use crate::history;
use crate::parameters::{DEFAULT_LIMIT, limit, parameters};
use crate::problem::Problem;
use crate::representation::{self, Coding, describe};

/// What a request wants of a folder.
#[derive(Debug)]
pub(super) struct Wanted {
    limit: usize,
    after: Option<String>,
}

impl Wanted {
    pub(super) fn parse(query: &str) -> Result<Self, Problem> {
        let mut wanted = Self {
            limit: DEFAULT_LIMIT,
            after: None,
        };
        for (name, value) in parameters(query) {
            match &*name {
                "limit" => wanted.limit = limit(&value)?,
                "after" => wanted.after = Some(value.into_owned()),
                _ => {}
            }
        }
        Ok(wanted)
    }
}

/// What is in a folder. Its tag is that of a version that was read before what is in it.
pub(super) async fn of(
    call: &Call,
    folder: &Key,
    stored: Option<&Stored>,
    wanted: &Wanted,
) -> Answer {
    let service = &call.app.service;
    let listed = service.list_folder(
        &call.principal,
        folder,
        wanted.after.as_deref(),
        wanted.limit,
    );
    let listed = listed.await?;
    let has_more = listed.next.is_some();
    let mut members = vec![("next", Value::from(listed.next))];
    members.extend(envelope::short(listed.items.len(), wanted.limit, has_more));
    let page = envelope::page_of(
        &listed.items,
        |item, out| {
            let row = Draft::default().with("name", &*item.name);
            let row = with_facts(row, &item.stored, Some(&item.entry));
            let row = row.with("href", call.site.document(&item.stored.key));
            row.write_text(out);
        },
        &members,
    );
    let coding = Coding::negotiate(call.inbound.headers(), page.len());
    let mut response = representation::json(page, coding).await?;
    if let Some(stored) = stored {
        let tag = coding.tag(&stored.head().tag().to_entity_tag());
        describe(response.headers_mut(), stored, &tag, &call.site);
    }
    let vary = HeaderValue::from_static("accept-encoding");
    response.headers_mut().insert(header::VARY, vary);
    Ok(response)
}

/// The versions of a file or a folder, the newest first; also of one that was deleted.
pub(super) async fn versions(call: &Call, key: &Key) -> Answer {
    let wanted = history::Wanted::parse(call.inbound.query())?;
    let service = &call.app.service;
    service.files()?;
    let history = service.history(&call.principal, key, wanted.below, wanted.limit);
    let history = history.await?;
    let cursor = history.below.map(|below| below.to_string());
    let has_more = cursor.is_some();
    let mut members = vec![("next", Value::from(cursor))];
    members.extend(envelope::short(
        history.versions.len(),
        wanted.limit,
        has_more,
    ));
    let mut rows = Vec::with_capacity(history.versions.len());
    for stored in &history.versions {
        rows.push(row_of_version(stored)?);
    }
    let page = envelope::page_of(&rows, |row, out| out.push_str(row), &members);
    let coding = Coding::negotiate(call.inbound.headers(), page.len());
    representation::json(page, coding).await
}

/// What a version says of a file.
pub(super) fn row_of_version(stored: &Stored) -> Result<String, Refused> {
    let entry = match stored.kind {
        Kind::Document => Some(Entry::of(stored)?),
        Kind::Tombstone => None,
    };
    Ok(with_facts(Draft::default(), stored, entry.as_ref()).into_text())
}

/// What is known of a version; of a deletion there is no entry.
fn with_facts(mut row: Draft, stored: &Stored, entry: Option<&Entry>) -> Draft {
    row.add("kind", entry.map_or("deleted", Entry::kind));
    if let Some(facts) = entry.and_then(Entry::file) {
        row.add("type", &*facts.media_type);
        row.add("size", facts.size);
        row.add("sha256", facts.hash.to_string());
    }
    row.add("version", stored.version);
    if entry.is_some() {
        row.add("etag", stored.head().tag().to_entity_tag().to_field());
    }
    row.add("updated_at", stored.at.to_string());
    row.add("updated_by", &*stored.by);
    row
}
