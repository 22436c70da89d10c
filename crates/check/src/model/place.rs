use serde_json::Value;
use url::Url;

use super::{Exchange, leaves};

/// Where a creation says that the new resource is: by `Location`, a link to itself, or its id.
pub(crate) fn created_at(exchange: &Exchange, collection: &Url) -> Option<Url> {
    if !exchange.is_accepted() {
        return None;
    }
    let response = exchange.response()?;
    if let Some(location) = response.header("location") {
        return collection.join(location).ok();
    }
    place_of(&response.json()?, collection)
}

/// The resources that a list holds, with where they are; none if it does not say.
pub(crate) fn listed(document: &Value, collection: &Url) -> Vec<(Url, Value)> {
    let rows = match document {
        Value::Array(rows) => rows,
        Value::Object(members) => {
            match members.values().find_map(|member| match member {
                Value::Array(rows) => Some(rows),
                Value::Object(inner) => inner.values().find_map(Value::as_array),
                _ => None,
            }) {
                Some(rows) => rows,
                None => return Vec::new(),
            }
        }
        _ => return Vec::new(),
    };
    rows.iter()
        .filter_map(|row| Some((place_of(row, collection)?, row.clone())))
        .collect()
}

/// Where a document says that it is: by a link to itself, or its id.
fn place_of(document: &Value, collection: &Url) -> Option<Url> {
    for link in ["/_links/self/href", "/links/self", "/self", "/href"] {
        if let Some(Value::String(link)) = document.pointer(link) {
            return collection.join(link).ok();
        }
    }
    let id = leaves(document)
        .into_iter()
        .find(|(pointer, _)| matches!(pointer.rsplit('/').next(), Some("id" | "_id")))?
        .1;
    let id = match id {
        Value::String(id) => id.clone(),
        Value::Number(id) => id.to_string(),
        _ => return None,
    };
    let mut url = collection.clone();
    url.path_segments_mut().ok()?.pop_if_empty().push(&id);
    Some(url)
}
