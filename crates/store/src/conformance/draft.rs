use std::sync::Arc;

use bytes::Bytes;
use detente_core::rules::{Rules, Unique};
use detente_core::{
    CollectionKey, CollectionRules, Command, Condition, Edit, Key, Preconditions, Proposal, Query,
    Rank, Sort, Unconditional,
};

use pollster::FutureExt;

use crate::{Listing, PageLimit, Reader};

pub(super) fn rules() -> Arc<CollectionRules> {
    Arc::new(CollectionRules {
        rules: Rules {
            unique: vec![Unique {
                name: "slot".into(),
                fields: vec!["/slot".parse().unwrap()],
                ignore_case: false,
                normalize: false,
                condition: None,
                error: None,
                message: None,
            }],
            ..Rules::default()
        },
        unconditional: Unconditional::Allow,
        history: None,
    })
}

pub(super) fn put(key: &Key, body: &str) -> Command {
    put_by(key, body, &rules().rules)
}

pub(super) fn put_by(key: &Key, body: &str, rules: &Rules) -> Command {
    let body = Bytes::copy_from_slice(body.as_bytes());
    let edit = Edit::Put(Proposal::check(rules, body, None).unwrap());
    Command::new(key.clone(), edit, "ann".into())
}

pub(super) fn delete(key: &Key) -> Command {
    Command {
        preconditions: Preconditions {
            if_match: Some(Condition::Any),
            ..Preconditions::default()
        },
        ..Command::new(key.clone(), Edit::Delete, "bob".into())
    }
}

pub(super) fn key(id: &str) -> Key {
    Key::new("default", "c", id).unwrap()
}

pub(super) fn place(space: &str, collection: &str) -> CollectionKey {
    CollectionKey::new(space, collection).unwrap()
}

pub(super) fn collect(
    reader: &impl Reader,
    collection: &CollectionKey,
    after: Option<&str>,
    descending: bool,
) -> Vec<String> {
    let sort = Sort {
        keys: Vec::new(),
        ids_descend: descending,
    };
    let listing = Listing {
        collection: collection.clone(),
        query: Query {
            filters: Vec::new(),
            sort,
        },
        limit: PageLimit::rows(1000),
        after: after.map(|id| Rank {
            values: Vec::new(),
            id: id.to_owned(),
        }),
        sight: None,
    };
    let listed = reader.list(&listing).block_on().unwrap();
    let ids = listed.documents.iter();
    ids.map(|stored| stored.key.id().to_owned()).collect()
}
