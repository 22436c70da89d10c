//! Edits a document together with other clients, and has the server merge.

use std::fmt::Write;
use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::body::{BODY_BYTES, DIGITS, write_digits};
use super::client::Client;
use super::connection::Connection;
use super::load::Outcome;
use super::request::{Condition, Requests};
use super::tag::Tag;

/// Where counting begins, so that a count has as many digits from its first to its last.
const ORIGIN: u32 = 1_000_000_000;

/// The strategies that the documents of [`SharedClient`] are made for, as a configuration of Detente.
pub(crate) const STRATEGIES: &str = r#"
undeclared_collections = "allow"

[collections.bench-shared.merge]
"/count" = "counter"
"/set" = "set"
"#;

/// What a client changes in the document, again and again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Edit {
    /// Adds one to the count, as all clients do.
    Counter,
    /// Puts an element into the set, and takes out the older of its two, so that the set does not grow.
    Set,
    /// Changes the member that is its own.
    Member,
}

impl Edit {
    pub(crate) const ALL: [Edit; 3] = [Edit::Counter, Edit::Set, Edit::Member];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Edit::Counter => "counter",
            Edit::Set => "set",
            Edit::Member => "own member",
        }
    }

    /// What stands before a client's digits in the document; a counter is everybody's.
    fn marker(self, number: usize) -> String {
        match self {
            Edit::Counter => r#""count":"#.to_owned(),
            Edit::Set => format!(r#""{number:02}-"#),
            Edit::Member => format!(r#""{number:02}":""#),
        }
    }

    fn path(self) -> &'static [u8] {
        match self {
            Edit::Counter => b"/api/bench-shared/counter",
            Edit::Set => b"/api/bench-shared/set",
            Edit::Member => b"/api/bench-shared/member",
        }
    }

    /// The document, of 1 KiB if the clients are few, after each of them has made so many edits.
    fn document(self, edits: &[u32]) -> String {
        let of = |edit: Edit, edits: u32| if edit == self { edits } else { 0 };
        let count = ORIGIN + of(Edit::Counter, edits.iter().sum());
        let mut text = format!(r#"{{"count":{count},"set":["#);
        let mut separator = "";
        for (number, &edits) in edits.iter().enumerate() {
            let edits = of(Edit::Set, edits);
            for element in [edits, edits + 1] {
                write!(text, r#"{separator}"{number:02}-{element:010}""#)
                    .expect("a String takes it");
                separator = ",";
            }
        }
        text.push_str(r#"],"members":{"#);
        separator = "";
        for (number, &edits) in edits.iter().enumerate() {
            let edits = of(Edit::Member, edits);
            write!(text, r#"{separator}"{number:02}":"{edits:010}""#).expect("a String takes it");
            separator = ",";
        }
        text.push_str(r#"},"note":""#);
        let room = BODY_BYTES.saturating_sub(text.len() + r#""}"#.len());
        text.extend("Everybody writes here. ".chars().cycle().take(room));
        text + r#""}"#
    }
}

/// Goes on from each answer: makes its edit in the document that it was sent, and sends that back with its tag, which by
/// then is one of several versions ago.
pub(crate) struct SharedClient {
    connection: Connection,
    requests: Requests,
    edit: Edit,
    /// What to look for in the document: [`Edit::marker`], and room for digits.
    marker: Vec<u8>,
    /// The version that the next edit begins from.
    document: Vec<u8>,
    tag: Tag,
    edits: u32,
}

impl SharedClient {
    /// Opens a connection for each of `clients`, which share a document that is created here.
    ///
    /// # Errors
    ///
    /// When the document cannot be created or read.
    pub(crate) async fn open_all(
        address: SocketAddr,
        clients: usize,
        edit: Edit,
    ) -> Result<Vec<SharedClient>> {
        let mut opened = Vec::with_capacity(clients);
        for number in 0..clients {
            opened.push(SharedClient {
                connection: Connection::open(address).await?,
                requests: Requests::merging(address),
                edit,
                marker: [edit.marker(number).as_bytes(), &[b'0'; DIGITS]].concat(),
                document: Vec::new(),
                tag: Tag::NONE,
                edits: 0,
            });
        }
        if let Some(first) = opened.first_mut() {
            first.create(clients).await?;
        }
        for client in &mut opened {
            client.fetch().await?;
        }
        Ok(opened)
    }

    async fn create(&mut self, clients: usize) -> Result<()> {
        let body = self.edit.document(&vec![0; clients]);
        let path = self.edit.path();
        let request = self.requests.put(path, &Condition::Absent, body.as_bytes());
        let answer = self.connection.exchange(request).await?;
        let status = answer.status;
        ensure!(
            status == 201,
            "creating the shared document was answered {status}"
        );
        Ok(())
    }

    /// Begins anew from what is stored.
    async fn fetch(&mut self) -> Result<()> {
        let request = self.requests.get(self.edit.path(), None);
        let answer = self.connection.exchange(request).await?;
        let status = answer.status;
        ensure!(status == 200, "the shared document was answered {status}");
        self.tag = answer.tag.context("the shared document has no ETag")?;
        self.document.clear();
        self.document.extend_from_slice(answer.body);
        Ok(())
    }

    /// Makes one edit in the document at hand.
    ///
    /// # Errors
    ///
    /// When this client's edits, which nobody else may change, are not in it.
    fn make_edit(&mut self) -> Result<()> {
        match self.edit {
            Edit::Counter => {
                let prefix = self.marker.len() - DIGITS;
                let at = find(&self.document, &self.marker[..prefix])
                    .context("the count is no longer in the document")?;
                let digits = self.document[at + prefix..].iter();
                let count = digits
                    .take_while(|byte| byte.is_ascii_digit())
                    .fold(0, |count, digit| count * 10 + u32::from(digit - b'0'));
                write_digits(&mut self.document[at + prefix..][..DIGITS], count + 1);
            }
            Edit::Set => {
                // The newer one has been in others' hands since; the older one now goes.
                self.locate(self.edits + 1)?;
                let older = self.locate(self.edits)?;
                write_digits(&mut self.document[older..][..DIGITS], self.edits + 2);
            }
            Edit::Member => {
                let own = self.locate(self.edits)?;
                write_digits(&mut self.document[own..][..DIGITS], self.edits + 1);
            }
        }
        Ok(())
    }

    /// Where this client's `digits` stand in the document.
    fn locate(&mut self, digits: u32) -> Result<usize> {
        let prefix = self.marker.len() - DIGITS;
        write_digits(&mut self.marker[prefix..], digits);
        let at = find(&self.document, &self.marker).with_context(|| {
            let (marker, document) = (self.marker.escape_ascii(), self.document.escape_ascii());
            format!("{marker}, acknowledged, is no longer in the document: {document}")
        })?;
        Ok(at + prefix)
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

impl Client for SharedClient {
    async fn step(&mut self) -> Result<Outcome> {
        self.make_edit()?;
        let condition = Condition::Match(&self.tag);
        let path = self.edit.path();
        let request = self.requests.put(path, &condition, &self.document);
        let answer = self.connection.exchange(request).await?;
        let status = answer.status;
        if status != 200 {
            self.fetch().await?;
            return Ok(Outcome::Unexpected { status });
        }
        self.tag = answer.tag.context("a PUT was accepted without a tag")?;
        self.document.clear();
        self.document.extend_from_slice(answer.body);
        self.edits += 1;
        Ok(Outcome::Done { retries: 0 })
    }
}

/// How many edits the clients were told are stored; and what is wrong with the document, if it is not exactly those.
///
/// # Errors
///
/// When the document cannot be read.
pub(crate) async fn audit(clients: &mut [SharedClient]) -> Result<(u64, Option<String>)> {
    let edits: Vec<u32> = clients.iter().map(|client| client.edits).collect();
    let first = clients.first_mut().context("there is no client")?;
    first.fetch().await?;
    let expected = normal(first.edit.document(&edits).as_bytes())?;
    let stored = normal(&first.document)?;
    let total = edits.iter().copied().map(u64::from).sum();
    let wrong = (stored != expected).then(|| {
        let name = first.edit.name();
        format!("{name}: {total} edits were acknowledged, {expected}; stored is {stored}")
    });
    Ok((total, wrong))
}

/// The document with the set in order, so that equal documents are equal values.
fn normal(document: &[u8]) -> Result<Value> {
    let mut document: Value = serde_json::from_slice(document)?;
    let set = document["set"]
        .as_array_mut()
        .context("the document has no set")?;
    set.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    Ok(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_json_of_the_promised_size_and_holds_every_marker() {
        for edit in Edit::ALL {
            let text = edit.document(&[7; 16]);
            assert_eq!(text.len(), BODY_BYTES, "{text}");
            assert!(normal(text.as_bytes()).is_ok(), "{text}");
            for number in 0..16 {
                let marker = edit.marker(number);
                let expected = if edit == Edit::Set { 2 } else { 1 };
                assert_eq!(
                    text.matches(&marker).count(),
                    expected,
                    "{marker} in {text}"
                );
            }
        }
    }

    #[test]
    fn edits_show_in_their_place_alone() {
        let cases = [
            (Edit::Counter, r#""count":1000000003,"#),
            (
                Edit::Set,
                r#""set":["00-0000000001","00-0000000002","01-0000000002","01-0000000003"]"#,
            ),
            (
                Edit::Member,
                r#""members":{"00":"0000000001","01":"0000000002"}"#,
            ),
        ];
        for (edit, _) in cases {
            let text = edit.document(&[1, 2]);
            for (other, part) in cases {
                let shows = text.contains(part);
                assert_eq!(shows, other == edit, "{edit:?}: {part} in {text}");
            }
        }
    }
}
