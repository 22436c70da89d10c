use std::sync::Arc;

use axum::http::StatusCode;
use detente_core::{Key, Preconditions, ROOT};
use detente_service::{Entry, FolderPage, Outcome, Principal, Properties, What};

use super::property::{Reader, Subject, Wanted};
use super::xml::{Name, child, is_dav, parse, text_in};
use super::{Depth, bare_error, depth, xml_response};
use crate::app::App;
use crate::call::{Answer, Call};
use crate::file::Target;
use crate::file::pages::{Pages, in_pieces};
use crate::problem::Problem;

/// How many rows are read and sent at a time.
const AT_A_TIME: usize = 1000;

const BEGIN: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:multistatus xmlns:D=\"DAV:\">";
const END: &str = "</D:multistatus>\n";

/// The properties of a file or a folder, and of what is in it.
pub(crate) async fn find(call: &mut Call) -> Answer {
    let Target { key, means_folder } = Target::of(call)?;
    let depth = depth(call.inbound.headers())?.unwrap_or(Depth::Infinity);
    let body = call.inbound.read().await?;
    let wanted = wanted(&body)?;
    let reader = reader(call);
    let service = &call.app.service;
    let mut text = BEGIN.to_owned();
    let unconditional = Preconditions::default();
    let read = service.read(&call.principal, &key, &unconditional).await;
    let entry = match read {
        Ok(read) => {
            let entry = Entry::of(&read.stored)?;
            let properties = Properties::of(&read.stored);
            let subject = Subject {
                key: &key,
                stored: Some(&read.stored),
                entry: &entry,
                properties: &properties,
                locks: service.locks_over(&key),
            };
            subject.push_response(&mut text, &wanted, &reader);
            entry
        }
        // It is there as soon as anything is in it.
        Err(refused) if key.id() == ROOT && matches!(refused.what, What::Missing) => {
            let subject = Subject {
                key: &key,
                stored: None,
                entry: &Entry::Folder,
                properties: &Properties::default(),
                locks: Vec::new(),
            };
            subject.push_response(&mut text, &wanted, &reader);
            Entry::Folder
        }
        Err(refused) => return Err(refused.into()),
    };
    let is_folder = matches!(entry, Entry::Folder);
    if means_folder && !is_folder {
        let detail = format!("{:?} is a file, and not a folder.", key.id());
        return Err(Problem::not_found(detail).into());
    }
    match depth {
        Depth::Infinity if is_folder => {
            // Section 9.1.1 lets a server refuse what would be all that it has.
            let detail = "PROPFIND with Depth 0 or 1 shows a folder; one with infinity would show all that is below.";
            Ok(bare_error(
                StatusCode::FORBIDDEN,
                "propfind-finite-depth",
                detail,
            ))
        }
        Depth::One if is_folder => {
            let rows = Rows {
                app: Arc::clone(&call.app),
                principal: call.principal.clone(),
                folder: key,
                wanted,
                reader,
            };
            let body = in_pieces(rows, text).await?;
            Ok(xml_response(StatusCode::MULTI_STATUS, body, None))
        }
        _ => {
            text.push_str(END);
            Ok(xml_response(StatusCode::MULTI_STATUS, text.into(), None))
        }
    }
}

pub(super) fn reader(call: &Call) -> Reader {
    Reader {
        prefix: call.site.prefix().to_owned(),
        name: Arc::clone(&call.principal.name),
        now: call.app.service.writer().time().now,
    }
}

/// What is in a folder, page by page.
struct Rows {
    app: Arc<App>,
    principal: Principal,
    folder: Key,
    wanted: Wanted,
    reader: Reader,
}

impl Pages for Rows {
    const END: &'static str = END;

    async fn push(&self, text: &mut String, after: Option<&str>) -> Outcome<Option<String>> {
        let service = &self.app.service;
        let listed = service.list_folder(&self.principal, &self.folder, after, AT_A_TIME);
        let FolderPage { items, next } = listed.await?;
        let around = service.locks_of_inside(&self.folder);
        for item in &items {
            let mut locks = around.clone();
            let own = service.own_lock(&item.stored.key);
            locks.extend(own.map(|lock| (item.stored.key.clone(), lock)));
            let subject = Subject {
                key: &item.stored.key,
                stored: Some(&item.stored),
                entry: &item.entry,
                properties: &item.properties,
                locks,
            };
            subject.push_response(text, &self.wanted, &self.reader);
        }
        Ok(next)
    }
}

/// What a body asks for; without one, all.
fn wanted(body: &[u8]) -> Result<Wanted, Problem> {
    if body.is_empty() {
        return Ok(Wanted::All);
    }
    let document = parse(text_in(body)?)?;
    let root = document.root_element();
    let mistake = || {
        Problem::malformed(
            "The body must be a propfind element with prop, propname or allprop in it.",
        )
    };
    if !is_dav(root, "propfind") {
        return Err(mistake());
    }
    if let Some(prop) = child(root, "prop") {
        let names = prop.children().filter(|it| it.is_element()).map(Name::of);
        return Ok(Wanted::Some(names.collect()));
    }
    if child(root, "propname").is_some() {
        return Ok(Wanted::Names);
    }
    match child(root, "allprop") {
        Some(_) => Ok(Wanted::All),
        None => Err(mistake()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_read() {
        let body = |inner: &str| format!("<propfind xmlns=\"DAV:\">{inner}</propfind>");
        let read = |inner: &str| wanted(body(inner).as_bytes()).unwrap();
        assert_eq!(wanted(b"").unwrap(), Wanted::All);
        assert_eq!(
            read("<allprop/><include><x xmlns=\"u\"/></include>"),
            Wanted::All
        );
        assert_eq!(read("<propname/>"), Wanted::Names);
        let both = read("<prop><getetag/><x xmlns=\"u\"/></prop>");
        let [etag, x] = [("DAV:", "getetag"), ("u", "x")].map(|(namespace, local)| Name {
            namespace: namespace.into(),
            local: local.into(),
        });
        assert_eq!(both, Wanted::Some(vec![etag, x]));
        for other in [
            body(""),
            "<a/>".into(),
            "<propfind><prop/></propfind>".into(),
            "<".into(),
        ] {
            assert!(wanted(other.as_bytes()).is_err(), "{other}");
        }
    }
}
