use std::sync::LazyLock;

use deadpool_postgres::Object;
use detente_core::Moment;
use detente_store::{Commit, Fate};
use futures_util::future::join;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::arrays::{Conflicts, Milestones, Receipts, Rest, Versions};
use crate::failure::Failure;
use crate::lane::{Lane, Stand};
use crate::node::Node;
use crate::queue::Held;
use crate::rows::signed;

/// Moves the lane if it is where the turn began. $1 space, $2 turn, $3 batch, $4 rules as they were; $5
/// the new batch, $6 last seq, $7 time, $8 fencing, $9 whether locks change.
const MOVED: &str = "moved AS (
    UPDATE spaces SET turn = turn + 1, batch = $5, last_seq = $6, last_at = greatest(last_at, $7),
        fencing = greatest(fencing, $8),
        locks_turn = CASE WHEN $9 THEN turn + 1 ELSE locks_turn END
    WHERE space = $1 AND turn = $2 AND batch = $3 AND rules = $4
    RETURNING space, turn)";

const GUARD: usize = 9;

/// A part of the statement that appends: its parameters' types, and what is done with a row of each.
struct Part {
    name: &'static str,
    types: &'static [&'static str],
    /// `{rows}` stands for the parameters as rows.
    sql: &'static str,
}

const VERSIONS: Part = Part {
    name: "v",
    types: &[
        "int8", "text", "text", "int8", "int8", "int8", "text", "int8", "int2", "int8", "text",
    ],
    sql:
        "INSERT INTO versions (space, batch, seq, collection, id, version, prev, base, by, at, kind,
        digest, body)
        SELECT moved.space, $5, r.* FROM moved, {rows} r",
};

const MILESTONES: Part = Part {
    name: "m",
    types: &["text", "text", "int8", "int8"],
    sql: "INSERT INTO milestones (space, collection, id, version, seq)
        SELECT moved.space, r.* FROM moved, {rows} r",
};

/// A key that is moved is in one of the two, so their order does not matter.
const FREED: Part = Part {
    name: "kf",
    types: &["text", "text", "bytea"],
    sql: "DELETE FROM unique_keys k USING moved, {rows} r (collection, name, value)
        WHERE k.space = moved.space AND k.collection = r.collection AND k.name = r.name
            AND k.value = r.value",
};

const HELD: Part = Part {
    name: "kh",
    types: &["text", "text", "bytea", "text"],
    sql: "INSERT INTO unique_keys (space, collection, name, value, id)
        SELECT moved.space, r.* FROM moved, {rows} r
        ON CONFLICT (space, collection, name, value) DO UPDATE SET id = excluded.id",
};

const UNLOCKED: Part = Part {
    name: "lu",
    types: &["text", "text"],
    sql: "DELETE FROM locks l USING moved, {rows} r (collection, id)
        WHERE l.space = moved.space AND l.collection = r.collection AND l.id = r.id",
};

const LOCKED: Part = Part {
    name: "ll",
    types: &[
        "text", "text", "text", "int8", "bytea", "text", "int8", "text",
    ],
    sql: "INSERT INTO locks (space, collection, id, token, fencing, owner, by, expires_at, terms)
        SELECT moved.space, r.* FROM moved, {rows} r
        ON CONFLICT (space, collection, id) DO UPDATE SET token = excluded.token,
            fencing = excluded.fencing, owner = excluded.owner, by = excluded.by,
            expires_at = excluded.expires_at, terms = excluded.terms",
};

const SETTLED: Part = Part {
    name: "s",
    types: &["text", "int2", "int8", "text", "int8", "text"],
    sql: "UPDATE conflicts c SET outcome = r.outcome, settled_at = r.at, settled_by = r.by,
        settled_version = r.version, settled_reason = r.reason,
        weight = weight + coalesce(octet_length(r.reason), 0)
        FROM moved, {rows} r (id, outcome, at, by, version, reason) WHERE c.id = r.id",
};

const MERGED: Part = Part {
    name: "g",
    types: &["int8", "text", "int8"],
    sql: "INSERT INTO merges (space, hour, collection, count)
        SELECT moved.space, r.* FROM moved, {rows} r
        ON CONFLICT (space, hour, collection) DO UPDATE SET count = merges.count + excluded.count",
};

const RECEIPTS: Part = Part {
    name: "r",
    types: &["bytea", "bytea", "int8", "text"],
    sql: "INSERT INTO receipts (scope, payload, at, writes)
        SELECT r.* FROM moved, {rows} r
        ON CONFLICT (scope) DO UPDATE SET payload = excluded.payload, at = excluded.at,
            writes = excluded.writes",
};

