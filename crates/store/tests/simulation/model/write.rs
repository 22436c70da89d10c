use std::sync::Arc;

use bytes::Bytes;
use detente_core::json::{Value, parse};
use detente_core::merge::merge;
use detente_core::{
    CollectionRules, Command, Condition, Digest, Edit, EntityTag, Field, Key, LARGE, Merging,
    Patching, Prepared, Unconditional, VersionTag,
};

use super::{Entry, Model};
use crate::access::denied;
use crate::answer::{Refused, Told, Version, Why, own_token};
use crate::collection::{forbidding_rule, slot};

/// What a write leaves, if it is performed.
struct Made {
    /// `None`: it deletes.
    body: Option<Bytes>,
    /// Where it was joined with the current version: the version that its writer began from.
    base: Option<u64>,
}

impl Entry {
    fn tag(&self) -> EntityTag {
        let Version { seq, version, .. } = self.version;
        let digest = Digest::of(self.version.body.as_deref().unwrap_or_default());
        let tag = VersionTag {
            version,
            seq,
            digest,
        };
        tag.to_entity_tag()
    }
}

impl Model {
    pub(super) fn write(&mut self, prepared: &Prepared, rules: &CollectionRules) -> Told {
        let command = &*prepared.command;
        match self.judge(prepared, rules) {
            Ok(made) => {
                let version = self.apply(command, made);
                if let Some(keep) = rules.history {
                    self.cut(&command.key, keep);
                }
                Told::Applied(version)
            }
            Err(told) => told,
        }
    }

    fn apply(&mut self, command: &Command, made: Made) -> Version {
        let key = &command.key;
        let before = self.newest.get(key).cloned();
        let newest = before.as_ref().map(|it| &it.version);
        let document = made
            .body
            .as_ref()
            .map(|body| Arc::new(parse(body).unwrap()));
        let version = Version {
            seq: self.log.len() as u64 + 1,
            version: newest.map_or(1, |it| it.version + 1),
            prev: newest.map(|it| it.seq),
            base: made.base,
            by: Arc::clone(&command.by),
            at: newest.map_or(self.now, |it| it.at.max(self.now)),
            created: before.as_ref().is_none_or(|it| it.document.is_none()),
            body: made.body,
        };
        // What is gone cannot be held; and whose time has passed has lost the lock for good, once
        // somebody else wrote.
        if document.is_none() || self.held(key).is_none() {
            self.locks.remove(key);
        }
        let entry = Arc::new(Entry {
            key: key.clone(),
            version: version.clone(),
            document,
            before,
        });
        self.newest.insert(key.clone(), Arc::clone(&entry));
        self.log.push(entry);
        version
    }

    fn judge(&self, prepared: &Prepared, rules: &CollectionRules) -> Result<Made, Told> {
        let command = &*prepared.command;
        let newest = self.newest.get(&command.key).map(|it| &**it);
        let current = newest.filter(|it| it.document.is_some());
        let place = newest.map(|it| it.version.seq);
        let refuse = |why: Why| Refused::new(why);
        let joins = match self.admit(prepared, rules, newest, current) {
            Ok(joins) => joins,
            Err(refused) => return Err(Told::Refused(refused)),
        };
        let made = match (joins, current) {
            (Some(merging), Some(current)) => join(prepared, merging, current, rules)?,
            _ => change(prepared, current)?,
        };
        let new = made.body.as_ref().map(|body| parse(body).unwrap());
        let old = current.and_then(|it| it.document.as_deref());
        let is_restored = old.is_none() && matches!(command.edit, Edit::Restore(_));
        if let Some(deed) = denied(&command.key, &command.by, old, new.as_ref()) {
            return Err(Told::Refused(refuse(Why::Denied(deed))));
        }
        if let Some(rule) = forbidding_rule(&command.key, old, new.as_ref(), is_restored) {
            let why = match made.base {
                Some(_) => Why::UnmergeableState(rule.into()),
                None => Why::State(rule.into()),
            };
            return Err(Told::Refused(refuse(why).at(place)));
        }
        if let Some(holder) = new.as_ref().and_then(|new| self.rival(command, new)) {
            let why = match made.base {
                Some(_) => Why::UnmergeableKey,
                None => Why::Duplicate,
            };
            return Err(Told::Refused(refuse(why).at(place).by_holder(holder)));
        }
        Ok(made)
    }

