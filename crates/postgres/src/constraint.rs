use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;

use detente_core::rules::{Rules, Unique};
use detente_core::{CollectionKey, Stored};
use detente_store::{ConstraintConflict, Documents};
use tokio_postgres::Transaction;
use uuid::Uuid;

use crate::arrays::value_digest;
use crate::failure::Failure;
use crate::node::Node;

/// How many pairs of documents that collide are named.
const NAMED_AT_MOST: usize = 10;

/// How many keys are written at a time.
const KEYS: usize = 1000;

/// By collection and name.
type Definitions = BTreeMap<(String, String), String>;

impl Node {
    /// What [`detente_store::Store::constrain`] does. Where something changes, all lanes are held
    /// meanwhile and moved, and commits by other constraints are refused from then on.
    pub(crate) async fn constrain(
        &self,
        rules: &[(&str, &Rules)],
    ) -> Result<Vec<ConstraintConflict>, Failure> {
        let wanted = definitions(rules);
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let row = transaction
            .query_one("SELECT rules FROM store FOR UPDATE", &[])
            .await?;
        let generation: i64 = row.get(0);
        let built = built(&transaction).await?;
        if built == wanted {
            transaction.commit().await?;
            self.set_rules(generation);
            return Ok(Vec::new());
        }
        // It is idle while other connections read the documents.
        transaction
            .batch_execute(
                "SET LOCAL idle_in_transaction_session_timeout = 0;
                 SELECT 1 FROM spaces ORDER BY space FOR UPDATE",
            )
            .await?;
        for ((collection, name), definition) in &built {
            if wanted.get(&(collection.clone(), name.clone())) != Some(definition) {
                drop_keys(&transaction, collection, name).await?;
            }
        }
        let mut conflicts = Vec::new();
        for (collection, rules) in rules {
            for (index, unique) in rules.unique.iter().enumerate() {
                let place = ((*collection).to_owned(), unique.name.clone());
                if built.get(&place) != wanted.get(&place) {
                    let keys = self.keys(collection, unique, index, &mut conflicts).await?;
                    write_keys(&transaction, collection, unique, &keys).await?;
                }
            }
        }
        if !conflicts.is_empty() {
            transaction.rollback().await?;
            return Ok(conflicts);
        }
        let generation = generation + 1;
        transaction
            .execute("UPDATE store SET rules = $1", &[&generation])
            .await?;
        transaction
            .execute(
                "UPDATE spaces SET turn = turn + 1, batch = $2, rules = $1",
                &[&generation, &Uuid::new_v4()],
            )
            .await?;
        transaction.commit().await?;
        self.set_rules(generation);
        for lane in self.all_lanes() {
            self.refresh_by(&client, &lane).await?;
        }
        Ok(Vec::new())
    }

    /// Whether the stored keys of a collection are those of its rules.
    pub(crate) async fn has_keys(&self, collection: &str, rules: &Rules) -> Result<bool, Failure> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let built = built(&transaction).await?;
        let wanted = definitions(&[(collection, rules)]);
        Ok(wanted
            .iter()
            .all(|(place, it)| built.get(place) == Some(it)))
    }

    /// The keys that documents have by a constraint, and who has each. All lanes are held meanwhile, so
    /// that what other connections read is all there is.
    async fn keys(
        &self,
        collection: &str,
        unique: &Unique,
        index: usize,
        conflicts: &mut Vec<ConstraintConflict>,
    ) -> Result<Vec<(CollectionKey, HashMap<String, String>)>, Failure> {
        let mut all = Vec::new();
        for place in self.collections().await? {
            if &*place.collection != collection {
                continue;
            }
            let mut keys = HashMap::<String, String>::new();
            let wanted = Documents {
                collection: &place,
                after: None,
                descending: false,
            };
            let visit = |stored: Arc<Stored>| {
                let document = stored.document();
                let claim = document.and_then(|it| unique.claim(index, &it));
                let Some(claim) = claim else {
                    return ControlFlow::Continue(());
                };
                let id = stored.key.id().to_owned();
                if let Some(holder) = keys.get(&claim.value) {
                    conflicts.push(ConstraintConflict {
                        collection: place.clone(),
                        constraint: unique.name.clone(),
                        holder: holder.clone(),
                        other: id,
                    });
                } else {
                    keys.insert(claim.value, id);
                }
                match conflicts.len() < NAMED_AT_MOST {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                }
            };
            self.walk(wanted, usize::MAX, visit).await?;
            all.push((place, keys));
        }
        Ok(all)
    }
}

fn definitions(rules: &[(&str, &Rules)]) -> Definitions {
    let mut definitions = Definitions::new();
    for (collection, rules) in rules {
        for unique in &rules.unique {
            let place = ((*collection).to_owned(), unique.name.clone());
            definitions.insert(place, unique.definition());
        }
    }
    definitions
}

async fn built(transaction: &Transaction<'_>) -> Result<Definitions, Failure> {
    let rows = transaction
        .query("SELECT collection, name, definition FROM constraints", &[])
        .await?;
    let definition = |row: &tokio_postgres::Row| ((row.get(0), row.get(1)), row.get(2));
    Ok(rows.iter().map(definition).collect())
}

async fn drop_keys(
    transaction: &Transaction<'_>,
    collection: &str,
    name: &str,
) -> Result<(), Failure> {
    for table in ["unique_keys", "constraints"] {
        let sql = format!("DELETE FROM {table} WHERE collection = $1 AND name = $2");
        transaction.execute(&sql, &[&collection, &name]).await?;
    }
    Ok(())
}

async fn write_keys(
    transaction: &Transaction<'_>,
    collection: &str,
    unique: &Unique,
    keys: &[(CollectionKey, HashMap<String, String>)],
) -> Result<(), Failure> {
    transaction
        .execute(
            "INSERT INTO constraints (collection, name, definition) VALUES ($1, $2, $3)",
            &[&collection, &unique.name, &unique.definition()],
        )
        .await?;
    let insert = transaction
        .prepare(
            "INSERT INTO unique_keys (space, collection, name, value, id)
             SELECT $1, $2, $3, r.* FROM unnest($4::bytea[], $5::text[]) r",
        )
        .await?;
    for (place, keys) in keys {
        let keys: Vec<_> = keys.iter().collect();
        for some in keys.chunks(KEYS) {
            let values: Vec<_> = some.iter().map(|(value, _)| value_digest(value)).collect();
            let ids: Vec<_> = some.iter().map(|(_, id)| id.as_str()).collect();
            transaction
                .execute(
                    &insert,
                    &[&&*place.space, &collection, &unique.name, &values, &ids],
                )
                .await?;
        }
    }
    Ok(())
}