const CONFLICTS: Part = Part {
    name: "c",
    types: &[
        "text", "int8", "text", "text", "text", "text", "text", "text", "text", "text", "int8",
        "int8", "int8", "int8", "int2", "int8", "text", "int8", "text", "int8", "int2", "text",
    ],
    sql:
        "INSERT INTO conflicts (id, at, space, collection, document, by, agent, method, kind, paths,
        base_version, base_seq, current_version, current_seq, outcome, settled_at, settled_by,
        settled_version, settled_reason, weight, edit_kind, edit)
        SELECT r.* FROM moved, {rows} r ON CONFLICT (id) DO NOTHING",
};

/// Written where a commit appends no version by which it could be found again.
const MARK: Part = Part {
    name: "b",
    types: &[],
    sql: "INSERT INTO marks (space, batch, turn) SELECT space, $5, turn FROM moved",
};

const ENDED: &str = "SELECT count(*) FROM moved";

/// A commit that appends versions and does nothing else.
static PLAIN: LazyLock<String> = LazyLock::new(|| statement(&[VERSIONS]));

/// All that a commit can do.
static WHOLE: LazyLock<String> = LazyLock::new(|| {
    statement(&[
        VERSIONS, MILESTONES, FREED, HELD, UNLOCKED, LOCKED, SETTLED, MERGED, RECEIPTS, CONFLICTS,
    ])
});

/// The same without a version.
static UNVERSIONED: LazyLock<String> = LazyLock::new(|| {
    statement(&[
        FREED, HELD, UNLOCKED, LOCKED, SETTLED, MERGED, RECEIPTS, CONFLICTS, MARK,
    ])
});

/// Entries of the conflict log alone: nothing is decided by them.
static LOG: LazyLock<String> = LazyLock::new(|| {
    let moved = "moved AS (SELECT 1)";
    let log = part(&CONFLICTS, &mut 0);
    format!("WITH {moved}, {log} {ENDED}")
});

fn statement(parts: &[Part]) -> String {
    let mut next = GUARD;
    let parts: Vec<_> = parts.iter().map(|it| part(it, &mut next)).collect();
    format!("WITH {MOVED}, {} {ENDED}", parts.join(", "))
}

fn part(part: &Part, next: &mut usize) -> String {
    let arrays = part.types.iter().map(|kind| {
        *next += 1;
        format!("${next}::{kind}[]")
    });
    let arrays = arrays.collect::<Vec<_>>().join(", ");
    let rows = format!("unnest({arrays})");
    format!("{} AS ({})", part.name, part.sql.replace("{rows}", &rows))
}

/// What became of a commit, or that nobody knows.
pub(crate) enum Appended {
    Known(Fate),
    Unknown,
}

/// Makes the row of a lane, of which nobody knows yet.
const FOUND: &str = "WITH s AS (
    INSERT INTO spaces (space, batch, rules)
        SELECT $1, $2, rules FROM store ON CONFLICT DO NOTHING)
    INSERT INTO upkeep (space) VALUES ($1) ON CONFLICT DO NOTHING";

impl Node {
    /// Appends a commit to a lane that stands where its turn began.
    pub(crate) async fn append(
        &self,
        lane: &Lane,
        before: Stand,
        commit: &Commit,
        batch: Uuid,
        held: Option<Held>,
    ) -> Appended {
        let appended = match (held, commit.is_empty()) {
            // Nobody wrote since the lane was waited for, if it is still held.
            (Some(held), true) => Ok(held.let_go().await.is_ok()),
            (Some(held), false) => self.write_held(held, lane, before, commit, batch).await,
            (None, true) => self.must_stand(lane, before).await,
            (None, false) => self.write(lane, before, commit, batch).await,
        };
        match appended {
            Ok(true) => Appended::Known(Fate::Committed),
            Ok(false) => Appended::Known(Fate::Lost),
            Err(failure) => match failure.fate() {
                Some(fate) => Appended::Known(fate),
                // There is nothing to be found out of a commit that wrote nothing.
                None if commit.is_empty() => Appended::Known(Fate::Away),
                None => Appended::Unknown,
            },
        }
    }

    async fn must_stand(&self, lane: &Lane, before: Stand) -> Result<bool, Failure> {
        let client = self.client().await?;
        let sql = "SELECT turn, batch, rules FROM spaces WHERE space = $1";
        let statement = Self::prepared(&client, sql).await?;
        let row = client.query_opt(&statement, &[&&*lane.space]).await?;
        Ok(match row {
            None => before.turn == 0,
            Some(row) => {
                let found = (row.get(0), row.get(1), row.get(2));
                found == (before.turn, before.batch, before.rules)
            }
        })
    }