    /// Whether the command may be performed as it stands (`None`) or joined (`Some`).
    fn admit<'a>(
        &self,
        prepared: &'a Prepared,
        rules: &CollectionRules,
        newest: Option<&Entry>,
        current: Option<&Entry>,
    ) -> Result<Option<&'a Merging>, Refused> {
        let command = &*prepared.command;
        let conditions = &command.preconditions;
        let place = newest.map(|it| it.version.seq);
        let refuse = |why: Why| Err(Refused::new(why));
        let names_one = conditions.if_match.is_some() || matches!(command.edit, Edit::Merge(_));
        let needs_one = matches!(command.edit, Edit::Merge(_) | Edit::Patch(_) | Edit::Delete);
        if current.is_none() && newest.is_some() && names_one {
            return Err(Refused::new(Why::Deleted).at(place));
        }
        if current.is_none() && needs_one {
            return refuse(Why::Missing);
        }
        match (self.held(&command.key), own_token(command)) {
            (Some(lock), token) if token != Some(&lock.token) => {
                return Err(Refused::new(Why::Locked).by_lock(lock));
            }
            (None, Some(_)) => return Err(Refused::new(Why::LockLost).at(place)),
            _ => {}
        }
        let matches = |condition: &Condition, equals: fn(&EntityTag, &EntityTag) -> bool| {
            current.is_some_and(|current| match condition {
                Condition::Any => true,
                Condition::Tags(tags) => tags.iter().any(|tag| equals(tag, &current.tag())),
            })
        };
        let is_stale = (conditions.if_match.as_ref())
            .is_some_and(|condition| !matches(condition, EntityTag::strong_eq));
        let is_met = (conditions.if_none_match.as_ref())
            .is_some_and(|condition| matches(condition, EntityTag::weak_eq));
        if is_stale && (prepared.fallback.is_none() || current.is_none()) {
            return Err(Refused::new(Why::Stale).at(current.map(|it| it.version.seq)));
        }
        let is_dated = conditions.if_match.is_none()
            && (conditions.if_unmodified_since.zip(current))
                .is_some_and(|(date, current)| !current.is_unmodified_since(date.second()));
        if is_dated {
            let why = Why::PreconditionFailed(Field::IfUnmodifiedSince);
            return Err(Refused::new(why).at(place));
        }
        if is_met {
            let why = Why::PreconditionFailed(Field::IfNoneMatch);
            return Err(Refused::new(why).at(place));
        }
        if is_stale {
            return Ok(prepared.fallback.as_deref());
        }
        if let Edit::Merge(merging) = &command.edit {
            return Ok(Some(&**merging));
        }
        let is_conditional = conditions.if_match.is_some()
            || conditions.if_none_match == Some(Condition::Any)
            || conditions.if_unmodified_since.is_some()
            || matches!(&command.edit, Edit::Patch(it) if it.patch.has_test());
        let is_careless = rules.unconditional == Unconditional::Reject && !is_conditional;
        match current.is_some() && is_careless {
            true => refuse(Why::ConditionRequired),
            false => Ok(None),
        }
    }

    /// Who else has the unique key of the document.
    fn rival(&self, command: &Command, new: &Value) -> Option<&str> {
        let wanted = slot(&command.key, new)?;
        if let Some(rivals) = &self.rivals {
            let is_it = |it: &&(Key, Value, String)| it.0 == command.key && it.1 == *wanted;
            return rivals.iter().find(is_it).map(|it| &*it.2);
        }
        let others = self.newest.iter().filter(|(key, _)| **key != command.key);
        let mut holders = others.filter(|(key, it)| {
            let document = it.document.as_deref();
            document.and_then(|document| slot(key, document)) == Some(wanted)
        });
        holders.next().map(|(key, _)| key.id())
    }
}

