//! Reads and writes documents of its own.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::batch::{BATCH, Batch};
use super::body::{Body, DIGITS, write_digits};
use super::connection::Connection;
use super::load::Outcome;
use super::random::Random;
use super::request::{Condition, Requests};
use super::site::Site;
use super::tag::Tag;
use super::work::Work;

/// Something that sends one request after the other.
pub(crate) trait Client {
    /// Does one unit of work, from the first byte sent to the last received.
    async fn step(&mut self) -> Result<Outcome>;
}

/// A client with a share of the documents that no other client writes: its tags are always the current ones, and a
/// refusal is an error.
pub(crate) struct DocumentClient {
    connection: Connection,
    requests: Requests,
    documents: Documents,
    body: Body,
    random: Random,
    work: Work,
    site: Site,
    turn: usize,
    edits: u32,
}

impl DocumentClient {
    /// Opens a connection for client `number` of `of`, which share `total` documents.
    pub(crate) async fn open(
        site: Site,
        number: usize,
        of: usize,
        total: u32,
    ) -> Result<DocumentClient> {
        Ok(DocumentClient {
            connection: Connection::to(&site).await?,
            requests: Requests::to(&site),
            documents: Documents::share(&site, number, of, total)?,
            body: Body::new(),
            random: Random::new(number as u64),
            work: Work::Get,
            site,
            turn: 0,
            edits: 0,
        })
    }

    /// Goes on with the same documents on another server: the same data, started again.
    pub(crate) async fn reopen(&mut self, address: SocketAddr) -> Result<()> {
        self.site.address = address;
        self.connection = Connection::to(&self.site).await?;
        self.requests = Requests::to(&self.site);
        Ok(())
    }

    pub(crate) fn set_work(&mut self, work: Work) {
        self.work = work;
    }

    /// How many documents are this client's.
    pub(crate) fn share(&self) -> usize {
        self.documents.tags.len()
    }

    /// Creates one of this client's documents.
    ///
    /// # Errors
    ///
    /// When it was not created: without its documents no case can run.
    pub(crate) async fn create(&mut self, index: usize) -> Result<()> {
        let (id, path) = self.documents.locate(index);
        let body = self.body.of(id, 0);
        let request = self.requests.put(path, &Condition::Absent, body);
        let answer = self.connection.exchange(request).await?;
        ensure!(
            Work::PutInTurn.is_done(answer.status),
            "creating document {id} was answered {}: {}",
            answer.status,
            answer.body.escape_ascii()
        );
        self.documents.tags[index] = answer.tag.context("a document without ETag was created")?;
        Ok(())
    }

    /// Whether the server still has one of the documents, picked at random, at the version it last told.
    pub(crate) async fn is_current(&mut self) -> Result<bool> {
        let index = self.random.below(self.share());
        let (_, path) = self.documents.locate(index);
        let request = self.requests.get(path, None);
        let answer = self.connection.exchange(request).await?;
        Ok(answer.status == 200 && answer.tag == Some(self.documents.tags[index]))
    }

    /// Writes each document `versions` more times, and keeps its tag from before for [`Work::PutStale`].
    ///
    /// # Errors
    ///
    /// When one of the writes is not accepted, or a connection breaks.
    pub(crate) async fn age(&mut self, versions: usize) -> Result<()> {
        self.documents.bases.clone_from(&self.documents.tags);
        self.work = Work::PutInTurn;
        for _ in 0..versions * self.share() {
            if let Outcome::Unexpected { status } = self.step().await? {
                bail!("a PUT was answered {status}");
            }
        }
        Ok(())
    }

    /// Has one stale write refused, and checks that the refusal tells all that resolving it takes.
    ///
    /// # Errors
    ///
    /// When it is not refused, or tells less; or when a connection breaks.
    pub(crate) async fn check_refusal(&mut self, versions: usize) -> Result<()> {
        self.work = Work::PutStale;
        let index = self.pick();
        self.build_request(index);
        let answer = self.connection.exchange(self.requests.built()).await?;
        let status = answer.status;
        ensure!(
            self.work.is_done(status),
            "a stale PUT was answered {status}"
        );
        let problem: Value = serde_json::from_slice(answer.body)?;
        for member in ["current", "merged"] {
            ensure!(problem[member].is_object(), "a refusal without {member}");
        }
        ensure!(
            problem["conflicts"]
                .as_array()
                .is_some_and(|it| !it.is_empty()),
            "a refusal without conflicts"
        );
        ensure!(
            problem["changes_since"].as_array().map(Vec::len) == Some(versions),
            "a refusal that does not tell {versions} changes"
        );
        Ok(())
    }

    fn pick(&mut self) -> usize {
        match self.work {
            Work::PutInTurn | Work::PutInBatches | Work::PutStale => {
                self.turn = (self.turn + 1) % self.share();
                self.turn
            }
            Work::PutAtRandom | Work::Get | Work::GetNotModified => self.random.below(self.share()),
        }
    }

