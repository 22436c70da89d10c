use bytes::Bytes;
use detente_core::json::{self, Value};
use detente_core::{Key, Moment};
use detente_store::{
    ConflictPage, Conflicts, LoggedConflict, LostEdit, MergedHour, OutcomeFilter, VersionPlace,
};
use tokio_postgres::Row;

use crate::facts::settlement;
use crate::failure::Failure;
use crate::node::Node;
use crate::rows::{maybe, signed, unsigned};

/// How many entries a list passes over before it reports where it got to.
const SCAN: usize = 20_000;

macro_rules! columns {
    () => {
        "number, id, at, space, collection, document, by, agent, method, kind, paths, base_version,
         base_seq, current_version, current_seq, edit_kind, edit, outcome, settled_at, settled_by,
         settled_version, settled_reason"
    };
}

/// Where the outcome is.
const OUTCOME: usize = 17;

/// The newest first. An entry has room if all before it and it do not fill the page; the first always
/// has. `is_last` says that entries were left out.
const LIST: &str = concat!(
    "WITH looked_at AS (
        SELECT *, (space = $1 OR $1::text IS NULL) AND (collection = $2 OR $2::text IS NULL)
            AND (document = ANY($3) OR $3::text[] IS NULL) AND (by = $4 OR $4::text IS NULL)
            AND ($5::text IS NULL OR strpos(coalesce(agent, ''), $5) > 0 OR $5 = '')
            AND ($6::text IS NULL OR strpos(coalesce(agent, ''), $6) = 0 AND $6 <> '')
            AND (kind = $7 OR $7::text IS NULL) AND (outcome = $8 OR $8::smallint IS NULL)
            AND (at >= $9 OR $9::bigint IS NULL) AND (at < $10 OR $10::bigint IS NULL) AS is_wanted
        FROM conflicts WHERE (space = $1 OR $1 IS NULL) AND (number < $11 OR $11::bigint IS NULL)
        ORDER BY number DESC LIMIT $12::bigint),
    counted AS (
        SELECT *, row_number() OVER (PARTITION BY space, collection, document ORDER BY number DESC) AS nth
        FROM looked_at WHERE is_wanted),
    measured AS (
        SELECT *, sum(octet_length(edit)) OVER (ORDER BY number DESC) - octet_length(edit) AS before,
            octet_length(edit) AS bytes, row_number() OVER (ORDER BY number DESC) AS place
        FROM counted WHERE nth <= $15::bigint OR $15 IS NULL ORDER BY number DESC LIMIT $13::bigint + 1),
    fitting AS (
        SELECT * FROM measured
        WHERE place <= $13::bigint AND (place = 1 OR before + bytes <= $14::bigint))
    SELECT (SELECT count(*) FROM looked_at), (SELECT min(number) FROM looked_at),
        (SELECT count(*) FROM measured), ",
    columns!(),
    " FROM (SELECT 1) one LEFT JOIN fitting ON true ORDER BY number DESC"
);

/// How many columns come before those of an entry.
const HEADER: usize = 3;

const FIND: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM conflicts WHERE space = $1 AND id = $2"
);

const MERGED: &str = "SELECT collection, hour, count FROM merges WHERE space = $1 AND hour >= $2
    ORDER BY hour, collection";