impl Entry {
    /// Whether whoever knows the state of that second surely knows this version.
    fn is_unmodified_since(&self, second: u64) -> bool {
        let at = self.version.at.second();
        let before = self.before.as_ref().map(|it| it.version.at.second());
        at < second || (at == second && before != Some(at))
    }
}

/// What an edit makes of the current document, joined with nothing.
fn change(prepared: &Prepared, current: Option<&Entry>) -> Result<Made, Told> {
    let body = match (&prepared.command.edit, current) {
        (Edit::Put(proposal) | Edit::Restore(proposal), _) => Some(proposal.body.clone()),
        (Edit::Patch(patching), Some(current)) => Some(patch(prepared, patching, current)?),
        _ => None,
    };
    Ok(Made { body, base: None })
}

fn patch(prepared: &Prepared, patching: &Patching, current: &Entry) -> Result<Bytes, Told> {
    let seq = current.version.seq;
    let body = current.version.body.as_ref().expect("it is a document");
    must_be_quick(prepared, body.len(), seq)?;
    let document = current.document.as_deref().expect("it is a document");
    let patched = patching.patch.apply(document, patching.max_bytes);
    let patched = patched.map_err(|_| Told::Refused(Refused::new(Why::Patch).at(Some(seq))))?;
    text(&patched, patching.max_bytes).ok_or_else(|| Told::Refused(Refused::new(Why::Invalid)))
}

fn join(
    prepared: &Prepared,
    merging: &Merging,
    current: &Entry,
    rules: &CollectionRules,
) -> Result<Made, Told> {
    let seq = current.version.seq;
    let theirs = current.document.as_deref().expect("it is a document");
    let body = current.version.body.as_ref().expect("it is a document");
    let base_len = merging.base.as_ref().map_or(0, |base| base.body.len());
    must_be_quick(prepared, body.len().max(base_len), seq)?;
    let (base, ours) = (merging.base_document.as_deref(), merging.ours.as_deref());
    let strategies = &rules.rules.strategies;
    let onto = |theirs: &Value| merge(base, ours, Some(theirs), strategies, &merging.choices);
    let joined = onto(theirs);
    // A choice holds for what was seen when it was made.
    let is_outdated = !merging.choices.is_empty()
        && merging.seen.as_deref().is_some_and(|seen| {
            let chosen = onto(seen).chosen;
            joined.chosen.iter().any(|it| !chosen.contains(it))
        });
    let refuse = |why: Why| Told::Refused(Refused::new(why));
    if !joined.is_clean() || is_outdated {
        return Err(Told::Refused(Refused::new(Why::Stale).at(Some(seq))));
    }
    let began_from = merging.base.as_ref().map(|base| base.seq);
    let base = (began_from != Some(seq)).then(|| merging.base_version());
    let Some(document) = joined.document else {
        return Ok(Made { body: None, base });
    };
    match (text(&document, merging.max_bytes), base) {
        (Some(body), base) => Ok(Made {
            body: Some(body),
            base,
        }),
        (None, None) => Err(refuse(Why::Invalid)),
        (None, Some(_)) => {
            let refused = Refused::new(Why::UnmergeableSchema);
            Err(Told::Refused(refused.at(Some(seq))))
        }
    }
}

fn must_be_quick(prepared: &Prepared, len: usize, seq: u64) -> Result<(), Told> {
    let is_ready = prepared.ahead.as_ref().is_some_and(|it| it.seq == seq);
    match len > LARGE && !prepared.must_decide && !is_ready {
        true => Err(Told::Behind(seq)),
        false => Ok(()),
    }
}

/// A document as it is stored, if it can be.
fn text(document: &Value, max_bytes: usize) -> Option<Bytes> {
    let text = document.as_object().map(|_| document.to_text())?;
    (text.len() <= max_bytes).then(|| Bytes::from(text))
}
