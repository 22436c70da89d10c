use detente_core::json::Pointer;
use detente_core::{EntityTag, Field};
use detente_service::{Divergence, Naming};

use super::obstacle;

pub(super) const LOCK_LOST: &str = "Lock-Token names no lock that is held: its time has passed, or it was released or \
     broken. Others may have written since: take a new lock, and read before you write.";
pub(super) const CHOICES: &str = "Choices hold for the version that they were made on: name it in \"current\", by the \
     tag that came with the conflict.";
pub(super) const BASE_GONE: &str = "The version that your edit began from is no longer kept, so nobody can tell your \
     changes from theirs. GET the document and make the edit anew.";
pub(super) const VERSION_GONE: &str = "names a version that is no longer kept, so nobody can tell your changes from \
     theirs. GET the document and make the edit anew.";
pub(super) const LOGGED_BASE_GONE: &str = "The version that the edit began from is no longer kept. Make the edit anew, and \
     dismiss this conflict.";
pub(super) const LOGGED_BASE_UNKNOWN: &str = "The edit changes or deletes a document, and the version that it was made for \
     is not known. Make it anew, and dismiss this conflict.";
pub(super) const NOT_RESOLVED_HERE: &str = "The conflict is about a file. Send the content again, with the tag of \
    the current version or under another path; or dismiss the conflict.";

pub(super) const NOTHING_TO_RESOLVE: &str =
    "There is no document to change any more. Dismiss this conflict.";
pub(super) const IN_PROGRESS: &str =
    "A request with this Idempotency-Key is still being worked on.";
pub(super) const KEY_REUSED: &str =
    "This Idempotency-Key came with another request before. Use a new key for a new request.";
pub(super) const RECEIPT_GONE: &str =
    "This was performed before; the version that it left is no longer kept.";
const WEAK: &str = "If-Match names the current version, but by a weak tag, which never matches (RFC 9110, \
     section 13.1.1). Proxies that compress make tags weak.";
const FOREIGN: &str = "The tag is none of this server's: a proxy on the way may have changed it.";
pub(super) const NOT_PERFORMED: &str =
    "This operation was not refused; another one of the batch was, so none was performed.";
pub(super) const DAMAGED: &str =
    "What is stored is not what was written there. The server's log names what is damaged.";

pub(super) const FULL: &str = "The disk is full. Nothing was written; reading goes on.";

/// Who saved what since the edit began, and where the two stand to each other. `failed` is the
/// precondition that does not hold, if it is not If-Match; `rests_on` the operation of a batch that
/// changes the document first; `noun` what the write is about.
pub(super) fn of_stale(
    divergence: &Divergence,
    failed: Option<Field>,
    rests_on: Option<usize>,
    noun: &str,
) -> String {
    if let Some(operation) = rests_on {
        return resting(operation, failed);
    }
    let Some(current) = &divergence.current else {
        return format!("There is no such {noun}, and If-Match asks for one.");
    };
    let saved = format!("{} saved version {}", current.by, current.version);
    match failed {
        None | Some(Field::IfMatch) => of_if_match(divergence, &saved),
        Some(Field::IfNoneMatch) => {
            format!("If-None-Match does not hold: there is such a {noun} already; {saved}.")
        }
        Some(field) => format!("{} does not hold: {saved}.", field.name()),
    }
}

fn resting(operation: usize, failed: Option<Field>) -> String {
    let first = format!("Operation {operation} of this batch changes the document first, so");
    let undone = "Nothing was performed: make one operation of the two.";
    match failed {
        Some(field) => format!("{first} {} would not hold any more. {undone}", field.name()),
        None => format!(
            "{first} the version that this one names would not be current any more. {undone}"
        ),
    }
}

