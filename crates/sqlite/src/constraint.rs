use std::ops::ControlFlow;
use std::sync::Arc;

use crate::failure::Failure;
use detente_core::rules::{Rules, Unique};
use detente_core::{CollectionKey, Stored};
use detente_store::{ConstraintConflict, Documents, UniqueKey};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::append::{Sqlite, hold};
use crate::read::Reads;
use crate::row::find_holder;

/// How many pairs of documents that collide are named.
const NAMED_AT_MOST: usize = 10;

/// What [`detente_store::Store::constrain`] does.
pub(crate) fn build(
    store: &Sqlite,
    rules: &[(&str, &Rules)],
) -> Result<Vec<ConstraintConflict>, Failure> {
    let reads = store.reads();
    // Asked for only where something is built: what is damaged elsewhere must not hold up a start.
    let mut places = None;
    let transaction = store.connection.unchecked_transaction()?;
    drop_all_but(&transaction, rules)?;
    let mut conflicts = Vec::new();
    for (collection, rules) in rules {
        for (index, unique) in rules.unique.iter().enumerate() {
            if is_built(&transaction, collection, unique)? {
                continue;
            }
            forget(&transaction, collection, &unique.name)?;
            if places.is_none() {
                places = Some(reads.collections()?);
            }
            let all = places.iter().flatten();
            for place in all.filter(|it| &*it.collection == *collection) {
                build_in(&transaction, &reads, place, (index, unique), &mut conflicts)?;
            }
            note(&transaction, collection, unique)?;
        }
    }
    if conflicts.is_empty() {
        transaction.commit()?;
    }
    Ok(conflicts)
}

/// Whether the stored keys of a collection are those of its rules.
pub(crate) fn are_built(
    connection: &Connection,
    collection: &str,
    rules: &Rules,
) -> Result<bool, Failure> {
    for unique in &rules.unique {
        if !is_built(connection, collection, unique)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn drop_all_but(transaction: &Transaction<'_>, rules: &[(&str, &Rules)]) -> Result<(), Failure> {
    let mut statement = transaction.prepare("SELECT collection, name FROM constraints")?;
    let rows = statement.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    for (collection, name) in rows.collect::<Result<Vec<_>, _>>()? {
        let is_wanted = rules.iter().any(|(declared, rules)| {
            *declared == collection && rules.unique.iter().any(|unique| unique.name == name)
        });
        if !is_wanted {
            forget(transaction, &collection, &name)?;
        }
    }
    Ok(())
}

fn forget(transaction: &Transaction<'_>, collection: &str, name: &str) -> Result<(), Failure> {
    let place = params![collection, name];
    transaction.execute(
        "DELETE FROM unique_keys WHERE collection = ?1 AND name = ?2",
        place,
    )?;
    transaction.execute(
        "DELETE FROM constraints WHERE collection = ?1 AND name = ?2",
        place,
    )?;
    Ok(())
}

fn is_built(transaction: &Connection, collection: &str, unique: &Unique) -> Result<bool, Failure> {
    let built: Option<String> = transaction
        .query_row(
            "SELECT definition FROM constraints WHERE collection = ?1 AND name = ?2",
            params![collection, unique.name],
            |row| row.get(0),
        )
        .optional()?;
    Ok(built == Some(unique.definition()))
}

fn note(transaction: &Transaction<'_>, collection: &str, unique: &Unique) -> Result<(), Failure> {
    transaction.execute(
        "INSERT INTO constraints (collection, name, definition) VALUES (?1, ?2, ?3)",
        params![collection, unique.name, unique.definition()],
    )?;
    Ok(())
}

fn build_in(
    transaction: &Transaction<'_>,
    reads: &Reads,
    place: &CollectionKey,
    (index, unique): (usize, &Unique),
    conflicts: &mut Vec<ConstraintConflict>,
) -> Result<(), Failure> {
    let mut failure = None;
    let mut visit =
        |stored: Arc<Stored>| {
            let document = stored.document();
            let Some(found) = document.and_then(|document| unique.claim(index, &document)) else {
                return ControlFlow::Continue(());
            };
            let outcome = find_holder(transaction, &place.space, &place.collection, &found)
                .and_then(|holder| match holder {
                    None => {
                        let key = UniqueKey::new(&stored.key, &found);
                        hold(transaction, &key, stored.key.id())
                    }
                    Some(holder) => {
                        conflicts.push(ConstraintConflict {
                            collection: place.clone(),
                            constraint: unique.name.clone(),
                            holder,
                            other: stored.key.id().to_owned(),
                        });
                        Ok(())
                    }
                });
            match outcome {
                Ok(()) if conflicts.len() < NAMED_AT_MOST => ControlFlow::Continue(()),
                Ok(()) => ControlFlow::Break(()),
                Err(error) => {
                    failure = Some(error);
                    ControlFlow::Break(())
                }
            }
        };
    let asked = Documents {
        collection: place,
        after: None,
        descending: false,
    };
    reads.documents(&asked, &mut visit)?;
    failure.map_or(Ok(()), Err)
}
