use axum::http::header;
use detente_core::{Key, ROOT};

use crate::call::Call;
use crate::problem::Problem;
use crate::resource::{DEFAULT_SPACE, push_path, space_prefix};
use crate::segment::decode_segment;

/// The path of a file or a folder in this face; that of a folder ends with a slash.
pub(super) fn push_path_of(out: &mut String, key: &Key, is_folder: bool) {
    out.push_str(&space_prefix(key.space()));
    out.push_str("/dav");
    match key.id() {
        ROOT => out.push('/'),
        path => {
            push_path(out, path);
            if is_folder {
                out.push('/');
            }
        }
    }
}

/// The file that a URL of this server names, whole or from its path on.
pub(super) fn file_of(call: &Call, url: &str) -> Option<Key> {
    let path = match url.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let is_http = ["http", "https"]
                .iter()
                .any(|it| scheme.eq_ignore_ascii_case(it));
            if !is_http || !is_own(call, authority) {
                return None;
            }
            path
        }
        None => url,
    };
    let prefix = call.site.prefix();
    let path = path
        .strip_prefix(prefix)
        .filter(|it| it.starts_with('/'))
        .unwrap_or(path);
    let (space, path) = match path.strip_prefix("/spaces/") {
        Some(rest) => {
            let (space, rest) = rest.split_once('/')?;
            (decode_segment(space)?, rest)
        }
        None => (DEFAULT_SPACE.into(), path.strip_prefix('/')?),
    };
    let path = match path.strip_prefix("dav")? {
        "" => "",
        rest => rest.strip_prefix('/')?,
    };
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Key::file(&space, ROOT).ok();
    }
    let names = path.split('/').map(decode_segment);
    let names: Vec<_> = names.collect::<Option<_>>()?;
    // What is a slash once it is decoded would be another path.
    if names.iter().any(|name| name.contains('/')) {
        return None;
    }
    Key::file(&space, &names.join("/")).ok()
}

/// Whether a host, perhaps with a port, is this server's for the client.
fn is_own(call: &Call, authority: &str) -> bool {
    let parts = &call.inbound.parts;
    let host = parts
        .headers
        .get(header::HOST)
        .and_then(|it| it.to_str().ok());
    let asked = parts.uri.authority().map(|it| it.as_str());
    let own = [host, asked, call.site.host()];
    own.iter()
        .flatten()
        .any(|it| it.eq_ignore_ascii_case(authority))
}

/// Where a file of a space is to be.
pub(super) fn destination(call: &Call, space: &str) -> Result<Key, Problem> {
    let mistake = |detail: &str| Problem::malformed(detail).with("header", "Destination");
    let value = call.inbound.headers().get("destination");
    let value = value.ok_or_else(|| mistake("Destination must say where it is to be."))?;
    let url = value.to_str().unwrap_or_default();
    let key = file_of(call, url).ok_or_else(|| {
        mistake("Destination must be the URL of a file or a folder of this server, under /dav.")
    })?;
    match key.space() == space {
        true => Ok(key),
        false => Err(mistake(
            "Destination must be in the space of what is moved or copied.",
        )),
    }
}
