use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use bytes::Bytes;
use detente_core::json::{Value, parse};
use detente_core::merge::{Choices, merge};
use detente_core::{CollectionRules, Edit, Key, Merging, Prepared};

use crate::answer::Version;
use crate::collection::{integer, keys, place, rules_of};

/// What the counters must say: the last value that was set, and all that was added since.
#[derive(Default)]
pub(super) struct Ledgers(BTreeMap<Key, i64>);

/// Whether counters are counted together. Where they are not, two who count alike agree.
static COUNTS: LazyLock<bool> = LazyLock::new(|| {
    let count = |count: u64| parse(format!(r#"{{"count":{count}}}"#).as_bytes()).unwrap();
    let strategies = &rules_of(&keys()[0]).rules.strategies;
    let (base, both) = (count(1), count(2));
    let sides = (Some(&base), Some(&both), Some(&both));
    let joined = merge(sides.0, sides.1, sides.2, strategies, &Choices::new());
    joined.document == Some(count(3))
});

impl Ledgers {
    /// A write was performed; `theirs` is what it replaced.
    pub(super) fn heed(
        &mut self,
        prepared: &Prepared,
        rules: &CollectionRules,
        version: &Version,
        theirs: Option<&Bytes>,
    ) -> Result<(), String> {
        let document = |body: &Bytes| parse(body).map_err(|error| error.to_string());
        let result = version.body.as_ref().map(document).transpose()?;
        let theirs = theirs.map(document).transpose()?;
        let command = &*prepared.command;
        let merging = match &command.edit {
            Edit::Merge(merging) => Some(&**merging),
            _ => prepared.fallback.as_deref(),
        };
        let joined = merging.filter(|_| version.base.is_some());
        if joined.is_none() && version.base.is_some() {
            return Err("a version names a base, and nothing was joined".into());
        }
        let key = &command.key;
        let is_chosen = |merging: &Merging| {
            let mut chosen = merging.choices.keys();
            chosen.any(|path| place("/count").starts_with(path))
        };
        if let (Some(merging), Some(theirs)) = (joined, &theirs) {
            if version.base != Some(merging.base_version()) {
                return Err(format!("a joined version names base {:?}", version.base));
            }
            owes(merging, theirs, result.as_ref(), rules)?;
            self.count(key, merging, theirs);
        }
        if joined.is_none_or(is_chosen)
            && let Some(count) = result.as_ref().and_then(count)
        {
            self.0.insert(key.clone(), count);
        }
        match result.as_ref().and_then(count) {
            Some(count) if self.0.get(key) != Some(&count) => {
                let sum = self.0.get(key);
                Err(format!(
                    "the counter of {key:?} is {count}, its sum {sum:?}"
                ))
            }
            None => {
                self.0.remove(key);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn count(&mut self, key: &Key, merging: &Merging, theirs: &Value) {
        let of = |side: Option<&Value>| side.and_then(count);
        let (base, ours) = (merging.base_document.as_deref(), merging.ours.as_deref());
        let added = of(ours).unwrap_or(0) - of(base).unwrap_or(0);
        let is_agreed = !*COUNTS && of(ours) == count(theirs);
        if let Some(sum) = self.0.get_mut(key)
            && !is_agreed
        {
            *sum += added;
        }
    }
}

fn count(document: &Value) -> Option<i64> {
    integer(document, "count")
}

/// What one side alone changed keeps that change, and no member of a set is lost.
fn owes(
    merging: &Merging,
    theirs: &Value,
    result: Option<&Value>,
    rules: &CollectionRules,
) -> Result<(), String> {
    let (base, ours) = (merging.base_document.as_deref(), merging.ours.as_deref());
    let (Some(base), Some(ours), Some(result)) = (base, ours, result) else {
        return Ok(());
    };
    let sides = [base, ours, theirs].map(|side| side.as_object());
    let names: BTreeSet<&String> = sides
        .into_iter()
        .flatten()
        .flat_map(|it| it.keys())
        .collect();
    for name in names {
        let path = place("").child(name.as_str());
        if merging.choices.contains_key(&path) || merging.choices.contains_key(&place("")) {
            continue;
        }
        let [base, ours, theirs, result] = [base, ours, theirs, result].map(|it| it.get(name));
        let is_kept = match (ours == base, theirs == base) {
            (true, _) => result == theirs,
            (_, true) => result == ours,
            _ if rules.rules.strategies.name_at(&path) == "set" => {
                let added = |side| minus(side, base).iter().all(|it| has(result, it));
                let removed = |side| minus(base, side).iter().all(|it| !has(result, it));
                added(ours) && added(theirs) && removed(ours) && removed(theirs)
            }
            _ => true,
        };
        if !is_kept {
            return Err(format!("a merge lost an edit of {name}: {result:?}"));
        }
    }
    Ok(())
}

fn items(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(items)) => items,
        _ => &[],
    }
}

fn has(value: Option<&Value>, item: &Value) -> bool {
    items(value).contains(item)
}

fn minus<'a>(one: Option<&'a Value>, other: Option<&Value>) -> Vec<&'a Value> {
    items(one).iter().filter(|it| !has(other, it)).collect()
}
