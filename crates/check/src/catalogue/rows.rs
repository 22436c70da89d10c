use super::about::{About, Access, Cost, Family, Role, ShownBy};
use crate::model::Severity;

/// Makes a name for each row, so that none can be left without a function to run.
macro_rules! rows {
    ($($id:ident { $($column:ident: $value:expr,)* })*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Id {
            $($id,)*
        }

        pub(crate) const CATALOGUE: &[About] = &[$(About {
            id: stringify!($id),
            key: Id::$id,
            $($column: $value,)*
            ..About::USUAL
        },)*];
    };
}

// In the order in which they run: what is learnt first is built upon.
rows! {
    A1 {
        family: Family::Validators,
        severity: Severity::Critical,
        title: "GET identifies the version, and reading changes nothing",
        holds: "GET sends an entity tag, Last-Modified or a version member in the body; GET and HEAD change nothing",
        why: "RFC 9110, section 8.8: without a validator, a client cannot say which version its edit is based on. \
            Section 8.8.3: an entity tag needs double quotes. Section 9.2.1: GET and HEAD only read.",
        fix: "Send a strong ETag in double quotes with each GET and HEAD. Make sure that neither of them changes or \
            deletes anything.",
        access: Access::Read,
    }
    A2 {
        family: Family::Validators,
        severity: Severity::High,
        title: "The tag of an unchanged resource stays the same, and works for a write however it was read",
        holds: "the tag stays the same while nobody writes, is the same at each base URL, and is accepted in \
            If-Match with every content coding",
        why: "RFC 9110, section 8.8.1: a strong validator changes only when the representation does. Section \
            8.8.3.3: each content coding has its own tag.",
        fix: "Derive the tag from the stored version, not from the request, the node or the time. Give each content \
            coding its own tag, and accept each of them in If-Match.",
        access: Access::Read,
    }
    A3 {
        family: Family::Validators,
        severity: Severity::Critical,
        title: "A write changes the validator",
        holds: "the tag after a write differs from the tag before it",
        why: "RFC 9110, section 8.8.1: a validator that does not change lets a stale copy pass for the current one.",
        fix: "Change the ETag with every write: use a counter, a random value or a hash of the whole representation.",
    }
    A4 {
        family: Family::Validators,
        severity: Severity::Medium,
        title: "Two writes within one second have different validators",
        holds: "two writes within one second leave two tags",
        why: "RFC 9110, section 8.8.2.2: a date that counts in seconds is a weak validator.",
        fix: "Do not build the validator from a time in seconds. Use a counter, a random value or a hash of the \
            whole representation.",
    }
    A5 {
        family: Family::Validators,
        severity: Severity::High,
        title: "The tag in the answer to a write is the tag of the next GET",
        holds: "both tags are equal, or the answer has none",
        why: "RFC 9110, section 9.3.4: a validator in the answer to a PUT says that the body was stored as it was \
            sent.",
        fix: "Send the ETag of the stored version in the answer to a write, or send none.",
    }
    A6 {
        family: Family::Validators,
        severity: Severity::Info,
        title: "A tag never comes back with earlier content",
        holds: "a new tag, although the content is the same as before",
        why: "RFC 9110, section 8.8.3: a tag made from the content is legal, but it cannot show that something \
            happened in between.",
        fix: "Use a version counter or a random value for the ETag instead of a hash of the content.",
    }
    A7 {
        family: Family::Validators,
        severity: Severity::Medium,
        title: "A page of another origin that may read the resource can read its tag",
        holds: "Access-Control-Expose-Headers names ETag on 200, 304, 409 and 412; or no other origin is allowed",
        why: "Fetch Standard, CORS protocol: a script sees only a few header fields of an answer from another origin, \
            and ETag is not one of them. Without the tag it cannot send If-Match; without the answer to a conflict it \
            sees a network error.",
        fix: "Send Access-Control-Allow-Origin and Access-Control-Expose-Headers: ETag with every answer to another \
            origin, also with 304 and with refusals.",
        access: Access::Read,
    }
    B3 {
        family: Family::Preconditions,
        severity: Severity::High,
        title: "A write with the current tag is accepted",
        holds: "2xx, and the new version is stored",
        why: "RFC 9110, section 13.1.1: the precondition holds, so the method is performed.",
        fix: "Accept the ETag in If-Match exactly as GET sends it. If your tags are weak, make them strong: \
            If-Match never matches a weak one.",
    }
    B1 {
        family: Family::Preconditions,
        severity: Severity::Critical,
        title: "A write with a stale tag is refused",
        holds: "409 or 412, and the stored version stays",
        why: "RFC 9110, section 13.1.1: a server MUST NOT perform the method when If-Match does not hold. This is \
            the lost update; where no validator protects a write, every concurrent edit is one.",
        fix: "Send a strong ETag with each GET and each write. Compare If-Match with the current ETag in the same \
            step as the write. Answer 412 where they differ, and 428 where If-Match is missing.",
        role: Role::Protection,
    }
    B2 {
        family: Family::Preconditions,
        severity: Severity::Critical,
        title: "A write with a made-up tag is refused",
        holds: "409 or 412, and the stored version stays",
        why: "RFC 9110, section 13.1.1: a made-up tag names no current representation.",
        fix: "Accept If-Match only if it lists the current ETag. Answer 412 to any other tag, also to one in a \
            format that you never sent.",
    }
    B4 {
        family: Family::Preconditions,
        severity: Severity::Medium,
        title: "If-Match: * holds for a resource that exists, and only then",
        holds: "2xx if the resource exists; 412 if it does not, and nothing is created",
        why: "RFC 9110, section 13.1.1: * holds if there is a current representation.",
        fix: "Treat If-Match: * as \"the resource exists\". Answer 412 to a PUT that carries it where nothing \
            exists.",
    }
    B5 {
        family: Family::Preconditions,
        severity: Severity::Low,
        title: "If-Match accepts a list with the current tag",
        holds: "2xx",
        why: "RFC 9110, section 13.1.1: If-Match is a list.",
        fix: "Parse If-Match as a comma-separated list, and accept it if any of its tags is current.",
    }
    B6 {
        family: Family::Preconditions,
        severity: Severity::Low,
        title: "If-Match compares strongly",
        holds: "412 to the current tag, sent as a weak one",
        why: "RFC 9110, section 13.1.1: a weak tag never satisfies If-Match.",
        fix: "Compare the whole tag, including a W/ in front: a weak tag in If-Match never matches.",
    }
    B7 {
        family: Family::Preconditions,
        severity: Severity::High,
        title: "If-None-Match: * creates, and never overwrites",
        holds: "412 if the resource exists, 201 if it does not",
        why: "RFC 9110, section 13.1.2: it tells apart two clients that create one resource.",
        fix: "Answer 412 to a write with If-None-Match: * if the resource exists, and check that in the same step \
            as the creation.",
    }
    B8 {
        family: Family::Preconditions,
        severity: Severity::Medium,
        title: "A write without a precondition is refused",
        holds: "428, and the stored version stays",
        why: "RFC 6585, section 3: with 428 a server insists on a precondition, so that no client loses an update \
            because it knows nothing of them.",
        fix: "Answer 428 to a PUT, PATCH or DELETE of an existing resource that carries no precondition.",
        role: Role::Insistence,
    }
    B9 {
        family: Family::Preconditions,
        severity: Severity::High,
        title: "PATCH and DELETE are protected as well",
        holds: "they answer as PUT does",
        why: "RFC 9110, section 13.2.1: preconditions apply to every method that changes the resource.",
        fix: "Evaluate preconditions in one place for PUT, PATCH and DELETE, and demand them for all three or for \
            none.",
    }
    B10 {
        family: Family::Preconditions,
        severity: Severity::Low,
        title: "If-Unmodified-Since refuses an old date",
        holds: "412 to an old date; a current If-Match takes precedence over it",
        why: "RFC 9110, sections 13.1.4 and 13.2.2: it is evaluated where there is no If-Match.",
        fix: "If you send Last-Modified, compare If-Unmodified-Since with it where there is no If-Match, and ignore \
            it where there is one.",
    }
    B11 {
        family: Family::Preconditions,
        severity: Severity::Low,
        title: "Invalid requests are rejected before the tag is compared",
        holds: "404, 401 or 400, as without a tag",
        why: "RFC 9110, section 13.2.1: preconditions are evaluated after the normal checks.",
        fix: "Check authentication, existence and the body first, and evaluate preconditions after that.",
    }
    B12 {
        family: Family::Preconditions,
        severity: Severity::Critical,
        title: "A write with a stale version in the body is refused",
        holds: "409 or another 4xx to a stale version",
        why: "An API that asks for a version in the body promises to compare it.",
        fix: "Compare the version in the body with the current one in the same step as the write. Answer 409 where \
            they differ.",
        shown_by: ShownBy::Tester,
    }
    B13 {
        family: Family::Preconditions,
        severity: Severity::High,
        title: "A deleted resource stays deleted",
        holds: "404, 409, 410 or 412 to a PUT with its last tag",
        why: "RFC 9110, section 13.1.1: a deleted resource has no tag that could match.",
        fix: "Treat a deleted resource as absent when you evaluate If-Match: answer 412.",
    }
    B14 {
        family: Family::Preconditions,
        severity: Severity::High,
        title: "A refused write changes nothing",
        holds: "the resource reads the same before and after",
        why: "RFC 9110, section 13.1.1: the method is not performed, not even in part.",
        fix: "Evaluate preconditions before anything is written, or roll everything back: content, counters, \
            timestamps and tag.",
    }
    C7 {
        family: Family::Answers,
        severity: Severity::High,
        title: "A conflict never looks like a server error or like a success",
        holds: "never 500, 503, or 2xx with an error in the body",
        why: "RFC 9110, sections 15.5.10 and 15.5.13: 409 and 412 are meant for conflicts; clients send again what \
            looks like a server error.",
        fix: "Map failed preconditions and violated constraints to 409 or 412 before they reach the generic error \
            handler.",
    }
    C1 {
        family: Family::Answers,
        severity: Severity::Medium,
        title: "The answer to a conflict has a body",
        holds: "the body is not empty",
        why: "RFC 9110, section 15.5.10: the answer should hold enough for the user to recognise the source of the \
            conflict.",
        fix: "Send a body that says what the conflict is and how to go on.",
    }
    C2 {
        family: Family::Answers,
        severity: Severity::Low,
        title: "The answer to a conflict uses the media type for problems",
        holds: "application/problem+json, and `status` in the body equals the status of the answer",
        why: "RFC 9457, section 3: clients know this one format already.",
        fix: "Send application/problem+json with type, title, status and detail.",
    }
    C3 {
        family: Family::Answers,
        severity: Severity::Medium,
        title: "The answer to a conflict lets a client go on",
        holds: "three of five: a code, the current version, the client's own version, the fields in conflict, a link",
        why: "With less than three of them, a client has to guess.",
        fix: "Add a machine-readable code, the current version with its ETag, and the fields in conflict to the \
            answer.",
    }
    C4 {
        family: Family::Answers,
        severity: Severity::High,
        title: "The tag that the answer to a conflict quotes is current",
        holds: "the next GET sends the same tag; or none is quoted",
        why: "A client that goes on with a wrong tag is refused forever, or overwrites what it never saw.",
        fix: "Read the current tag in the same transaction that refused the write, and quote that one.",
    }
    C5 {
        family: Family::Answers,
        severity: Severity::Medium,
        title: "The answer to a conflict reveals no internals",
        holds: "no SQL, no stack trace, no paths",
        why: "RFC 9457, section 5: details are for clients, not for debugging, and may help an attacker.",
        fix: "Log the cause, and send only what the client can act on.",
    }
    C6 {
        family: Family::Answers,
        severity: Severity::Low,
        title: "All stale writes get the same answer",
        holds: "one status and one code for each stale write",
        why: "A client should be able to handle a stale PUT and a stale DELETE with the same code.",
        fix: "Choose one status, 412 or 409, and one code for stale writes, and use them for every method.",
        builds_on: &["B1", "B9"],
    }
    C8 {
        family: Family::Answers,
        severity: Severity::Low,
        title: "428 says how to write instead",
        holds: "the body names If-Match, or the tag to send",
        why: "RFC 6585, section 3: the answer should explain how to resubmit the request.",
        fix: "Say in the body of a 428 that If-Match is missing, and which ETag to send.",
        builds_on: &["B8"],
    }
    D1 {
        family: Family::Races,
        severity: Severity::Critical,
        title: "Of many writers with one tag, exactly one is accepted",
        holds: "one 2xx in each race, and the winner's version is stored",
        why: "Check and write have to be one step: between the two, another write makes the check worthless.",
        fix: "Check and write in one atomic step: UPDATE … WHERE id = ? AND version = ?, a compare-and-set, or a \
            lock that all processes share.",
        cost: Cost { fixed: 60, each_race: 6 },
        shown_by: ShownBy::Tester,
    }
    D2 {
        family: Family::Races,
        severity: Severity::Critical,
        title: "The tag is compared when the body is complete, not when the headers arrive",
        holds: "409 or 412 to the held request, and the other write stays",
        why: "RFC 9110, section 13.2.1: the state at the moment of the write counts.",
        fix: "Read the whole body first, and compare the tag in the same step as the write.",
        shown_by: ShownBy::Tester,
    }
    D3 {
        family: Family::Races,
        severity: Severity::Critical,
        title: "Of many who create one resource, exactly one succeeds",
        holds: "one 201 in each race, and the winner's version is stored",
        why: "RFC 9110, section 13.1.2: If-None-Match: * exists to prevent an accidental overwrite.",
        fix: "Create with one atomic step: INSERT with a unique key, or a put-if-absent. Do not look first and \
            write later.",
        cost: Cost { fixed: 7, each_race: 1 },
        shown_by: ShownBy::Tester,
    }
    D4 {
        family: Family::Races,
        severity: Severity::Critical,
        title: "A unique value stays unique when many take it at once",
        holds: "one creation is accepted, and the list holds one",
        why: "Looking whether a value is free and taking it have to be one step.",
        fix: "Let the database enforce the value with a unique constraint, and answer 409 to its violation.",
        shown_by: ShownBy::Tester,
    }
    D5 {
        family: Family::Races,
        severity: Severity::Critical,
        title: "A request with one Idempotency-Key is performed once",
        holds: "one resource; the same answer or 409 to the others; 422 to another payload",
        why: "The Idempotency-Key header field (draft-ietf-httpapi-idempotency-key-header), section 2: a client \
            that sends a request again relies on it.",
        fix: "Store the key in the same transaction as the write, with a unique constraint and a fingerprint of the \
            payload.",
        shown_by: ShownBy::Tester,
    }
    D6 {
        family: Family::Races,
        severity: Severity::Critical,
        title: "After a race of whole bodies, exactly one of them is stored",
        holds: "one body is stored, whole",
        why: "RFC 9110, section 9.3.4: PUT replaces the state with the whole body, not with parts of it.",
        fix: "Write all members of a PUT in one transaction.",
        cost: Cost { fixed: 28, each_race: 2 },
        shown_by: ShownBy::Tester,
    }
    D7 {
        family: Family::Races,
        severity: Severity::Critical,
        title: "Two members that are patched at once are both stored",
        holds: "both are stored, or one was refused",
        why: "RFC 5789, section 2: a server applies the whole set of changes atomically. RFC 7396: members that a \
            merge patch does not name stay.",
        fix: "Apply a patch in one transaction to the current version, and update only the members that it names.",
        cost: Cost { fixed: 37, each_race: 4 },
        shown_by: ShownBy::Tester,
    }
    D8 {
        family: Family::Races,
        severity: Severity::Critical,
        title: "No more is sold than there is",
        holds: "at most as many takes as there were, and the rest is left",
        why: "Looking whether there is some and taking it have to be one step.",
        fix: "Decrement with one atomic step: UPDATE … SET stock = stock - 1 WHERE stock > 0.",
        shown_by: ShownBy::Tester,
    }
    D9 {
        family: Family::Races,
        severity: Severity::Critical,
        title: "Of a PUT and a DELETE with one tag, one is accepted",
        holds: "one 2xx, and the stored state agrees with it",
        why: "RFC 9110, section 13.1.1: after either of them the tag is stale.",
        fix: "Check and delete in one atomic step: DELETE … WHERE id = ? AND version = ?.",
        cost: Cost { fixed: 25, each_race: 2 },
        shown_by: ShownBy::Tester,
    }
    D10 {
        family: Family::Races,
        severity: Severity::Medium,
        title: "Of many DELETEs with one tag, one is accepted",
        holds: "one 2xx",
        why: "RFC 9110, section 13.1.1: a deleted resource matches no tag.",
        fix: "Answer 2xx only to the DELETE that removed the resource: look at the number of rows it changed.",
        cost: Cost { fixed: 18, each_race: 2 },
        shown_by: ShownBy::Tester,
    }
    D11 {
        family: Family::Races,
        severity: Severity::Critical,
        title: "What may succeed only once succeeds only once",
        holds: "one 2xx",
        why: "If a transition is checked first and made later, two requests pass the check before the change.",
        fix: "Make the transition with one atomic step: UPDATE … SET state = 'b' WHERE state = 'a', and look at the \
            number of changed rows.",
        shown_by: ShownBy::Tester,
    }
    D12 {
        family: Family::Races,
        severity: Severity::High,
        title: "Readers see whole versions, and never go back in time",
        holds: "each body comes with its own tag; after an acknowledged write nobody reads an older version",
        why: "RFC 9110, section 8.8: a validator belongs to the representation that it comes with.",
        fix: "Read content and tag from one snapshot, and do not serve reads from a copy that lags behind \
            acknowledged writes.",
        cost: Cost { fixed: 57, each_race: 2 },
        shown_by: ShownBy::Tester,
    }
    D13 {
        family: Family::Races,
        severity: Severity::Critical,
        title: "Clients that read again and try again lose nothing",
        holds: "every item is stored, after a bounded number of tries",
        why: "A good client does exactly this (RFC 9110, section 13.1.1); none of its items may be lost.",
        fix: "Check and write in one atomic step, and answer 2xx only after the write is stored.",
        cost: Cost { fixed: 27, each_race: 1 },
        builds_on: &["B1"],
        shown_by: ShownBy::Tester,
    }
    D14 {
        family: Family::Races,
        severity: Severity::Medium,
        title: "A request that is sent again because its answer was lost is performed once",
        holds: "it is stored once",
        why: "RFC 9110, section 9.2.2: a client cannot know whether a request was performed if it never saw the \
            answer.",
        fix: "Support Idempotency-Key for requests that create, and store the key in the same transaction as the \
            write.",
        shown_by: ShownBy::Tester,
    }
    D15 {
        family: Family::Races,
        severity: Severity::Critical,
        title: "All of this holds across base URLs, protocols and logins",
        holds: "D1, D2 and D3 hold there, too",
        why: "A check that each process makes on its own protects nothing.",
        fix: "Check in the shared database, not in the memory of one process, and on one code path for all \
            protocols and logins.",
        role: Role::Reach,
        cost: Cost { fixed: 26, each_race: 6 },
        shown_by: ShownBy::Tester,
    }
    D16 {
        family: Family::Races,
        severity: Severity::Critical,
        title: "The history of random clients is linearizable",
        holds: "an order exists in which each answer is right",
        why: "Herlihy and Wing 1990: linearizability is the one guarantee that a compare-and-set rests on.",
        fix: "Make each write one atomic step on the current version, answer after it is stored, and read from the \
            same store.",
        shown_by: ShownBy::Tester,
    }
    D17 {
        family: Family::Races,
        severity: Severity::Critical,
        title: "Concurrent transfers keep the sum",
        holds: "the sum is the same as before",
        why: "Taking from one account and giving to the other have to be one step.",
        fix: "Change both accounts in one serializable transaction, or lock both rows in a fixed order.",
        shown_by: ShownBy::Tester,
    }
    E1 {
        family: Family::Description,
        severity: Severity::Info,
        title: "The description declares what conflicts look like",
        holds: "each write declares its precondition, 409 or 412 with a body, 428, and the tag",
        why: "Clients are generated from the description: they do not handle what it does not declare.",
        fix: "Declare If-Match, the ETag header, and 409, 412 and 428 with their bodies for each write.",
        access: Access::Read,
    }
}
