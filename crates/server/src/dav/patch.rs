use axum::http::StatusCode;
use roxmltree::Node;

use super::property::{is_live, push_href};
use super::xml::{Name, child, is_dav, parse, text_in, whole};
use super::{of_what_is_there, terms, told, xml_response};
use crate::call::{Answer, Call};
use crate::file::Target;
use crate::problem::Problem;

/// Sets properties of a file or a folder, and takes them away: all of them, or none.
pub(crate) async fn patch(call: &mut Call) -> Answer {
    let Target { key, means_folder } = Target::of(call)?;
    let body = call.inbound.read().await?;
    let changes = changes(&body)?;
    let is_refused = changes.iter().any(|(name, _)| is_live(name));
    let mut text = "<D:multistatus xmlns:D=\"DAV:\"><D:response>".to_owned();
    push_href(&mut text, call.site.prefix(), &key, means_folder);
    if is_refused {
        push_status(&mut text, &changes, is_live, "403 Forbidden", PROTECTED);
        let others = |name: &Name| !is_live(name);
        push_status(&mut text, &changes, others, "424 Failed Dependency", "");
    } else {
        let terms = of_what_is_there(terms(call)?);
        let wanted: Vec<_> = changes
            .iter()
            .map(|(name, text)| (name.to_key(), text.clone()))
            .collect();
        let service = &call.app.service;
        let set = service.set_properties(&call.principal, &key, &terms, &wanted);
        if let Err(refused) = set.await {
            return Err(told(call, refused.into(), &[&key]));
        }
        push_status(&mut text, &changes, |_| true, "200 OK", "");
    }
    text.push_str("</D:response></D:multistatus>");
    Ok(xml_response(StatusCode::MULTI_STATUS, text.into(), None))
}

const PROTECTED: &str = "<D:error><D:cannot-modify-protected-property/></D:error>";

fn push_status(
    out: &mut String,
    changes: &[(Name, Option<String>)],
    which: impl Fn(&Name) -> bool,
    status: &str,
    error: &str,
) {
    let mut names: Vec<_> = changes.iter().map(|(name, _)| name).collect();
    names.sort();
    names.dedup();
    names.retain(|name| which(name));
    if names.is_empty() {
        return;
    }
    out.push_str("<D:propstat><D:prop>");
    names.iter().for_each(|name| name.push_empty(out));
    out.push_str(&format!(
        "</D:prop><D:status>HTTP/1.1 {status}</D:status>{error}</D:propstat>"
    ));
}

/// What a body wants changed, in its order; `None`: the property goes.
fn changes(body: &[u8]) -> Result<Vec<(Name, Option<String>)>, Problem> {
    let mistake = || {
        Problem::malformed(
            "The body must be a propertyupdate element with set and remove elements in it, and a prop element in each.",
        )
    };
    let document = parse(text_in(body)?)?;
    let root = document.root_element();
    if !is_dav(root, "propertyupdate") {
        return Err(mistake());
    }
    let mut changes = Vec::new();
    for step in root.children().filter(Node::is_element) {
        let sets = is_dav(step, "set");
        if !sets && !is_dav(step, "remove") {
            continue;
        }
        let prop = child(step, "prop").ok_or_else(mistake)?;
        for property in prop.children().filter(Node::is_element) {
            changes.push((Name::of(property), sets.then(|| whole(property))));
        }
    }
    match changes.is_empty() {
        true => Err(mistake()),
        false => Ok(changes),
    }
}