    fn build_request(&mut self, index: usize) {
        let tag = match self.work {
            Work::PutStale => self.documents.bases[index],
            _ => self.documents.tags[index],
        };
        let (id, path) = self.documents.locate(index);
        match self.work {
            Work::Get => self.requests.get(path, None),
            Work::GetNotModified => self.requests.get(path, Some(&tag)),
            Work::PutInTurn | Work::PutInBatches | Work::PutAtRandom | Work::PutStale => {
                self.edits = self.edits.wrapping_add(1);
                let body = self.body.of(id, self.edits);
                self.requests.put(path, &Condition::Match(&tag), body)
            }
        };
    }

    /// Writes documents in one batch, all or none.
    async fn put_batch(&mut self) -> Result<Outcome> {
        let (mut batch, mut indexes) = (Batch::new(), Vec::with_capacity(BATCH));
        for _ in 0..BATCH.min(self.share()) {
            let index = self.pick();
            let tag = self.documents.tags[index];
            let (id, path) = self.documents.locate(index);
            self.edits = self.edits.wrapping_add(1);
            batch.put(path, &tag, self.body.of(id, self.edits));
            indexes.push(index);
        }
        let path = self.site.path(b"/api/_batch");
        let request = self.requests.post(&path, &batch.end());
        let answer = self.connection.exchange(request).await?;
        let status = answer.status;
        if !self.work.is_done(status) {
            return Ok(Outcome::Unexpected { status });
        }
        let tags = Batch::tags(answer.body)?;
        ensure!(
            tags.len() == indexes.len(),
            "a batch came back with fewer results than operations"
        );
        for (index, tag) in indexes.into_iter().zip(tags) {
            self.documents.tags[index] = tag;
        }
        Ok(Outcome::Done { retries: 0 })
    }

    /// Keeps the tag of a PUT's answer: the next PUT of the document needs it.
    ///
    /// # Errors
    ///
    /// When a write was accepted without telling its tag.
    fn learn(&mut self, index: usize, status: u16, tag: Option<Tag>) -> Result<()> {
        match tag {
            Some(tag) => self.documents.tags[index] = tag,
            None => ensure!(
                !self.work.is_done(status),
                "a PUT was answered {status} without ETag"
            ),
        }
        Ok(())
    }
}

impl Client for DocumentClient {
    async fn step(&mut self) -> Result<Outcome> {
        if self.work == Work::PutInBatches {
            return self.put_batch().await;
        }
        let index = self.pick();
        self.build_request(index);
        let answer = self.connection.exchange(self.requests.built()).await?;
        let (status, tag) = (answer.status, answer.tag);
        if matches!(self.work, Work::PutInTurn | Work::PutAtRandom) {
            self.learn(index, status, tag)?;
        }
        Ok(if self.work.is_done(status) {
            Outcome::Done { retries: 0 }
        } else {
            Outcome::Unexpected { status }
        })
    }
}

/// Every `of`-th document: together the clients have them all, and create them nearly in order.
struct Documents {
    first: u32,
    step: u32,
    tags: Vec<Tag>,
    /// Tags of earlier versions; empty until [`DocumentClient::age`].
    bases: Vec<Tag>,
    path: Vec<u8>,
}

const COLLECTION: &[u8] = b"/api/bench/";

impl Documents {
    fn share(site: &Site, number: usize, of: usize, total: u32) -> Result<Documents> {
        let (first, step) = (u32::try_from(number)?, u32::try_from(of)?);
        let count = (first..total).step_by(of).len();
        Ok(Documents {
            first,
            step,
            tags: vec![Tag::NONE; count],
            bases: Vec::new(),
            path: [&site.path(COLLECTION)[..], &[b'0'; DIGITS]].concat(),
        })
    }

    fn locate(&mut self, index: usize) -> (u32, &[u8]) {
        let id = self.first + self.step * index as u32;
        let digits = self.path.len() - DIGITS;
        write_digits(&mut self.path[digits..], id);
        (id, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::Dialect;

    fn site() -> Site {
        Site {
            address: SocketAddr::from(([127, 0, 0, 1], 80)),
            dialect: Dialect::Http,
            space: None,
            minimal: false,
        }
    }

    #[test]
    fn shares_are_disjoint_and_together_all() {
        let mut ids = Vec::new();
        for number in 0..7 {
            let mut documents = Documents::share(&site(), number, 7, 100).expect("few");
            for index in 0..documents.tags.len() {
                ids.push(documents.locate(index).0);
            }
        }
        ids.sort_unstable();
        assert_eq!(ids, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn a_document_is_found_under_its_number() {
        let mut documents = Documents::share(&site(), 3, 64, 1_000_000).expect("few");
        assert_eq!(documents.locate(2), (131, &b"/api/bench/0000000131"[..]));
    }
}
