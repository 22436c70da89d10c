use std::sync::Arc;

use axum::http::{HeaderValue, header};
use axum::response::Response;
use detente_core::json::{Value, object};
use detente_core::{Key, Stored};
use detente_service::{Entry, FolderPage, Outcome, Principal};

use super::Place;
use crate::app::App;
use crate::call::{Answer, Call};
use crate::file::pages::{Pages, in_pieces};
use crate::representation::{NO_CACHE, describe};

/// How many rows are read and sent at a time.
const AT_A_TIME: usize = 1000;

const BEGIN: &str = "{\"@context\":\"http://remotestorage.io/spec/folder-description\",\"items\":{";

/// What is in a folder. Its tag is that of a version that was read before what is in it.
pub(super) async fn of(call: &Call, place: &Place, stored: &Stored) -> Answer {
    let items = Items {
        app: Arc::clone(&call.app),
        principal: place.principal.clone(),
        folder: place.key.clone(),
    };
    let body = in_pieces(items, BEGIN.to_owned()).await?;
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    let tag = stored.head().tag().to_entity_tag();
    describe(headers, stored, &tag, &call.site);
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/ld+json"),
    );
    headers.insert(header::CACHE_CONTROL, NO_CACHE);
    Ok(response)
}

struct Items {
    app: Arc<App>,
    principal: Principal,
    folder: Key,
}

impl Pages for Items {
    const END: &'static str = "}}\n";

    async fn push(&self, text: &mut String, after: Option<&str>) -> Outcome<Option<String>> {
        let service = &self.app.service;
        let listed = service.list_folder(&self.principal, &self.folder, after, AT_A_TIME);
        let FolderPage { items, next } = listed.await?;
        for (number, item) in items.iter().enumerate() {
            if after.is_some() || number > 0 {
                text.push(',');
            }
            let tag = item.stored.head().tag().to_entity_tag();
            let mut row = object([("ETag", tag.opaque().into())]);
            let name = match &item.entry {
                Entry::Folder => format!("{}/", item.name),
                Entry::File(facts) => {
                    row.extend(object([
                        ("Content-Type", facts.media_type.as_str().into()),
                        ("Content-Length", facts.size.into()),
                        ("Last-Modified", item.stored.at.to_http_date().into()),
                    ]));
                    item.name.clone()
                }
            };
            text.push_str(&Value::from(name.as_str()).to_text());
            text.push(':');
            text.push_str(&Value::Object(row).to_text());
        }
        Ok(next)
    }
}
