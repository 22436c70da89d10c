//! Increments a shared document, trying again when it was refused.

use std::io::Write;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::client::Client;
use super::connection::Connection;
use super::load::Outcome;
use super::request::{Condition, Requests};
use super::site::Site;
use super::tag::Tag;

/// The one document that all clients increment.
const COUNTER: &[u8] = b"/api/bench-counters/shared";

/// Reads, adds one, writes with `If-Match`; when somebody else was faster, begins again from what the refusal tells.
pub(crate) struct CounterClient {
    connection: Connection,
    requests: Requests,
    /// Who writes: without it two clients could send the same bytes, and a server may take the second for the first.
    name: String,
    body: Vec<u8>,
    base: Option<Base>,
    successes: u64,
}

/// What the next increment begins from.
struct Base {
    n: u64,
    tag: Tag,
}

impl CounterClient {
    pub(crate) async fn open(site: &Site, number: usize) -> Result<CounterClient> {
        Ok(CounterClient {
            connection: Connection::to(site).await?,
            requests: Requests::to(site),
            name: format!("client-{number}"),
            body: Vec::new(),
            base: None,
            successes: 0,
        })
    }

    /// Increments acknowledged, over all loads.
    pub(crate) fn successes(&self) -> u64 {
        self.successes
    }

    /// Creates the counter at zero.
    ///
    /// # Errors
    ///
    /// When it could not be created.
    pub(crate) async fn create(&mut self) -> Result<()> {
        self.write_body(0);
        let request = self.requests.put(COUNTER, &Condition::Absent, &self.body);
        let answer = self.connection.exchange(request).await?;
        ensure!(
            matches!(answer.status, 200 | 201),
            "creating the counter was answered {}",
            answer.status
        );
        Ok(())
    }

    /// What the server has counted.
    ///
    /// # Errors
    ///
    /// When the counter cannot be read.
    pub(crate) async fn read(&mut self) -> Result<u64> {
        Ok(self.fetch().await?.n)
    }

    async fn fetch(&mut self) -> Result<Base> {
        let answer = self
            .connection
            .exchange(self.requests.get(COUNTER, None))
            .await?;
        ensure!(
            answer.status == 200,
            "the counter was answered {}",
            answer.status
        );
        let document: Value = serde_json::from_slice(answer.body)?;
        Ok(Base {
            n: document["n"]
                .as_u64()
                .context("the counter has no number n")?,
            tag: answer.tag.context("the counter has no ETag")?,
        })
    }

    fn write_body(&mut self, n: u64) {
        self.body.clear();
        write!(self.body, r#"{{"n":{n},"by":"{}"}}"#, self.name).expect("a Vec takes every write");
    }

    /// Tries once to write `n` over `base`.
    async fn replace(&mut self, base: &Base, n: u64) -> Result<Attempt> {
        self.write_body(n);
        let condition = Condition::Match(&base.tag);
        let request = self.requests.put(COUNTER, &condition, &self.body);
        let answer = self.connection.exchange(request).await?;
        Ok(match answer.status {
            200 | 201 | 204 => Attempt::Accepted(Base {
                n,
                tag: answer.tag.context("a PUT was accepted without ETag")?,
            }),
            409 | 412 => Attempt::Refused(current(answer.body)),
            status => Attempt::Unexpected(status),
        })
    }
}

enum Attempt {
    Accepted(Base),
    /// With the current version, if the refusal told it.
    Refused(Option<Base>),
    Unexpected(u16),
}

/// The current version that a refusal carries, so that the next attempt needs no GET.
fn current(problem: &[u8]) -> Option<Base> {
    let problem: Value = serde_json::from_slice(problem).ok()?;
    Some(Base {
        n: problem["current"]["n"].as_u64()?,
        tag: Tag::new(problem["current_etag"].as_str()?.as_bytes()).ok()?,
    })
}

impl Client for CounterClient {
    async fn step(&mut self) -> Result<Outcome> {
        let mut retries = 0;
        loop {
            let base = match self.base.take() {
                Some(base) => base,
                None => self.fetch().await?,
            };
            match self.replace(&base, base.n + 1).await? {
                Attempt::Accepted(base) => {
                    self.base = Some(base);
                    self.successes += 1;
                    return Ok(Outcome::Done { retries });
                }
                Attempt::Refused(current) => {
                    self.base = current;
                    retries += 1;
                }
                Attempt::Unexpected(status) => return Ok(Outcome::Unexpected { status }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_tells_where_to_go_on() {
        let problem = br#"{"current":{"n":7,"by":"client-1"},"current_etag":"\"8-a\""}"#;
        let base = current(problem).expect("both members are there");
        assert_eq!((base.n, base.tag.as_bytes()), (7, &b"\"8-a\""[..]));
    }

    #[test]
    fn a_refusal_that_tells_less_is_followed_by_a_get() {
        for problem in [
            "",
            "[]",
            r#"{"current":{"n":7}}"#,
            r#"{"current_etag":"\"8-a\""}"#,
        ] {
            assert!(current(problem.as_bytes()).is_none(), "{problem}");
        }
    }
}
