use std::time::Duration;

use http::{HeaderValue, header};
use url::Url;

use super::{Halt, Lab, Nonce, Reading, pace, said};
use crate::client::Actor;
use crate::model::{Exchange, Request};

/// How long a cache may take to see a write.
const EVENTUALLY: Duration = Duration::from_secs(2);
/// How long a tag may be weak after a write, and how often it is looked at meanwhile.
const RIPENS: Duration = Duration::from_millis(2_500);
const LOOKS: Duration = Duration::from_millis(100);

impl Lab {
    /// GET, past every cache.
    pub(crate) fn get(&self, place: &Url) -> Request {
        Request::get(place.clone())
            .with(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))
    }

    /// Reads the resource at the first base URL.
    pub(crate) async fn read(&self) -> Result<Reading, Halt> {
        self.read_as(&self.bench.reader, self.place()).await
    }

    /// Reads until the tag is one that a write can carry.
    pub(crate) async fn read_as(&self, actor: &Actor, place: &Url) -> Result<Reading, Halt> {
        let begun = self.client().elapsed();
        loop {
            let reading = self.glance(actor, place).await?;
            let is_unripe = self.habits.ripens && reading.has_weak_tag();
            if !is_unripe || self.client().elapsed() - begun > RIPENS {
                return Ok(reading);
            }
            tokio::time::sleep(LOOKS).await;
        }
    }

    /// Reads what is there at once, whatever its tag is good for.
    pub(crate) async fn glance(&self, actor: &Actor, place: &Url) -> Result<Reading, Halt> {
        let exchange = self.send_served(actor, self.get(place)).await?;
        self.reading(exchange)
    }

    /// What a GET's answer says.
    ///
    /// # Errors
    ///
    /// [`Halt::Cannot`] if it was not answered.
    pub(crate) fn reading(&self, exchange: Exchange) -> Result<Reading, Halt> {
        Reading::of(exchange, |body| self.habits.form.mark(body))
    }

    /// Reads until two in a row say the same, for as long as a cache may take.
    pub(crate) async fn settled(&self) -> Result<Reading, Halt> {
        let begun = self.client().elapsed();
        let mut before = self.read().await?;
        loop {
            let now = self.read().await?;
            let is_same = now.mark == before.mark && now.status() == before.status();
            if is_same || self.client().elapsed() - begun > EVENTUALLY {
                return Ok(now);
            }
            before = now;
        }
    }

    /// Reads until `nonce` is there, for as long as a cache may take; the last reading.
    pub(crate) async fn read_until(&self, nonce: &Nonce) -> Result<Reading, Halt> {
        let begun = self.client().elapsed();
        let mut tries = 0;
        loop {
            let reading = self.settled().await?;
            if reading.shows(nonce) || self.client().elapsed() - begun > EVENTUALLY {
                return Ok(reading);
            }
            tries += 1;
            pace::back_off(tries).await;
        }
    }

    /// What is there now.
    ///
    /// # Errors
    ///
    /// [`Halt::Cannot`] if nothing is.
    pub(crate) async fn read_there(&self) -> Result<Reading, Halt> {
        let reading = self.settled().await?;
        if reading.is_there() {
            Ok(reading)
        } else {
            Err(Halt::Cannot(format!(
                "the resource no longer exists: GET was answered {}",
                said(&reading.exchange)
            )))
        }
    }
}
