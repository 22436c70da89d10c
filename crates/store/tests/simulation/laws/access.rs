use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use detente_core::json::{Value, parse};
use detente_core::{Key, Kind, Seq, Stored};

use crate::access::denied;
use crate::answer::Version;

/// No version was written by somebody who must not have written it on the version before it: of
/// all that the log has, and all that it ever had.
pub(super) fn check(
    log: &[Arc<Stored>],
    written: &BTreeMap<Seq, (Key, Version)>,
) -> Result<(), String> {
    let told = written.iter().map(|(seq, (key, version))| {
        let body = version.body.as_ref();
        (*seq, (key, &*version.by, body))
    });
    let stored = log.iter().map(|stored| {
        let body = (stored.kind == Kind::Document).then_some(&stored.body);
        (stored.seq, (&stored.key, &*stored.by, body))
    });
    let all: BTreeMap<Seq, (&Key, &str, Option<&Bytes>)> = told.chain(stored).collect();
    let mut newest: BTreeMap<&Key, Value> = BTreeMap::new();
    for (seq, (key, by, body)) in all {
        let new = body.map(|body| parse(body)).transpose();
        let new = new.map_err(|error| format!("{seq} is no document: {error}"))?;
        let old = newest.remove(key);
        if let Some(deed) = denied(key, by, old.as_ref(), new.as_ref()) {
            return Err(format!(
                "{by} wrote {key:?} at {seq}, which is forbidden: {deed:?}"
            ));
        }
        newest.extend(new.map(|new| (key, new)));
    }
    Ok(())
}
