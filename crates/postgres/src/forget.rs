use std::sync::atomic::Ordering;

use detente_core::{Receipt, Seq};
use detente_store::{Commit, Pruning};

use crate::failure::Failure;
use crate::lane::Lane;
use crate::node::Node;
use crate::rows::{signed, unsigned};

/// How many commits of a space must have come since, before a mark goes: nobody asks for one so old.
const MARKS: i64 = 100_000;

/// The log is looked through when this node added such a part of what it may hold.
const GROWTH: u64 = 16;

/// Drops what is older than the newest milestone that may be the oldest version, and counts it. The
/// chain is walked back from there, as far as it is kept.
const PRUNE: &str = "WITH RECURSIVE oldest AS (
        SELECT m.seq, m.version FROM milestones m JOIN versions v ON v.space = m.space AND v.seq = m.seq
        WHERE m.space = $1 AND m.collection = $2 AND m.id = $3 AND m.version <= $4 AND v.at < $5
        ORDER BY m.version DESC LIMIT 1),
    behind AS (
        SELECT v.seq, v.prev FROM oldest o JOIN versions v ON v.space = $1 AND v.seq = o.seq
        UNION ALL
        SELECT v.seq, v.prev FROM behind b JOIN versions v ON v.space = $1 AND v.seq = b.prev),
    gone AS (
        DELETE FROM versions v USING behind b, oldest o
        WHERE v.space = $1 AND v.seq = b.seq AND b.seq <> o.seq RETURNING v.seq),
    forgotten AS (
        DELETE FROM milestones m USING oldest o
        WHERE m.space = $1 AND m.collection = $2 AND m.id = $3 AND m.version < o.version),
    counted AS (
        UPDATE upkeep SET pruned = pruned + (SELECT count(*) FROM gone)
        WHERE space = $1 AND EXISTS (SELECT 1 FROM gone))
    SELECT seq FROM gone";

const RECEIPTS: &str = "DELETE FROM receipts WHERE at < $1";

const LOCKS: &str = "DELETE FROM locks l USING spaces s
    WHERE s.space = l.space AND l.expires_at < least(s.last_at, $1)";

const OLD_MARKS: &str = "DELETE FROM marks m USING spaces s
    WHERE s.space = m.space AND m.turn < s.turn - $1";

const OLD_CONFLICTS: &str = "DELETE FROM conflicts WHERE at < $1";

/// The oldest go while all together are too large.
const EXCESS: &str = "DELETE FROM conflicts WHERE number IN (
    SELECT number FROM (
        SELECT number, sum(weight) OVER (ORDER BY number DESC) AS sum FROM conflicts) c
    WHERE c.sum > $1::bigint)";

impl Node {
    /// Drops the versions that a commit lets go. If that fails, they stay until the next time.
    pub(crate) async fn prune(&self, lane: &Lane, commit: &Commit) {
        for pruning in &commit.prunings {
            match self.cut(lane, pruning).await {
                Ok(gone) => self.let_go(lane, &gone),
                Err(failure) => {
                    tracing::warn!(error = %failure.error, "old versions could not be dropped");
                }
            }
        }
    }

    async fn cut(&self, lane: &Lane, pruning: &Pruning) -> Result<Vec<Seq>, Failure> {
        let client = self.client().await?;
        let statement = Self::prepared(&client, PRUNE).await?;
        let key = &pruning.key;
        let (below, before) = (signed(pruning.below), signed(pruning.before.0));
        let rows = client
            .query(
                &statement,
                &[&&*lane.space, &key.collection(), &key.id(), &below, &before],
            )
            .await?;
        Ok(rows.iter().map(|row| unsigned(row, 0)).collect())
    }

    /// Counts what came into the conflict log, and drops the oldest entries if that may be too much.
    pub(crate) async fn bound_log(&self, commit: &Commit) {
        let come: usize = commit.conflicts.iter().map(|it| it.weight()).sum();
        let limit = self.options.conflicts.bytes;
        let grown = self.log_growth.fetch_add(come as u64, Ordering::Relaxed) + come as u64;
        if come == 0 || grown < limit / GROWTH {
            return;
        }
        self.log_growth.store(0, Ordering::Relaxed);
        if let Err(failure) = self.drop_excess().await {
            tracing::warn!(error = %failure.error, "the conflict log is larger than it may be");
        }
    }

    async fn drop_excess(&self) -> Result<(), Failure> {
        let client = self.client().await?;
        let statement = Self::prepared(&client, EXCESS).await?;
        let limit = signed(self.options.conflicts.bytes);
        client.execute(&statement, &[&limit]).await?;
        Ok(())
    }

    /// Drops what has outlived its time.
    pub(crate) async fn forget(&self) -> Result<(), Failure> {
        let now = self.time();
        let before = |life_ms: u64| signed(now.0.saturating_sub(life_ms));
        let kept = self.options.conflicts;
        let client = self.client().await?;
        client
            .execute(RECEIPTS, &[&before(Receipt::LIFE_MS)])
            .await?;
        client.execute(LOCKS, &[&before(Receipt::LIFE_MS)]).await?;
        client.execute(OLD_MARKS, &[&MARKS]).await?;
        client
            .execute(OLD_CONFLICTS, &[&before(kept.age_ms)])
            .await?;
        drop(client);
        self.drop_excess().await
    }
}
