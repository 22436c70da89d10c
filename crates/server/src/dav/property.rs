use std::sync::Arc;

use detente_core::{Key, Lock, Moment, Stored};
use detente_service::{Entry, Properties};

use super::place::push_path_of;
use super::xml::{DAV, Name, push_text, text_of};

/// What a request wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All that is kept, and all of these.
    All,
    /// Which there are.
    Names,
    Some(Vec<Name>),
}

/// A file or a folder, as far as it is known.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    pub(super) key: &'a Key,
    /// `None` of a root that nothing was put in yet.
    pub(super) stored: Option<&'a Stored>,
    pub(super) entry: &'a Entry,
    pub(super) properties: &'a Properties,
    /// The locks that it is under, with what each is the lock of.
    pub(super) locks: Vec<(Key, Arc<Lock>)>,
}

/// What the answer is for.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    /// What paths begin with.
    pub(super) prefix: String,
    pub(super) name: Arc<str>,
    pub(super) now: Moment,
}

/// The properties that this server alone says (RFC 4918, section 15).
const LIVE: [&str; 7] = [
    "resourcetype",
    "getetag",
    "getlastmodified",
    "getcontentlength",
    "getcontenttype",
    "supportedlock",
    "lockdiscovery",
];

/// The locks that there are.
const SUPPORTED: &str = "<D:lockentry><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype>\
    </D:lockentry><D:lockentry><D:lockscope><D:shared/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>";

/// Whether nobody but this server sets a property.
pub(super) fn is_live(name: &Name) -> bool {
    name.namespace == DAV && (LIVE.contains(&name.local.as_str()) || name.local == "creationdate")
}

impl Subject<'_> {
    /// One row of a multistatus.
    pub(super) fn push_response(&self, out: &mut String, wanted: &Wanted, reader: &Reader) {
        out.push_str("<D:response>");
        let is_folder = matches!(self.entry, Entry::Folder);
        push_href(out, &reader.prefix, self.key, is_folder);
        let mut missing = Vec::new();
        out.push_str("<D:propstat><D:prop>");
        match wanted {
            Wanted::All => {
                for name in LIVE {
                    self.push_live(out, name, reader);
                }
                self.properties
                    .0
                    .values()
                    .for_each(|text| out.push_str(text));
            }
            Wanted::Names => {
                let has = |name: &&&str| self.live(name, reader).is_some();
                LIVE.iter()
                    .filter(has)
                    .for_each(|name| Name::dav(name).push_empty(out));
                let names = self.properties.0.keys();
                let names = names.filter_map(|key| Name::from_key(key));
                names.for_each(|name| name.push_empty(out));
            }
            Wanted::Some(names) => {
                for name in names {
                    let is_there = match self.properties.0.get(&name.to_key()) {
                        Some(text) => {
                            out.push_str(text);
                            true
                        }
                        None => name.namespace == DAV && self.push_live(out, &name.local, reader),
                    };
                    if !is_there {
                        missing.push(name);
                    }
                }
            }
        }
        out.push_str("</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>");
        if !missing.is_empty() {
            out.push_str("<D:propstat><D:prop>");
            missing.iter().for_each(|name| name.push_empty(out));
            out.push_str("</D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>");
        }
        out.push_str("</D:response>");
    }

    /// Whether there is such a property.
    fn push_live(&self, out: &mut String, local: &str, reader: &Reader) -> bool {
        let Some(value) = self.live(local, reader) else {
            return false;
        };
        out.push_str("<D:");
        out.push_str(local);
        out.push('>');
        out.push_str(&value);
        out.push_str("</D:");
        out.push_str(local);
        out.push('>');
        true
    }

    fn live(&self, local: &str, reader: &Reader) -> Option<String> {
        let facts = self.entry.file();
        Some(match local {
            "resourcetype" => match facts {
                None => "<D:collection/>".to_owned(),
                Some(_) => String::new(),
            },
            "getetag" => text(&self.stored?.head().tag().to_entity_tag().to_field()),
            "getlastmodified" => self.stored?.at.to_http_date(),
            "getcontentlength" => facts?.size.to_string(),
            "getcontenttype" => text(&facts?.media_type),
            "supportedlock" => SUPPORTED.to_owned(),
            "lockdiscovery" => discovery(&self.locks, reader),
            _ => return None,
        })
    }
}

fn text(plain: &str) -> String {
    let mut out = String::with_capacity(plain.len());
    push_text(&mut out, plain);
    out
}

/// The locks that something is under (RFC 4918, section 15.8). Tokens are told to those who took them.
pub(super) fn discovery(locks: &[(Key, Arc<Lock>)], reader: &Reader) -> String {
    let mut out = String::new();
    for (root, lock) in locks {
        for holder in lock.holders() {
            push_active(&mut out, root, holder, reader);
        }
    }
    out
}

fn push_active(out: &mut String, root: &Key, lock: &Lock, reader: &Reader) {
    let scope = match lock.sharers {
        Some(_) => "shared",
        None => "exclusive",
    };
    let depth = match lock.is_deep {
        true => "infinity",
        false => "0",
    };
    let left = lock.expires_at.0.saturating_sub(reader.now.0);
    let seconds = left.div_ceil(1000);
    out.push_str(&format!(
        "<D:activelock><D:lockscope><D:{scope}/></D:lockscope><D:locktype><D:write/></D:locktype><D:depth>{depth}</D:depth>"
    ));
    if !lock.owner.is_empty() {
        out.push_str("<D:owner>");
        match text_of(&lock.owner) {
            Some(_) => out.push_str(&lock.owner),
            None => push_text(out, &lock.owner),
        }
        out.push_str("</D:owner>");
    }
    out.push_str(&format!("<D:timeout>Second-{seconds}</D:timeout>"));
    if lock.by == reader.name {
        out.push_str("<D:locktoken><D:href>");
        push_text(out, &lock.token);
        out.push_str("</D:href></D:locktoken>");
    }
    out.push_str("<D:lockroot>");
    push_href(out, &reader.prefix, root, false);
    out.push_str("</D:lockroot></D:activelock>");
}

/// Where something is.
pub(super) fn push_href(out: &mut String, prefix: &str, key: &Key, is_folder: bool) {
    out.push_str("<D:href>");
    out.push_str(prefix);
    push_path_of(out, key, is_folder);
    out.push_str("</D:href>");
}