fn of_if_match(divergence: &Divergence, saved: &str) -> String {
    let never = "it never had the version that If-Match names.";
    match (divergence.naming, &divergence.base) {
        (Naming::Weakly, _) => WEAK.into(),
        (Naming::Foreign, _) => format!("{saved}; {never} {FOREIGN}"),
        (Naming::Another, _) => {
            format!(
                "If-Match does not hold: it names another version than the current one; {saved}."
            )
        }
        (Naming::Base, None) => format!("{saved}; {never}"),
        (Naming::Base, Some(base)) => {
            let begun = format!("your edit began from version {}.", base.version);
            format!("{saved}; {begun} {}", relation(divergence, base.version))
        }
    }
}

pub(super) fn of_missing_condition(verb: &str, noun: &str) -> String {
    let does = match verb {
        "DELETE" => "deletes",
        "PATCH" => "changes",
        _ => "overwrites",
    };
    let changes = if verb == "DELETE" {
        "deletes"
    } else {
        "changes"
    };
    format!(
        "{verb} {changes} a {noun} that exists. GET it, and send its ETag back in If-Match; \
         If-Match: * {does} whatever is there."
    )
}

pub(super) fn of_read(field: Field, tag: &EntityTag) -> String {
    let name = field.name();
    match field {
        Field::IfMatch => format!("{name} names another version than {tag}."),
        _ => format!("{name} does not hold: {tag} may be newer."),
    }
}

/// Where the two edits stand to each other.
fn relation(divergence: &Divergence, base: u64) -> String {
    if let Some(misfit) = &divergence.misfit {
        let place = misfit.to_string();
        return format!("Your patch does not fit version {base}: there is no {place:?}.");
    }
    let alike: Vec<_> = divergence.agreements.iter().map(field_name).collect();
    match (divergence.fields.as_slice(), alike.as_slice()) {
        ([], []) => "Your changes and theirs do not overlap.".into(),
        ([], alike) => format!("Both of you changed {} in the same way.", listed(alike)),
        (fields, _) => format!(
            "Both of you changed {}.{}",
            listed(fields),
            obstacles(divergence)
        ),
    }
}

/// Why a strategy could not join the place that it is declared for: the first of them.
fn obstacles(divergence: &Divergence) -> String {
    let clashes = divergence.clashes.iter();
    let first = clashes
        .filter_map(|it| Some((it, it.obstacle.as_ref()?)))
        .next();
    first.map_or_else(String::new, |(clash, it)| {
        format!(" {}", obstacle::sentence(clash, it))
    })
}

pub(super) fn of_unmergeable(divergence: &Divergence, rests_on: Option<usize>) -> String {
    let broken = divergence
        .clashes
        .iter()
        .filter_map(|it| it.broken.as_ref());
    let messages: Vec<_> = broken.map(|it| it.message.as_str()).collect();
    let (named, left) = messages.split_at(messages.len().min(NAMED));
    let more = match left.len() {
        0 => String::new(),
        count => format!("; and {count} more"),
    };
    let by = divergence.current.as_ref().map(|it| &*it.by);
    let theirs = match rests_on {
        Some(operation) => format!("operation {operation} of this batch would leave"),
        None => format!("{} saved", by.unwrap_or_default()),
    };
    format!(
        "Joined with what {theirs}, your edit would break a rule that neither breaks alone: {}{more}.",
        named.join("; ").trim_end_matches('.')
    )
}

/// A top-level member by its name, anything deeper by its pointer.
pub(super) fn field_name(pointer: &Pointer) -> String {
    match pointer.tokens() {
        [name] => name.clone(),
        _ => pointer.to_string(),
    }
}

/// A sentence names so many members, or mistakes, at most; `conflicts` has more.
const NAMED: usize = 10;

pub(super) fn listed(names: &[String]) -> String {
    match names {
        names if names.len() > NAMED => {
            let named = names[..NAMED].join(", ");
            format!("{named} and {} more", names.len() - NAMED)
        }
        [] => String::new(),
        [name] => name.clone(),
        [names @ .., last] => format!("{} and {last}", names.join(", ")),
    }
}

pub(super) fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}
