use std::sync::atomic::{AtomicU32, Ordering};

use deadpool_postgres::Object;
use futures_util::future::join3;

use crate::failure::Failure;
use crate::lane::{Lane, Stand};
use crate::node::Node;

/// After a lost race, a writer waits for the lane in so many turns in a row in which nobody else wrote.
const TURNS: u32 = 16;

/// Waits in PostgreSQL's own queue, which is fair.
pub(crate) const HOLD: &str = "SELECT 1 FROM spaces WHERE space = $1 FOR UPDATE";

/// How contended a lane is: for how many turns its writer still waits for it.
#[derive(Debug, Default)]
pub(crate) struct Contention(AtomicU32);

impl Contention {
    pub(crate) fn lost(&self) {
        self.0.store(TURNS, Ordering::Relaxed);
    }

    pub(crate) fn must_wait(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }

    fn waited(&self, others_wrote: bool) {
        let left = self.0.load(Ordering::Relaxed);
        let left = if others_wrote {
            TURNS
        } else {
            left.saturating_sub(1)
        };
        self.0.store(left, Ordering::Relaxed);
    }
}

/// A lane that is held: nobody else can move it until the transaction ends. If this node is frozen,
/// PostgreSQL ends the transaction.
#[derive(Debug)]
pub(crate) struct Held(Option<Object>);

impl Drop for Held {
    fn drop(&mut self) {
        // A transaction is open: the connection is not for others, and ends.
        if let Some(client) = self.0.take() {
            drop(Object::take(client));
        }
    }
}

impl Held {
    pub(crate) fn client(&self) -> Result<&Object, Failure> {
        self.0.as_ref().ok_or_else(Failure::away)
    }

    /// Lets the lane go, as it was.
    pub(crate) async fn let_go(mut self) -> Result<(), Failure> {
        self.client()?.batch_execute("ROLLBACK").await?;
        drop(self.0.take());
        Ok(())
    }

    /// The transaction was ended.
    pub(crate) fn ended(mut self) {
        drop(self.0.take());
    }
}

impl Node {
    /// Waits for a lane and holds it, and reads on up to what was written before.
    pub(crate) async fn hold(&self, lane: &Lane) -> Result<(Held, Stand), Failure> {
        let before = lane.stand();
        let held = Held(Some(self.client().await?));
        let client = held.client()?;
        let statement = Self::prepared(client, HOLD).await?;
        let space = &&*lane.space;
        // Sent together, and performed one after the other. The last is a statement of its own: that which
        // waited sees the rest as it was before it waited.
        let (begun, waited, stand) = join3(
            client.batch_execute("BEGIN"),
            client.execute(&statement, &[space]),
            self.refresh_by(client, lane),
        )
        .await;
        begun?;
        waited?;
        let stand = stand?;
        lane.contention.waited(before != Some(stand));
        Ok((held, stand))
    }
}
