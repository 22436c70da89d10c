use std::sync::Arc;

use detente_core::json::{Object, Value, object, parse};
use detente_core::{Lock, Moment};

/// What a lock says beside who holds it and until when, as text; `None` of one that says no more.
pub fn lock_terms(lock: &Lock) -> Option<String> {
    if !lock.is_deep && lock.sharers.is_none() {
        return None;
    }
    let mut terms = object([("deep", lock.is_deep.into())]);
    if let Some(sharers) = &lock.sharers {
        let sharers = sharers.iter().map(|it| Value::Object(sharer(it)));
        terms.extend(object([("sharers", Value::Array(sharers.collect()))]));
    }
    Some(Value::Object(terms).to_text())
}

fn sharer(lock: &Lock) -> Object {
    object([
        ("token", lock.token.to_string().into()),
        ("fencing", lock.fencing.into()),
        ("owner", lock.owner.as_str().into()),
        ("by", lock.by.to_string().into()),
        ("expires_at", lock.expires_at.0.into()),
        ("deep", lock.is_deep.into()),
    ])
}

/// The lock that says this besides; `None` if that is not what [`lock_terms`] made.
pub fn with_lock_terms(lock: Lock, terms: Option<&str>) -> Option<Lock> {
    let Some(terms) = terms else {
        return Some(lock);
    };
    let terms = parse(terms.as_bytes()).ok()?;
    let sharers = match terms.get("sharers") {
        None => None,
        Some(Value::Array(sharers)) => {
            let sharers = sharers.iter().map(read_sharer);
            Some(sharers.collect::<Option<Vec<_>>>()?)
        }
        Some(_) => return None,
    };
    Some(Lock {
        is_deep: is_true(&terms, "deep")?,
        sharers,
        ..lock
    })
}

fn read_sharer(value: &Value) -> Option<Lock> {
    let text = |name: &str| Some(value.get(name)?.as_str()?.to_owned());
    let number = |name: &str| match value.get(name)? {
        Value::Number(number) => number.as_whole(),
        _ => None,
    };
    Some(Lock {
        token: Arc::from(text("token")?),
        fencing: number("fencing")?,
        owner: text("owner")?,
        by: Arc::from(text("by")?),
        expires_at: Moment(number("expires_at")?),
        is_deep: is_true(value, "deep")?,
        sharers: Some(Vec::new()),
    })
}

fn is_true(value: &Value, name: &str) -> Option<bool> {
    match value.get(name)? {
        Value::Bool(it) => Some(*it),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_read_as_they_are_written() {
        let plain = Lock {
            token: "urn:a".into(),
            fencing: 7,
            owner: "<b>\u{1F512}</b>".into(),
            by: "ann".into(),
            expires_at: Moment(u64::MAX),
            is_deep: false,
            sharers: None,
        };
        assert_eq!(lock_terms(&plain), None);
        let other = Lock {
            fencing: 6,
            is_deep: true,
            sharers: Some(Vec::new()),
            ..plain.clone()
        };
        for lock in [
            plain.clone(),
            Lock {
                is_deep: true,
                ..plain.clone()
            },
            Lock {
                sharers: Some(vec![other]),
                ..plain.clone()
            },
            Lock {
                sharers: Some(Vec::new()),
                is_deep: true,
                ..plain.clone()
            },
        ] {
            let terms = lock_terms(&lock);
            let bare = plain.clone();
            assert_eq!(with_lock_terms(bare, terms.as_deref()), Some(lock));
        }
        for other in [
            "",
            "{}",
            "[]",
            r#"{"deep":1}"#,
            r#"{"deep":true,"sharers":[{}]}"#,
        ] {
            assert_eq!(with_lock_terms(plain.clone(), Some(other)), None, "{other}");
        }
    }
}
