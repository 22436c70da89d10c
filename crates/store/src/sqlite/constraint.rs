use std::ops::ControlFlow;
use std::sync::Arc;

use detente_core::rules::{Rules, Unique};
use detente_core::{CollectionKey, Stored};
use rusqlite::{OptionalExtension, Transaction, params};

use super::append::{Sqlite, claim};
use super::row::find_holder;
use crate::{Documents, Reader, Store, StoreError};

/// How many pairs of documents that collide are named.
const NAMED_AT_MOST: usize = 10;

/// Two stored documents have the same key of a constraint that is to hold from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConstraintConflict {
    pub collection: CollectionKey,
    pub constraint: String,
    pub holder: String,
    pub other: String,
}

impl Sqlite {
    /// Brings the stored keys in line with the constraints of `collection`: those that are new or
    /// changed are built from its documents, those that are gone are dropped.
    ///
    /// Returns the documents that collide, if any; then nothing was changed.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot be read or written.
    pub fn constrain(
        &mut self,
        collection: &str,
        rules: &Rules,
    ) -> Result<Vec<ConstraintConflict>, StoreError> {
        let reader = self.reader();
        let spaces = reader.collections()?;
        let spaces: Vec<_> = spaces
            .into_iter()
            .filter(|it| &*it.collection == collection)
            .collect();
        let transaction = self.connection.unchecked_transaction()?;
        drop_all_but(&transaction, collection, rules)?;
        let mut conflicts = Vec::new();
        for (index, unique) in rules.unique.iter().enumerate() {
            if is_built(&transaction, collection, unique)? {
                continue;
            }
            forget(&transaction, collection, &unique.name)?;
            for place in &spaces {
                build(
                    &transaction,
                    &reader,
                    place,
                    (index, unique),
                    &mut conflicts,
                )?;
            }
            note(&transaction, collection, unique)?;
        }
        if conflicts.is_empty() {
            transaction.commit()?;
        }
        Ok(conflicts)
    }
}

fn drop_all_but(
    transaction: &Transaction<'_>,
    collection: &str,
    rules: &Rules,
) -> Result<(), StoreError> {
    let mut statement =
        transaction.prepare("SELECT name FROM constraints WHERE collection = ?1")?;
    let names = statement.query_map([collection], |row| row.get::<_, String>(0))?;
    for name in names.collect::<Result<Vec<_>, _>>()? {
        if !rules.unique.iter().any(|unique| unique.name == name) {
            forget(transaction, collection, &name)?;
        }
    }
    Ok(())
}

fn forget(transaction: &Transaction<'_>, collection: &str, name: &str) -> Result<(), StoreError> {
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

fn is_built(
    transaction: &Transaction<'_>,
    collection: &str,
    unique: &Unique,
) -> Result<bool, StoreError> {
    let built: Option<String> = transaction
        .query_row(
            "SELECT definition FROM constraints WHERE collection = ?1 AND name = ?2",
            params![collection, unique.name],
            |row| row.get(0),
        )
        .optional()?;
    Ok(built == Some(unique.definition()))
}

fn note(
    transaction: &Transaction<'_>,
    collection: &str,
    unique: &Unique,
) -> Result<(), StoreError> {
    transaction.execute(
        "INSERT INTO constraints (collection, name, definition) VALUES (?1, ?2, ?3)",
        params![collection, unique.name, unique.definition()],
    )?;
    Ok(())
}

fn build(
    transaction: &Transaction<'_>,
    reader: &impl Reader,
    place: &CollectionKey,
    (index, unique): (usize, &Unique),
    conflicts: &mut Vec<ConstraintConflict>,
) -> Result<(), StoreError> {
    let mut failure = None;
    let mut visit =
        |stored: Arc<Stored>| {
            let document = stored.document();
            let Some(found) = document.and_then(|document| unique.claim(index, &document)) else {
                return ControlFlow::Continue(());
            };
            let outcome = find_holder(transaction, &place.space, &place.collection, &found)
                .and_then(|holder| match holder {
                    None => claim(transaction, &stored.key, &found),
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
    reader.documents(&asked, &mut visit)?;
    failure.map_or(Ok(()), Err)
}
