//! etcd's HTTP gateway, in terms of documents and tags.
//!
//! A document's path is its key, and the revision that wrote it last (`mod_revision`) its tag. A conditional PUT is a
//! transaction that compares that revision, and reads the key where it is another: a refusal that tells what is stored,
//! as Detente's does.

use anyhow::{Context, Result};
use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};

use super::request::Condition;
use super::tag::Tag;

pub(super) const RANGE: &[u8] = b"/v3/kv/range";
pub(super) const TRANSACTION: &[u8] = b"/v3/kv/txn";

/// Asks for the document at a path.
pub(super) fn range(path: &[u8]) -> Vec<u8> {
    let key = BASE64_STANDARD.encode(path);
    format!(r#"{{"key":"{key}"}}"#).into_bytes()
}

/// Writes the document at a path, if its revision is that of the condition.
pub(super) fn transaction(path: &[u8], condition: &Condition<'_>, body: &[u8]) -> Vec<u8> {
    let key = BASE64_STANDARD.encode(path);
    let value = BASE64_STANDARD.encode(body);
    let revision = match condition {
        Condition::Absent => b"0",
        Condition::Match(tag) => tag.as_bytes(),
    };
    let revision = String::from_utf8_lossy(revision);
    let text = format!(
        r#"{{"compare":[{{"key":"{key}","target":"MOD","mod_revision":"{revision}"}}],"success":[{{"request_put":{{"key":"{key}","value":"{value}"}}}}],"failure":[{{"request_range":{{"key":"{key}"}}}}]}}"#
    );
    text.into_bytes()
}

/// What an answer comes to.
pub(super) struct Meaning {
    pub status: u16,
    pub tag: Option<Tag>,
    /// The document of a read, or the refusal of a write.
    pub body: Vec<u8>,
}

/// Reads the answer to a range or a transaction.
///
/// # Errors
///
/// When it is neither.
pub(super) fn read(status: u16, body: &[u8]) -> Result<Meaning> {
    if status != 200 {
        let body = body.to_vec();
        return Ok(Meaning {
            status,
            tag: None,
            body,
        });
    }
    let answer: Value = serde_json::from_slice(body)?;
    if answer["succeeded"] == true {
        let revision = answer["header"]["revision"].as_str();
        return Ok(Meaning {
            status: 200,
            tag: Some(Tag::new(revision.context("no revision")?.as_bytes())?),
            body: Vec::new(),
        });
    }
    // Of a transaction that compared in vain, what it read; of a range, the answer itself.
    let refused = &answer["responses"][0]["response_range"];
    let found = &answer["kvs"][0];
    if refused.is_object() {
        let stored = &refused["kvs"][0];
        let current = stored.is_object().then(|| document(stored)).transpose()?;
        let current: Option<Value> = current.map(|it| serde_json::from_slice(&it)).transpose()?;
        let problem = json!({ "current": current, "current_etag": stored["mod_revision"] });
        return Ok(Meaning {
            status: 409,
            tag: None,
            body: problem.to_string().into_bytes(),
        });
    }
    if !found.is_object() {
        return Ok(Meaning {
            status: 404,
            tag: None,
            body: Vec::new(),
        });
    }
    let revision = found["mod_revision"].as_str().context("no revision")?;
    Ok(Meaning {
        status: 200,
        tag: Some(Tag::new(revision.as_bytes())?),
        body: document(found)?,
    })
}

fn document(stored: &Value) -> Result<Vec<u8>> {
    let value = stored["value"].as_str().context("no value")?;
    Ok(BASE64_STANDARD.decode(value)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_compares_the_revision_it_knows() {
        let tag = Tag::new(b"17").expect("it is short");
        for (condition, revision) in [(Condition::Absent, "0"), (Condition::Match(&tag), "17")] {
            let text = transaction(b"/p", &condition, b"{}");
            let sent: Value = serde_json::from_slice(&text).expect("it is JSON");
            assert_eq!(sent["compare"][0]["mod_revision"], revision);
            assert_eq!(sent["success"][0]["request_put"]["value"], "e30=");
        }
    }

    #[test]
    fn answers_are_told_apart() {
        let written =
            br#"{"header":{"revision":"4"},"succeeded":true,"responses":[{"response_put":{}}]}"#;
        let refused = br#"{"header":{"revision":"9"},"responses":[{"response_range":{"kvs":[
            {"key":"L3A=","mod_revision":"8","value":"eyJuIjo3fQ=="}]}}]}"#;
        let gone = br#"{"header":{"revision":"9"},"responses":[{"response_range":{"header":{}}}]}"#;
        let found = br#"{"header":{"revision":"9"},"kvs":[{"mod_revision":"8","value":"e30="}],"count":"1"}"#;
        let absent = br#"{"header":{"revision":"9"}}"#;
        let cases = [
            (&written[..], 200, "4", ""),
            (
                refused,
                409,
                "",
                r#"{"current":{"n":7},"current_etag":"8"}"#,
            ),
            (gone, 409, "", r#"{"current":null,"current_etag":null}"#),
            (found, 200, "8", "{}"),
            (absent, 404, "", ""),
        ];
        for (answer, status, tag, body) in cases {
            let meaning = read(200, answer).expect("it is an answer");
            let told = meaning.tag.as_ref().map_or(&b""[..], Tag::as_bytes);
            assert_eq!(meaning.status, status, "{}", answer.escape_ascii());
            assert_eq!((told, &meaning.body[..]), (tag.as_bytes(), body.as_bytes()));
        }
        assert_eq!(read(503, b"no leader").expect("any body").status, 503);
    }
}
