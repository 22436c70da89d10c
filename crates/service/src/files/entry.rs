use std::ops::Range;
use std::str::FromStr;

use base64::prelude::{BASE64_STANDARD, Engine};
use bytes::Bytes;
use detente_blobs::ContentHash;
use detente_core::json::{Value, object};
use detente_core::{Kind, Stored};

use super::content::Content;
use super::properties::{PROPERTIES, Properties};
use crate::Outcome;
use crate::explanation::What;

/// What there is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    Folder,
    File(FileFacts),
}

/// What is known of a file without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// As it was sent (RFC 9110, section 8.3).
    pub media_type: String,
    /// In bytes.
    pub size: u64,
    pub hash: ContentHash,
}

/// The member that has a small content, in Base64.
pub(super) const CONTENT: &str = "content";

impl Entry {
    /// What a version says that is no tombstone.
    ///
    /// # Errors
    ///
    /// [`What::Failed`] if it is no entry.
    pub fn of(stored: &Stored) -> Outcome<Self> {
        let document = facts_of(stored);
        let entry = document.as_ref().and_then(Self::read);
        entry.ok_or_else(|| Self::unreadable(stored).into())
    }

    pub(super) fn unreadable(stored: &Stored) -> What {
        What::failed(format!("{:?} is no file", stored.key))
    }

    /// What a document says; `None` if it is no entry.
    pub fn read(document: &Value) -> Option<Self> {
        let text = |name: &str| document.get(name).and_then(Value::as_str);
        match text("kind")? {
            "folder" => Some(Self::Folder),
            "file" => Some(Self::File(FileFacts {
                media_type: text("type")?.to_owned(),
                size: match document.get("size")? {
                    Value::Number(number) => number.as_str().parse().ok()?,
                    _ => return None,
                },
                hash: ContentHash::from_str(text("sha256")?).ok()?,
            })),
            _ => None,
        }
    }

    /// What it says of a file; `None` of a folder.
    pub fn file(&self) -> Option<&FileFacts> {
        match self {
            Self::File(facts) => Some(facts),
            Self::Folder => None,
        }
    }

    /// One word for it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::File(_) => "file",
        }
    }
}

/// The text of a folder.
pub(super) fn folder(properties: &Properties) -> Bytes {
    let mut members = object([("kind", "folder".into())]);
    members.extend(properties.member().map(|it| (PROPERTIES.into(), it)));
    Value::Object(members).to_text().into()
}

/// The text of a file.
pub(super) fn file(facts: &FileFacts, content: &Content, properties: &Properties) -> Bytes {
    let mut members = object([
        ("kind", "file".into()),
        ("type", facts.media_type.as_str().into()),
        ("size", facts.size.into()),
        ("sha256", facts.hash.to_string().into()),
    ]);
    if let Content::Here(bytes) = content {
        members.extend(object([(CONTENT, BASE64_STANDARD.encode(bytes).into())]));
    }
    members.extend(properties.member().map(|it| (PROPERTIES.into(), it)));
    Value::Object(members).to_text().into()
}

/// What a version says beside its content, and where in its text that is. Most of a text is its content, which need not
/// be looked into to know the rest. `None`: it has none, or somebody else wrote the text.
fn parted(body: &[u8]) -> Option<(Value, Range<usize>)> {
    const BEFORE: &[u8] = b",\"content\":\"";
    /// How long what is in front of a content is at most.
    const FRONT: usize = 1024;
    let start = &body[..body.len().min(FRONT)];
    let at = start.windows(BEFORE.len()).position(|it| it == BEFORE)?;
    let (front, from) = (start.get(1..at)?, at + BEFORE.len());
    // Within another member it would be no content.
    if front.contains(&b'{') {
        return None;
    }
    let with = |back: &[u8]| detente_core::json::parse(&[&body[..at], back].concat()).ok();
    let alone = with(b"}")?;
    let Entry::File(facts) = Entry::read(&alone)? else {
        return None;
    };
    let length = usize::try_from(facts.size).ok()?.div_ceil(3) * 4;
    match body.get(from + length..)?.strip_prefix(b"\"")? {
        b"}" => Some((alone, from..from + length)),
        back => Some((with(back)?, from..from + length)),
    }
}

