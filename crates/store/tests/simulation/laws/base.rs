use std::collections::BTreeMap;

use detente_core::{Command, Condition, Edit, Key, Prepared, Seq, VersionTag};

use crate::answer::Version;

/// A write was performed: on the version that it names, or joined with what that version was, letter
/// by letter. Without its base an edit is never joined.
pub(super) fn heed(
    prepared: &Prepared,
    version: &Version,
    written: &BTreeMap<Seq, (Key, Version)>,
) -> Result<(), String> {
    let command = &*prepared.command;
    let merging = match &command.edit {
        Edit::Merge(merging) => Some(&**merging),
        _ => prepared.fallback.as_deref(),
    };
    if version.base.is_none() {
        return match named(command).is_none_or(|named| named.contains(&version.prev)) {
            true => Ok(()),
            false => Err("an edit of one version was performed on another".into()),
        };
    }
    let Some(base) = merging.and_then(|merging| merging.base.as_deref()) else {
        return match merging.is_some_and(|merging| merging.base_document.is_none()) {
            true => Ok(()),
            false => Err("an edit was joined without its base".into()),
        };
    };
    let is_own = match &command.edit {
        Edit::Merge(_) => true,
        _ => named(command).is_some_and(|named| named.contains(&Some(base.seq))),
    };
    let was = written.get(&base.seq);
    let is_as_it_was =
        was.is_some_and(|(key, was)| *key == command.key && was.body.as_ref() == Some(&base.body));
    match is_own && is_as_it_was {
        true => Ok(()),
        false => Err(format!(
            "an edit was joined with a base at {} that is not its own",
            base.seq
        )),
    }
}

/// The versions that If-Match names, if it names any.
fn named(command: &Command) -> Option<Vec<Option<Seq>>> {
    match &command.preconditions.if_match {
        Some(Condition::Tags(tags)) => {
            let tags = tags.iter().filter_map(VersionTag::from_entity_tag);
            Some(tags.map(|tag| Some(tag.seq)).collect())
        }
        _ => None,
    }
}
