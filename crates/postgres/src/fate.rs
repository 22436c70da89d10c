use detente_core::Seq;
use detente_store::Fate;
use uuid::Uuid;

use crate::failure::Failure;
use crate::lane::Lane;
use crate::node::Node;
use crate::queue::HOLD;
use crate::rows::signed;

/// A commit of which nobody knows what became.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sought {
    pub(crate) batch: Uuid,
    /// The first version of it, if it has one.
    pub(crate) first: Option<Seq>,
}

const HAS_VERSION: &str =
    "SELECT EXISTS (SELECT 1 FROM versions WHERE space = $1 AND seq = $2 AND batch = $3)";

const HAS_MARK: &str = "SELECT EXISTS (SELECT 1 FROM marks WHERE space = $1 AND batch = $2)";

/// Moves the guard, so that a commit that is still under way cannot be written any more. The lane has
/// another stand then, which says nothing of what is in it.
const MOVE: &str = "UPDATE spaces SET turn = turn + 1, batch = $2 WHERE space = $1";

impl Node {
    /// What became of a commit: from now on, it stays so. Moves the lane.
    ///
    /// # Errors
    ///
    /// If that cannot be found out now.
    pub(crate) async fn find_out(&self, lane: &Lane, sought: Sought) -> Result<Fate, Failure> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let space = &*lane.space;
        // Waits for whoever moves the lane: the commit that is sought, perhaps.
        transaction.execute(HOLD, &[&space]).await?;
        let batch = &sought.batch;
        // A statement of its own: it sees what was committed while the lane was waited for.
        let row = match sought.first {
            Some(seq) => {
                let seq = signed(seq);
                transaction
                    .query_one(HAS_VERSION, &[&space, &seq, batch])
                    .await?
            }
            None => transaction.query_one(HAS_MARK, &[&space, batch]).await?,
        };
        let is_written: bool = row.get(0);
        transaction
            .execute(MOVE, &[&space, &Uuid::new_v4()])
            .await?;
        transaction.commit().await?;
        drop(client);
        self.refresh(lane).await?;
        Ok(match is_written {
            true => Fate::Committed,
            false => Fate::Lost,
        })
    }
}