    async fn write(
        &self,
        lane: &Lane,
        before: Stand,
        commit: &Commit,
        batch: Uuid,
    ) -> Result<bool, Failure> {
        let client = self.client().await?;
        if before.turn == 0 {
            let statement = Self::prepared(&client, FOUND).await?;
            client
                .execute(&statement, &[&&*lane.space, &Uuid::nil()])
                .await?;
        }
        Self::write_by(&client, lane, before, commit, batch, false).await
    }

    /// The same in the transaction that holds the lane, which it ends.
    async fn write_held(
        &self,
        held: Held,
        lane: &Lane,
        before: Stand,
        commit: &Commit,
        batch: Uuid,
    ) -> Result<bool, Failure> {
        let client = held.client()?;
        let is_written = Self::write_by(client, lane, before, commit, batch, true).await?;
        held.ended();
        Ok(is_written)
    }

    async fn write_by(
        client: &Object,
        lane: &Lane,
        before: Stand,
        commit: &Commit,
        batch: Uuid,
        ends: bool,
    ) -> Result<bool, Failure> {
        let after = after(before, commit, batch);
        let changes_locks = !commit.locks.is_empty();
        let (last_seq, last_at) = (signed(after.last_seq), signed(commit.time.now.0));
        let fencing = signed(after.fencing);
        let space = &*lane.space;
        let guard: [&(dyn ToSql + Sync); GUARD] = [
            &space,
            &before.turn,
            &before.batch,
            &before.rules,
            &batch,
            &last_seq,
            &last_at,
            &fencing,
            &changes_locks,
        ];
        let versions = Versions::of(&commit.versions);
        let milestones = Milestones::of(&commit.versions);
        let mut parameters = guard.to_vec();
        let has_versions = !commit.versions.is_empty();
        if has_versions {
            parameters.extend(versions.parameters());
        }
        let is_plain = has_versions && milestones.is_empty() && is_plain(commit);
        let rest = (!is_plain).then(|| {
            let (receipts, conflicts) = (Receipts::of(&commit.receipts), Conflicts::of(commit));
            (Rest::of(commit), receipts, conflicts)
        });
        let sql = match &rest {
            None => &*PLAIN,
            Some((rest, receipts, conflicts)) => {
                if has_versions {
                    parameters.extend(milestones.parameters());
                }
                parameters.extend(rest.parameters());
                parameters.extend(receipts.parameters());
                parameters.extend(conflicts.parameters());
                if has_versions { &*WHOLE } else { &*UNVERSIONED }
            }
        };
        let statement = Self::prepared(client, sql).await?;
        let row = match ends {
            // Sent together: if the first fails, the second ends the transaction all the same, and says
            // nothing of it.
            true => {
                let written = client.query_one(&statement, &parameters);
                let (row, ended) = join(written, client.batch_execute("COMMIT")).await;
                let row = row?;
                ended?;
                row
            }
            false => client.query_one(&statement, &parameters).await?,
        };
        Ok(row.get::<_, i64>(0) == 1)
    }

    /// Entries of the conflict log, which stand in nobody's way. To write one again does nothing.
    pub(crate) async fn log(&self, commit: &Commit) -> Result<(), Failure> {
        let client = self.client().await?;
        let statement = Self::prepared(&client, &LOG).await?;
        let conflicts = Conflicts::of(commit);
        client
            .query_one(&statement, &conflicts.parameters())
            .await?;
        Ok(())
    }
}

/// Where a lane stands after a commit.
pub(crate) fn after(before: Stand, commit: &Commit, batch: Uuid) -> Stand {
    let turn = before.turn + 1;
    let last = commit.versions.last();
    Stand {
        turn,
        batch,
        last_seq: last.map_or(before.last_seq, |last| last.stored.seq),
        newest: if last.is_some() { batch } else { before.newest },
        last_at: Moment(before.last_at.0.max(commit.time.now.0)),
        fencing: before.fencing.max(commit.largest_fencing()),
        locks_turn: if commit.locks.is_empty() {
            before.locks_turn
        } else {
            turn
        },
        rules: before.rules,
    }
}

fn is_plain(commit: &Commit) -> bool {
    commit.keys.is_empty()
        && commit.locks.is_empty()
        && commit.receipts.is_empty()
        && commit.conflicts.is_empty()
        && commit.settlements.is_empty()
        && commit.merges().is_empty()
}
