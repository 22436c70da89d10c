use serde_json::Value;

use crate::parameters::MAX_LIMIT;
use crate::problem::problems;
use crate::schema::{
    ID, Saying, flag, moment, one_word_of, short_text_like, text, text_in, text_like, whole,
};

/// What a request can say outside its body.
#[derive(Debug)]
pub(crate) struct Parameter {
    /// Its name in the components of the description.
    pub(crate) key: &'static str,
    pub(crate) name: &'static str,
    pub(crate) place: ParameterIn,
    pub(crate) description: &'static str,
    pub(crate) schema: fn() -> Value,
    pub(crate) example: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParameterIn {
    Path,
    Query,
    Header,
}

pub(crate) static PARAMETERS: [&Parameter; 39] = [
    &COLLECTION,
    &ID_IN_PATH,
    &VERSION,
    &CONFLICT,
    &SLUG,
    &LIMIT,
    &CURSOR,
    &VERSION_CURSOR,
    &AFTER,
    &VERSION_NUMBER,
    &RESOURCE,
    &REL,
    &CONFLICT_CURSOR,
    &SORT,
    &COUNT,
    &SINCE,
    &LATEST,
    &INCLUDE,
    &DRY_RUN,
    &BREAK_LOCK,
    &ATOMIC,
    &OF_COLLECTION,
    &OF_DOCUMENT,
    &OF_ACTOR,
    &OF_KIND,
    &OF_OUTCOME,
    &OF_AGENT,
    &NOT_OF_AGENT,
    &LOGGED_SINCE,
    &LOGGED_UNTIL,
    &IF_MATCH,
    &IF_NONE_MATCH,
    &IF_UNMODIFIED_SINCE,
    &IF_MODIFIED_SINCE,
    &PREFER,
    &IDEMPOTENCY,
    &LOCK,
    &ACTOR,
    &LAST_EVENT_ID,
];

/// The name of a collection, as a part of a pattern.
pub(crate) const COLLECTION_NAME: &str = "[A-Za-z0-9][A-Za-z0-9_-]{0,62}";

/// Members' names, JSON Pointers or names of the server, with commas between; `-` in front reverses the
/// order.
const SORT_BY: &str = "^(-?(_id|_version|_updated_at|(/([^/~,]|~[01])*)+)|-?[^_/.,-][^.,]*|--[^.,]*)\
    (,(-?(_id|_version|_updated_at|(/([^/~,]|~[01])*)+)|-?[^_/.,-][^.,]*|--[^.,]*)){0,7}$";

/// The `seq` of a change, perhaps with the epoch of its log, or the current end of the feed.
const POSITION: &str = "^(now|0*[0-9]{1,18}(-[0-9a-f]{1,16})?)$";

/// The start of a page of the conflict log.
const BEFORE: &str = "^0*[0-9]{1,18}$";

/// A string in quotes (RFC 8941, section 3.3.3), or bare text, which many clients send.
pub(crate) const IDEMPOTENCY_KEY: &str =
    "^(\"([ !#-\\[\\]-~]|\\\\[\"\\\\])+\"|[!#-+\\--:<-\\[\\]-~]+)$";

/// A coded URL in angle brackets (RFC 4918, section 10.5), or bare.
pub(crate) const LOCK_TOKEN: &str = "^(<[!-~]+>|[!-;=-~][!-~]*)$";

const TAG: &str = "\"7-1f3a9c02\"";
const DATE: &str = "Sun, 22 Nov 2026 10:30:00 GMT";
const TIME: &str = "2026-11-22T10:30:00Z";

const fn parameter(
    place: ParameterIn,
    (key, name): (&'static str, &'static str),
    description: &'static str,
    schema: fn() -> Value,
) -> Parameter {
    Parameter {
        key,
        name,
        place,
        description,
        schema,
        example: None,
    }
}

const fn path(name: &'static str, description: &'static str, schema: fn() -> Value) -> Parameter {
    parameter(ParameterIn::Path, (name, name), description, schema)
}

const fn query(
    names: (&'static str, &'static str),
    description: &'static str,
    schema: fn() -> Value,
) -> Parameter {
    parameter(ParameterIn::Query, names, description, schema)
}

const fn field(
    names: (&'static str, &'static str),
    example: &'static str,
    description: &'static str,
    schema: fn() -> Value,
) -> Parameter {
    Parameter {
        example: Some(example),
        ..parameter(ParameterIn::Header, names, description, schema)
    }
}

pub(super) static RESOURCE: Parameter = query(
    ("resource", "resource"),
    "Whose storage is meant: `acct:`, the name of a space, `@` and the host (RFC 7033, section 4.1).",
    || text_like("^acct:.+@.+$"),
);

pub(super) static REL: Parameter = query(
    ("rel", "rel"),
    "Which relation is meant (RFC 7033, section 4.3).",
    text,
);

static COLLECTION: Parameter = path(
    "collection",
    "The name of a collection, declared or not.",
    || text_like(&format!("^{COLLECTION_NAME}$")),
);

static ID_IN_PATH: Parameter = path(
    "id",
    "The id of the document: 1 to 255 bytes of UTF-8 without `/` and control characters, percent-encoded \
     in the path. It must not begin with `_`.",
    || short_text_like(ID, 255),
);

static VERSION: Parameter = path("version", "The number of the version.", || {
    whole(1).and("format", "int64").and("maximum", i64::MAX)
});

static CONFLICT: Parameter = path("conflict", "The id of the conflict.", || text_in("uuid"));

static SLUG: Parameter = path("slug", "The last part of a problem's `type`.", || {
    let slugs: Vec<_> = problems().map(|row| row.slug).collect();
    text().and("enum", slugs)
});

pub(super) static LIMIT: Parameter = query(
    ("limit", "limit"),
    "The largest number of items to return.",
    || whole(1).and("maximum", MAX_LIMIT).and("default", 100),
);

pub(super) static CURSOR: Parameter = query(
    ("cursor", "cursor"),
    "Where to continue: `next` of the previous page. `sort` must be the same. Opaque.",
    || text_like("^[A-Za-z0-9_-]+$"),
);

pub(super) static VERSION_CURSOR: Parameter = query(
    ("versionCursor", "cursor"),
    "Where to continue: `next` of the previous page.",
    || text_like("^0*[1-9][0-9]{0,17}$"),
);

pub(super) static CONFLICT_CURSOR: Parameter = query(
    ("conflictCursor", "cursor"),
    "Where to continue: `next` of the previous page.",
    || text_like(BEFORE),
);

pub(super) static SORT: Parameter = query(
    ("sort", "sort"),
    "Up to 8 places with commas between, each once: the name of a member, a JSON Pointer (`/address/city`), \
     `_id` (the default), `_version` or `_updated_at`. A `-` in front reverses the order. Documents without \
     the member come first, then null, booleans, numbers, strings, arrays, objects. Where all are equal, \
     the ids decide, in the direction of the last place.",
    || text_like(SORT_BY),
);

pub(super) static COUNT: Parameter = query(
    ("count", "count"),
    "Whether to tell in `total` how many documents the list has in all. With filters, the whole collection \
     is read.",
    || flag().and("default", false),
);

pub(super) static SINCE: Parameter = query(
    ("since", "since"),
    "The place after which to begin: `last` of the previous page, the `seq` of a change, `0` for the \
     beginning, or `now`.",
    || text_like(POSITION).and("default", "0"),
);

pub(super) static LATEST: Parameter = query(
    ("latest", "latest"),
    "Whether to pass over versions that are not the newest of their document when they are read.",
    || flag().and("default", false),
);

pub(super) static INCLUDE: Parameter = query(
    ("include", "include"),
    "With `last`, a deletion has in `last_data` the document that it took away.",
    || one_word_of(&["last"]),
);

pub(super) static DRY_RUN: Parameter = query(
    ("dryRun", "dry_run"),
    "Whether to report what the merge would do, and store nothing.",
    || flag().and("default", false),
);

pub(super) static BREAK_LOCK: Parameter = query(
    ("breakLock", "break"),
    "Whether to take the lock away from its holder. On a server with tokens, the token must allow it.",
    || flag().and("default", false),
);

pub(super) static ATOMIC: Parameter = query(
    ("atomic", "atomic"),
    "Whether to perform all operations or none. With `false`, each operation succeeds or fails alone.",
    || flag().and("default", true),
);

pub(super) static AFTER: Parameter = query(
    ("after", "after"),
    "Only what has a name behind this one: `next` of the page before.",
    text,
);

pub(super) static VERSION_NUMBER: Parameter = query(
    ("versionNumber", "version"),
    "The number of the version to read.",
    || whole(1).and("format", "int64").and("maximum", i64::MAX),
);

pub(super) static OF_COLLECTION: Parameter = query(
    ("ofCollection", "collection"),
    "Only conflicts in this collection.",
    text,
);

pub(super) static OF_DOCUMENT: Parameter = query(
    ("ofDocument", "document"),
    "Only conflicts about documents with this id.",
    text,
);

pub(super) static OF_ACTOR: Parameter = query(
    ("ofActor", "by"),
    "Only conflicts of writes by this name.",
    text,
);

pub(super) static OF_KIND: Parameter = query(
    ("ofKind", "kind"),
    "Only conflicts of this kind: the last part of the problem's `type`.",
    text,
);

pub(super) static OF_OUTCOME: Parameter = query(
    ("ofOutcome", "outcome"),
    "Only conflicts with this outcome.",
    || one_word_of(&["open", "resolved", "dismissed"]),
);

pub(super) static OF_AGENT: Parameter = query(
    ("ofAgent", "agent"),
    "Only conflicts of writes whose `User-Agent` contains this.",
    text,
);

pub(super) static NOT_OF_AGENT: Parameter = query(
    ("notOfAgent", "not_agent"),
    "No conflicts of writes whose `User-Agent` contains this.",
    text,
);

pub(super) static LOGGED_SINCE: Parameter = Parameter {
    example: Some(TIME),
    ..query(
        ("loggedSince", "since"),
        "Only conflicts at this time or later.",
        moment,
    )
};

pub(super) static LOGGED_UNTIL: Parameter = Parameter {
    example: Some(TIME),
    ..query(
        ("loggedUntil", "until"),
        "Only conflicts before this time.",
        moment,
    )
};

// RFC 9110 defines entity tags and HTTP-dates; patterns for them would help nobody.

pub(super) static IF_MATCH: Parameter = field(
    ("ifMatch", "If-Match"),
    TAG,
    "Tags of the version that the request is about, as in `ETag`, or `*` for any version. Compared strongly.",
    text,
);

pub(super) static IF_NONE_MATCH: Parameter = field(
    ("ifNoneMatch", "If-None-Match"),
    TAG,
    "Tags of versions that the client already has; `*` for a document that must not exist yet. Compared \
     weakly.",
    text,
);

pub(super) static IF_UNMODIFIED_SINCE: Parameter = field(
    ("ifUnmodifiedSince", "If-Unmodified-Since"),
    DATE,
    "Like If-Match, but by `Last-Modified`. Ignored if there is an If-Match, or if the value is not an \
     HTTP-date.",
    text,
);

pub(super) static IF_MODIFIED_SINCE: Parameter = field(
    ("ifModifiedSince", "If-Modified-Since"),
    DATE,
    "Like If-None-Match, but by `Last-Modified`. Ignored if there is an If-None-Match, or if the value is not \
     an HTTP-date.",
    text,
);

pub(super) static PREFER: Parameter = field(
    ("prefer", "Prefer"),
    "conflict=merge",
    "`return=minimal` leaves the document out of the answer (RFC 7240). `conflict=merge` merges an edit of an \
     older version with the newer changes, if the two do not conflict; `conflict=reject` refuses such an \
     edit. Other preferences are ignored.",
    text,
);

pub(super) static IDEMPOTENCY: Parameter = field(
    ("idempotencyKey", "Idempotency-Key"),
    "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"",
    "Identifies this one write, so that sending it again does not perform it again. For a day, the server \
     repeats the first answer, with `Idempotent-Replayed`. A string in quotes (RFC 8941, section 3.3.3) or \
     bare text. Use a value that nobody has used before, such as a UUID. Refusals are not kept.",
    || short_text_like(IDEMPOTENCY_KEY, 255),
);

pub(super) static LOCK: Parameter = field(
    ("lockToken", "Lock-Token"),
    "<urn:uuid:0288a989-1f0e-45fe-9dca-d5f22f43b41c>",
    "The token from taking the lock, in angle brackets (RFC 4918, section 10.5) or bare. A token whose lock \
     has ended is refused, even if nobody holds a lock now.",
    || text_like(LOCK_TOKEN),
);

pub(super) static LAST_EVENT_ID: Parameter = field(
    ("lastEventId", "Last-Event-ID"),
    "0",
    "Where to continue an interrupted stream of server-sent events: the `seq` of its last event. Takes \
     precedence over `since`. On a page of JSON it has no effect, whatever it is.",
    text,
);

/// For every write on a server without tokens.
pub(crate) static ACTOR: Parameter = field(
    ("actor", "X-Actor"),
    "alice",
    "Who writes. Becomes `updated_by`; the default is `anonymous`. UTF-8 without control characters, at most \
     128 bytes.",
    || text_like("^[!-~]([ -~]{0,126}[!-~])?$"),
);