/// What a version says, without its content where that is quicker.
pub(super) fn facts_of(stored: &Stored) -> Option<Value> {
    if stored.kind == Kind::Tombstone {
        return None;
    }
    match parted(&stored.body) {
        Some((facts, _)) => Some(facts),
        None => stored.document(),
    }
}

/// The content of a file, where its version has it.
pub(super) fn content(stored: &Stored) -> Option<Bytes> {
    let parted = parted(&stored.body);
    let decoded = parted.and_then(|(_, place)| BASE64_STANDARD.decode(&stored.body[place]).ok());
    decoded
        .map(Bytes::from)
        .or_else(|| content_in(&stored.document()?))
}

/// The same, of its document.
pub(super) fn content_in(document: &Value) -> Option<Bytes> {
    let text = document.get(CONTENT)?.as_str()?;
    Some(BASE64_STANDARD.decode(text).ok()?.into())
}

/// The text of a version without a content in it.
pub(super) fn without_content(body: &Bytes) -> Bytes {
    let Ok(Value::Object(members)) = detente_core::json::parse(body) else {
        return body.clone();
    };
    let kept = members.into_iter().filter(|(name, _)| name != CONTENT);
    Value::Object(kept.collect()).to_text().into()
}

#[cfg(test)]
mod tests {
    use detente_core::{Digest, Key, Moment};

    use super::*;

    fn stored(body: Bytes) -> Stored {
        Stored {
            seq: 1,
            key: Key::file("s", "a").unwrap(),
            version: 1,
            prev: None,
            base: None,
            by: "ann".into(),
            at: Moment(0),
            kind: Kind::Document,
            digest: Digest::of(&body),
            body,
        }
    }

    #[test]
    fn an_entry_is_read_as_it_is_written() {
        let facts = FileFacts {
            media_type: "text/plain; charset=\"utf-8\"".into(),
            size: 3,
            hash: ContentHash::of(b"abc"),
        };
        let none = Properties::default();
        let here = stored(file(
            &facts,
            &Content::Here(Bytes::from_static(b"abc")),
            &none,
        ));
        assert_eq!(Entry::of(&here).unwrap(), Entry::File(facts.clone()));
        assert_eq!(content(&here).unwrap(), "abc");
        // As others would write it.
        let text = here.text();
        let hash = facts.hash;
        for other in [
            text.replace(':', ": "),
            format!(
                r#"{{"content":"YWJj","kind":"file","type":"a/b","size":3,"sha256":"{hash}"}}"#
            ),
            format!(
                r#"{{"kind":"file","content":"YWJ\u006a","type":"a/b","size":3,"sha256":"{hash}"}}"#
            ),
            format!(
                r#"{{"kind":"file","type":"a/{{","content":"YWJj","size":3,"sha256":"{hash}"}}"#
            ),
        ] {
            let other = stored(other.into());
            assert_eq!(content(&other).unwrap(), "abc", "{other:?}");
            assert_eq!(Entry::of(&other).unwrap().file().unwrap().hash, hash);
        }
        let nested = format!(
            r#"{{"kind":"file","type":"a/b","size":3,"sha256":"{hash}","properties":{{"a":"b","content":"YWJj"}}}}"#
        );
        assert_eq!(content(&stored(nested.into())), None);
        let elsewhere = stored(file(&facts, &Content::Elsewhere, &none));
        assert_eq!(Entry::of(&elsewhere).unwrap(), Entry::File(facts));
        assert_eq!(content(&elsewhere), None);
        assert_eq!(without_content(&here.body), elsewhere.body);
        assert_eq!(Entry::of(&stored(folder(&none))).unwrap(), Entry::Folder);
        for other in ["{}", r#"{"kind":"link"}"#, r#"{"kind":"file","size":3}"#] {
            assert!(Entry::of(&stored(other.into())).is_err(), "{other}");
        }
    }
}
