use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use detente_gate::{Algorithm, Claim, FileSource, Jwt, Key, Source, Terms, key_set};
use url::Url;

use super::file::beside;
use super::rights::rights;
use super::section::{Placed, Section};
use crate::published::UrlSource;

/// How far the clock of an issuer may be from ours, at most.
const MAX_LEEWAY_S: usize = 600;

/// Who vouches for tokens that are not of this file.
pub(super) fn jwt(root: &Section<'_>) -> Option<Jwt> {
    let section = root.section("jwt")?;
    let usual = Terms::default();
    let leeway = section.number("leeway_s", 0);
    if leeway.is_some_and(|it| it > MAX_LEEWAY_S) {
        let message = format!("jwt.leeway_s must be at most {MAX_LEEWAY_S}");
        section.mistake(section.span.clone(), message);
    }
    let plain = |text: Placed<String>| text.value.into_boxed_str();
    let terms = Terms {
        issuer: section.text("issuer").map(plain),
        audiences: audiences(&section),
        leeway: leeway.map_or(usual.leeway, |it| Duration::from_secs(it as u64)),
        name: claim(&section, "name_claim").unwrap_or(usual.name),
        roles: claim(&section, "roles_claim").unwrap_or(usual.roles),
        rights: rights(&section),
        rights_claim: claim(&section, "rights_claim"),
        rights_prefix: section
            .text("rights_prefix")
            .map_or_else(|| "".into(), plain),
        spaces_claim: claim(&section, "spaces_claim"),
    };
    let key = key(&section);
    let source = source(&section);
    if section.get("key").is_none() && section.get("jwks").is_none() {
        section.lacks("key or jwks");
    }
    if section.get("rights").is_some() && terms.rights_claim.is_some() {
        let message = "jwt must have either rights or rights_claim, not both";
        section.mistake(section.span.clone(), message);
    }
    section.finish();
    Some(Jwt::new(terms, key.into_iter().collect(), source))
}

/// `audience`, one or several.
fn audiences(section: &Section<'_>) -> Vec<Box<str>> {
    let is_list = section
        .get("audience")
        .is_some_and(|it| it.get_ref().is_array());
    let named: Vec<_> = match is_list {
        true => section
            .texts("audience")
            .map(|it| it.value)
            .unwrap_or_default(),
        false => section.text("audience").into_iter().collect(),
    };
    named.into_iter().map(|it| it.value.into()).collect()
}

fn claim(section: &Section<'_>, key: &'static str) -> Option<Claim> {
    let text = section.text(key)?;
    let claim = text.value.parse::<Claim>();
    if let Err(error) = &claim {
        section.mistake(text.span, error.to_string());
    }
    claim.ok()
}

/// `key`, a file, and `algorithm`, which is the key's.
fn key(section: &Section<'_>) -> Option<Key> {
    let algorithm = section.text("algorithm");
    let Some(path) = section.text("key") else {
        if let Some(algorithm) = algorithm {
            let message = "algorithm belongs to key; the keys of a set say theirs themselves";
            section.mistake(algorithm.span, message);
        }
        return None;
    };
    let Some(name) = algorithm else {
        section.lacks("algorithm");
        return None;
    };
    let Some(algorithm) = Algorithm::from_name(&name.value) else {
        let message = "algorithm must be HS256, RS256, ES256 or EdDSA";
        section.mistake(name.span, message);
        return None;
    };
    let (_, key) = read_file(section, &path, |bytes| {
        Key::read(algorithm, bytes).map_err(|error| error.to_string())
    })?;
    Some(key)
}

/// What a file that a setting names holds, and its path.
fn read_file<T>(
    section: &Section<'_>,
    named: &Placed<String>,
    read: impl FnOnce(&[u8]) -> Result<T, String>,
) -> Option<(PathBuf, T)> {
    let file = beside(section, &named.value);
    let bytes = std::fs::read(&file).map_err(|error| error.to_string());
    match bytes.and_then(|bytes| read(&bytes)) {
        Ok(held) => Some((file, held)),
        Err(error) => {
            let message = format!("{}: {error}", file.display());
            section.mistake(named.span.clone(), message);
            None
        }
    }
}

/// `jwks`: a URL, or a file, which must be there and have a key.
fn source(section: &Section<'_>) -> Option<Arc<dyn Source>> {
    let place = section.text("jwks")?;
    if place.value.contains("://") {
        let url = place.value.parse::<Url>().ok();
        let url = url.filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
        let Some(url) = url else {
            section.mistake(
                place.span,
                "jwks must be a URL such as https://login.example.org/keys, or a file",
            );
            return None;
        };
        if url.scheme() == "http" && !is_of_this_machine(&url) {
            let message = "anybody on the way could replace keys that come by http: use https";
            section.mistake(place.span, message);
            return None;
        }
        return Some(Arc::new(UrlSource::new(url)));
    }
    let (file, _) = read_file(section, &place, |bytes| {
        key_set(bytes).map_err(|error| error.to_string())
    })?;
    Some(Arc::new(FileSource(file)))
}

fn is_of_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
