use std::collections::BTreeMap;

use detente_core::{Key, Moment, Seq};

use crate::answer::Version;
use crate::collection::rules_of;

/// Those versions, of all that were written, that must still be there at a time that was never
/// passed: by the rules of their collection, and by nothing else.
pub(super) fn must_stay(
    written: &BTreeMap<Seq, (Key, Version)>,
    latest: Moment,
) -> impl Iterator<Item = Seq> {
    let mut newest: BTreeMap<&Key, &Version> = BTreeMap::new();
    let mut followed: BTreeMap<Seq, Moment> = BTreeMap::new();
    for (key, version) in written.values() {
        if let Some(before) = newest.insert(key, version) {
            followed.insert(before.seq, version.at);
        }
    }
    written.iter().filter_map(move |(seq, (key, version))| {
        let (Some(keep), Some(until)) = (rules_of(key).history, followed.get(seq)) else {
            return Some(*seq);
        };
        let is_late = version.version + keep.versions > newest[key].version;
        let is_young = until.0 + keep.age_ms >= latest.0;
        (is_late || is_young).then_some(*seq)
    })
}
