use std::sync::Arc;

use detente_core::Seq;

use crate::failure::Failure;
use crate::lane::Lane;
use crate::node::Node;
use crate::rows::unsigned;

/// How many versions are folded in one step.
const STEP: i64 = 20_000;

/// In so many looks around, heads are folded once.
const FOLD_EVERY: u64 = 5;

/// And what has outlived its time goes once.
const FORGET_EVERY: u64 = 300;

/// Whoever holds the row of `upkeep` folds; others pass by. What is read of it may be newer than the
/// rest, which is of the moment when the statement began: what is folded already is folded again.
const FOLD: &str = "WITH u AS (
        SELECT space, folded_through FROM upkeep WHERE space = $1 FOR UPDATE SKIP LOCKED),
    t AS (
        SELECT least(s.last_seq, u.folded_through + $2::bigint) AS through, s.last_seq
        FROM spaces s JOIN u USING (space)),
    newest AS (
        SELECT DISTINCT ON (v.collection, v.id)
            v.space, v.collection, v.id, v.seq, v.version, v.digest, v.at, v.kind
        FROM versions v, u, t
        WHERE v.space = $1 AND v.seq > u.folded_through AND v.seq <= t.through
        ORDER BY v.collection, v.id, v.seq DESC),
    written AS (
        INSERT INTO heads (space, collection, id, seq, version, digest, at, kind)
        SELECT * FROM newest
        ON CONFLICT (space, collection, id) DO UPDATE SET seq = excluded.seq,
            version = excluded.version, digest = excluded.digest, at = excluded.at,
            kind = excluded.kind
        WHERE heads.seq < excluded.seq)
    UPDATE upkeep SET folded_through = greatest(upkeep.folded_through, t.through)
    FROM t WHERE upkeep.space = $1 AND t.through > upkeep.folded_through
    RETURNING upkeep.folded_through, t.last_seq";

impl Node {
    /// Brings the table of heads up to the end of the log, unless another node does.
    pub(crate) async fn fold(&self, lane: &Lane) -> Result<(), Failure> {
        while self.has_pending(lane) {
            let client = self.client().await?;
            let statement = Self::prepared(&client, FOLD).await?;
            let row = client
                .query_opt(&statement, &[&&*lane.space, &STEP])
                .await?;
            let Some(row) = row else {
                return Ok(());
            };
            let (through, last): (Seq, Seq) = (unsigned(&row, 0), unsigned(&row, 1));
            lane.folded(through);
            if through >= last {
                return Ok(());
            }
        }
        Ok(())
    }

    fn has_pending(&self, lane: &Lane) -> bool {
        let known = lane.known();
        let stand = known.stand;
        stand.is_some_and(|stand| stand.last_seq > known.folded)
    }

    /// Looks what other nodes wrote where somebody follows, and does now and then what must be done.
    pub(crate) async fn look_around(&self, round: u64) {
        for lane in self.all_lanes() {
            if let Err(failure) = self.look_at(&lane, round).await {
                tracing::debug!(space = &*lane.space, error = %failure.error, "a look failed");
                return;
            }
        }
        if round % FORGET_EVERY == FORGET_EVERY - 1
            && let Err(failure) = self.forget().await
        {
            tracing::warn!(error = %failure.error, "what has outlived its time stays for now");
        }
    }

    async fn look_at(&self, lane: &Arc<Lane>, round: u64) -> Result<(), Failure> {
        if lane.watch.receiver_count() > 0 {
            self.refresh(lane).await?;
        }
        if round.is_multiple_of(FOLD_EVERY) {
            self.fold(lane).await?;
        }
        Ok(())
    }
}
