//! Many writes in one request.

use anyhow::{Result, ensure};
use serde::Deserialize;

use super::tag::Tag;

/// How many documents a batch writes.
pub(crate) const BATCH: usize = 100;

/// The body of a batch, as it is built.
pub(crate) struct Batch(Vec<u8>);

impl Batch {
    pub(crate) fn new() -> Batch {
        Batch(b"{\"operations\":[".to_vec())
    }

    /// Adds a PUT; `body` is JSON.
    pub(crate) fn put(&mut self, path: &[u8], tag: &Tag, body: &[u8]) {
        if self.0.last() != Some(&b'[') {
            self.0.push(b',');
        }
        self.0.extend_from_slice(b"{\"method\":\"PUT\",\"path\":\"");
        self.0.extend_from_slice(path);
        self.0.extend_from_slice(b"\",\"headers\":{\"If-Match\":\"");
        // Of what a tag has, only the quotes need an escape.
        for byte in tag.as_bytes() {
            if *byte == b'"' {
                self.0.push(b'\\');
            }
            self.0.push(*byte);
        }
        self.0.extend_from_slice(b"\"},\"body\":");
        self.0.extend_from_slice(body);
        self.0.push(b'}');
    }

    pub(crate) fn end(mut self) -> Vec<u8> {
        self.0.extend_from_slice(b"]}");
        self.0
    }

    /// The tags that a performed batch tells, in the order of its operations.
    ///
    /// # Errors
    ///
    /// When an operation was not performed, or tells none.
    pub(crate) fn tags(answer: &[u8]) -> Result<Vec<Tag>> {
        let Answer { results } = serde_json::from_slice(answer)?;
        let tag = |it: OfOne| {
            ensure!(
                matches!(it.status, 200 | 201),
                "an operation was answered {}",
                it.status
            );
            Tag::new(it.headers.etag.as_bytes())
        };
        results.into_iter().map(tag).collect()
    }
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<OfOne>,
}

#[derive(Deserialize)]
struct OfOne {
    status: u16,
    headers: Fields,
}

#[derive(Deserialize)]
struct Fields {
    etag: String,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_batch_is_json_and_its_answer_has_the_tags() {
        let tag = Tag::new(b"\"1-a\"").expect("it is short");
        let mut batch = Batch::new();
        batch.put(b"/api/bench/1", &tag, b"{}");
        batch.put(b"/api/bench/2", &tag, b"{\"a\":1}");
        let batch: Value = serde_json::from_slice(&batch.end()).expect("it is JSON");
        assert_eq!(batch["operations"][1]["headers"]["If-Match"], "\"1-a\"");
        assert_eq!(batch["operations"][1]["body"], json!({"a": 1}));
        let answer =
            json!({"results": [{"status": 200, "headers": {"etag": "\"2-b\""}, "body": {}}]});
        let tags = Batch::tags(answer.to_string().as_bytes()).expect("all were performed");
        assert_eq!(tags[0].as_bytes(), b"\"2-b\"");
        let refused = json!({"results": [{"status": 409, "headers": {"etag": "\"2-b\""}}]});
        assert!(Batch::tags(refused.to_string().as_bytes()).is_err());
    }
}