impl Node {
    pub(crate) async fn conflicts(&self, wanted: &Conflicts) -> Result<ConflictPage, Failure> {
        let client = self.client().await?;
        let statement = Self::prepared(&client, LIST).await?;
        let number = |number: Option<u64>| number.map(signed);
        let limit = |limit: usize| i64::try_from(limit).unwrap_or(i64::MAX / 2);
        let outcome = wanted.outcome.map(|outcome| match outcome {
            OutcomeFilter::Open => 0i16,
            OutcomeFilter::Resolved => 1,
            OutcomeFilter::Dismissed => 2,
        });
        let rows = client
            .query(
                &statement,
                &[
                    &wanted.space,
                    &wanted.collection,
                    &wanted.documents,
                    &wanted.by,
                    &wanted.agent,
                    &wanted.not_agent,
                    &wanted.kind,
                    &outcome,
                    &number(wanted.since.map(|it| it.0)),
                    &number(wanted.until.map(|it| it.0)),
                    &number(wanted.before),
                    &limit(SCAN),
                    &limit(wanted.limit.rows),
                    &limit(wanted.limit.bytes),
                    &wanted.of_each.map(limit),
                ],
            )
            .await?;
        let mut page = ConflictPage::default();
        let Some(first) = rows.first() else {
            return Ok(page);
        };
        let (looked_at, oldest, found): (i64, Option<i64>, i64) =
            (first.get(0), first.get(1), first.get(2));
        let mut last = None;
        for row in &rows {
            if let Some(number) = row.get::<_, Option<i64>>(HEADER) {
                page.items.push(conflict(row, HEADER)?);
                last = Some(number as u64);
            }
        }
        let is_cut = found > i64::try_from(page.items.len()).unwrap_or(i64::MAX);
        let is_scan_cut = looked_at >= limit(SCAN);
        page.next = match (is_cut, is_scan_cut) {
            (true, _) => last,
            (false, true) => oldest.map(|number| number as u64),
            (false, false) => None,
        };
        Ok(page)
    }

    pub(crate) async fn conflict(
        &self,
        space: &str,
        id: &str,
    ) -> Result<Option<LoggedConflict>, Failure> {
        let client = self.client().await?;
        let statement = Self::prepared(&client, FIND).await?;
        let row = client.query_opt(&statement, &[&space, &id]).await?;
        row.map(|row| conflict(&row, 0)).transpose()
    }

    pub(crate) async fn merged(
        &self,
        space: &str,
        since: Moment,
    ) -> Result<Vec<MergedHour>, Failure> {
        let client = self.client().await?;
        let statement = Self::prepared(&client, MERGED).await?;
        let rows = client
            .query(&statement, &[&space, &signed(since.0)])
            .await?;
        let hour = |row: &Row| MergedHour {
            collection: row.get(0),
            hour: Moment(unsigned(row, 1)),
            count: unsigned(row, 2),
        };
        Ok(rows.iter().map(hour).collect())
    }
}

/// An entry, by the columns from `at` on. An edit that cannot be read is damage.
fn conflict(row: &Row, at: usize) -> Result<LoggedConflict, Failure> {
    let text = |column: usize| row.get::<_, &str>(at + column);
    let place = |column: usize| {
        let (version, seq) = (maybe(row, at + column), maybe(row, at + column + 1));
        let both = version.zip(seq);
        both.map(|(version, seq)| VersionPlace { version, seq })
    };
    let body = Bytes::copy_from_slice(text(16).as_bytes());
    let logged = LoggedConflict {
        id: text(1).to_owned(),
        at: Moment(unsigned(row, at + 2)),
        key: Key::from_parts(text(3), text(4), text(5)),
        by: text(6).into(),
        agent: row.get::<_, Option<&str>>(at + 7).map(Into::into),
        method: text(8).to_owned(),
        kind: text(9).to_owned(),
        paths: paths(text(10)),
        base: place(11),
        current: place(13),
        edit: match row.get::<_, i16>(at + 15) {
            1 => LostEdit::Document(body),
            2 => LostEdit::MergePatch(body),
            3 => LostEdit::JsonPatch(body),
            4 => LostEdit::Deletion,
            other => {
                return Err(Failure::damaged(format!(
                    "there is no kind {other} of edit"
                )));
            }
        },
        settlement: settlement(row, at + OUTCOME)?,
    };
    Ok(logged.as_read()?)
}

fn paths(text: &str) -> Vec<String> {
    let Ok(Value::Array(items)) = json::parse(text.as_bytes()) else {
        return Vec::new();
    };
    let paths = items.iter().filter_map(Value::as_str);
    paths.map(str::to_owned).collect()
}
