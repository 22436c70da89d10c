use tokio_postgres::{Client, Transaction};

use crate::failure::Failure;
use crate::open::OpenError;

/// The layout that this program reads and writes.
const FORMAT: i32 = 2;

/// The layout that [`TABLES`] make.
const OLDEST: i32 = 1;

/// Whoever makes or changes the tables holds this advisory lock: "DTNT".
const MAKING: i64 = 0x4454_4e54;

/// Names are compared byte by byte, whatever the database's collation says. Numbers that have no sign
/// are stored as the signed ones with the same bits.
const TABLES: &str = r#"
CREATE TABLE store (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    format integer NOT NULL,
    epoch bigint NOT NULL,
    rules bigint NOT NULL DEFAULT 0   -- moves when unique constraints change
);
CREATE TABLE spaces (                 -- the lane of each space
    space text COLLATE "C" PRIMARY KEY,
    turn bigint NOT NULL DEFAULT 0,   -- moves with every commit
    batch uuid NOT NULL,              -- names the newest
    last_seq bigint NOT NULL DEFAULT 0,
    last_at bigint NOT NULL DEFAULT 0,
    fencing bigint NOT NULL DEFAULT 0,
    locks_turn bigint NOT NULL DEFAULT 0, -- the newest commit that changed a lock
    rules bigint NOT NULL
) WITH (fillfactor = 50);
CREATE TABLE upkeep (
    space text COLLATE "C" PRIMARY KEY,
    folded_through bigint NOT NULL DEFAULT 0, -- heads agrees with the log up to here
    pruned bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
CREATE TABLE versions (
    space text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    batch uuid NOT NULL,
    collection text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    prev bigint,
    base bigint,
    by text NOT NULL,
    at bigint NOT NULL,               -- milliseconds since 1970
    kind smallint NOT NULL,           -- 1 document, 2 tombstone
    digest bigint NOT NULL,
    body text COMPRESSION lz4 NOT NULL,
    PRIMARY KEY (space, seq)
);
CREATE TABLE heads (
    space text COLLATE "C" NOT NULL,
    collection text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    version bigint NOT NULL,
    digest bigint NOT NULL,
    at bigint NOT NULL,
    kind smallint NOT NULL,
    PRIMARY KEY (space, collection, id)
) WITH (fillfactor = 80);
CREATE TABLE milestones (             -- every 64th version of a document
    space text COLLATE "C" NOT NULL,
    collection text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    seq bigint NOT NULL,
    PRIMARY KEY (space, collection, id, version)
);
CREATE TABLE marks (                  -- commits that appended no version
    space text COLLATE "C" NOT NULL,
    batch uuid NOT NULL,
    turn bigint NOT NULL,
    PRIMARY KEY (space, batch)
);
CREATE TABLE unique_keys (
    space text COLLATE "C" NOT NULL,
    collection text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    value bytea NOT NULL,             -- SHA-256 of it
    id text COLLATE "C" NOT NULL,
    PRIMARY KEY (space, collection, name, value)
);
CREATE TABLE constraints (            -- what unique_keys was built from
    collection text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    definition text NOT NULL,
    PRIMARY KEY (collection, name)
);
CREATE TABLE locks (
    space text COLLATE "C" NOT NULL,
    collection text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    token text NOT NULL,
    fencing bigint NOT NULL,
    owner bytea NOT NULL,             -- UTF-8, with whatever characters
    by text NOT NULL,
    expires_at bigint NOT NULL,
    PRIMARY KEY (space, collection, id)
);
CREATE TABLE receipts (               -- what was performed under an Idempotency-Key
    scope bytea PRIMARY KEY,
    payload bytea NOT NULL,
    at bigint NOT NULL,
    writes text NOT NULL              -- seq and 1 if it created a document, 0 if not: 7:1,8:0
);
CREATE INDEX receipts_by_time ON receipts (at);
CREATE TABLE conflicts (              -- refused writes
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    at bigint NOT NULL,
    space text COLLATE "C" NOT NULL,
    collection text COLLATE "C" NOT NULL,
    document text COLLATE "C" NOT NULL,
    by text NOT NULL,
    agent text,
    method text NOT NULL,
    kind text NOT NULL,
    paths text NOT NULL,              -- JSON: [pointer, ...]
    base_version bigint,
    base_seq bigint,
    current_version bigint,
    current_seq bigint,
    outcome smallint NOT NULL,        -- 0 open, 1 resolved, 2 dismissed
    settled_at bigint,
    settled_by text,
    settled_version bigint,
    settled_reason text,
    weight bigint NOT NULL,
    edit_kind smallint NOT NULL,      -- 1 document, 2 merge patch, 3 JSON patch, 4 deletion
    edit text COMPRESSION lz4 NOT NULL
);
CREATE INDEX conflicts_by_space ON conflicts (space, number);
CREATE TABLE merges (                 -- how often edits were merged
    space text COLLATE "C" NOT NULL,
    hour bigint NOT NULL,             -- its beginning
    collection text COLLATE "C" NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (space, hour, collection)
);
"#;

/// What came with each format.
const STEPS: [(i32, &str); 1] = [(
    2,
    // JSON, of locks that are shared or reach below a folder.
    "ALTER TABLE locks ADD COLUMN terms text",
)];

/// What the row of the store says.
pub(crate) struct Found {
    pub(crate) epoch: u64,
    pub(crate) rules: i64,
}

/// Makes the tables in an empty database; touches no other.
pub(crate) async fn prepare(client: &mut Client, fresh_epoch: u64) -> Result<Found, OpenError> {
    let encoding: String = client
        .query_one("SELECT current_setting('server_encoding')", &[])
        .await
        .map_err(Failure::from)?
        .get(0);
    if encoding != "UTF8" {
        return Err(OpenError::Encoding { encoding });
    }
    let transaction = client.transaction().await.map_err(Failure::from)?;
    transaction
        .execute("SELECT pg_advisory_xact_lock($1)", &[&MAKING])
        .await
        .map_err(Failure::from)?;
    if is_empty(&transaction).await? {
        make(&transaction, fresh_epoch).await?;
    }
    let found = look(&transaction).await?;
    transaction.commit().await.map_err(Failure::from)?;
    Ok(found)
}

async fn is_empty(transaction: &Transaction<'_>) -> Result<bool, Failure> {
    let row = transaction
        .query_one(
            "SELECT NOT EXISTS (SELECT 1 FROM pg_class
             WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm'))",
            &[],
        )
        .await?;
    Ok(row.get(0))
}

async fn make(transaction: &Transaction<'_>, epoch: u64) -> Result<(), Failure> {
    transaction.batch_execute(TABLES).await?;
    bring_up_to_date(transaction, OLDEST).await?;
    transaction
        .execute(
            "INSERT INTO store (format, epoch) VALUES ($1, $2)",
            &[&FORMAT, &(epoch as i64)],
        )
        .await?;
    Ok(())
}

/// Adds what a store of this format lacks.
async fn bring_up_to_date(transaction: &Transaction<'_>, format: i32) -> Result<(), Failure> {
    for (_, step) in STEPS.iter().filter(|(since, _)| *since > format) {
        transaction.batch_execute(step).await?;
    }
    Ok(())
}

async fn look(transaction: &Transaction<'_>) -> Result<Found, OpenError> {
    let row = transaction
        .query_opt(
            "SELECT 1 FROM pg_class WHERE relnamespace = current_schema()::regnamespace
             AND relname = 'spaces'",
            &[],
        )
        .await
        .map_err(Failure::from)?;
    if row.is_none() {
        return Err(OpenError::Foreign);
    }
    let row = transaction
        .query_one("SELECT format, epoch, rules FROM store", &[])
        .await
        .map_err(Failure::from)?;
    let mut format = row.get::<_, i32>(0);
    if (OLDEST..FORMAT).contains(&format) {
        bring_up_to_date(transaction, format).await?;
        transaction
            .execute("UPDATE store SET format = $1", &[&FORMAT])
            .await
            .map_err(Failure::from)?;
        format = FORMAT;
    }
    match format {
        FORMAT => Ok(Found {
            epoch: row.get::<_, i64>(1) as u64,
            rules: row.get(2),
        }),
        found => Err(OpenError::Newer {
            found,
            known: FORMAT,
        }),
    }
}
