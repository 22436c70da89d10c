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
        title: "Is there a validator, and is it safe to ask for it?",
        holds: "an entity tag or Last-Modified is there, or a member of the body that is a version; GET and HEAD change nothing",
        why: "RFC 9110, section 8.8: without one a client cannot say which version its edit began from. Section 8.8.3: an entity \
         tag stands in quotes. Section 9.2.1: GET and HEAD only read.",
        access: Access::Read,
    }
    A2 {
        family: Family::Validators,
        severity: Severity::High,
        title: "Is an idle tag stable, and good for a write however it was read?",
        holds: "it stays while nobody writes, is the same at each base URL, and is accepted in If-Match whichever content coding it came with",
        why: "RFC 9110, section 8.8.1: a strong validator changes only when the representation does; section 8.8.3.3: each \
         content coding has its own.",
        access: Access::Read,
    }
    A3 {
        family: Family::Validators,
        severity: Severity::Critical,
        title: "Does a write change the validator?",
        holds: "the tag after a write differs from the one before",
        why: "RFC 9110, section 8.8.1: a validator that stays lets a stale copy pass for the current one.",
    }
    A4 {
        family: Family::Validators,
        severity: Severity::Medium,
        title: "Are two writes within a second told apart?",
        holds: "two writes within one second leave two tags",
        why: "RFC 9110, section 8.8.2.2: a date that counts in seconds is a weak validator.",
    }
    A5 {
        family: Family::Validators,
        severity: Severity::High,
        title: "Is the tag on a write's answer the tag of the next GET?",
        holds: "both are equal, or the answer has none",
        why: "RFC 9110, section 9.3.4: a validator on the answer to a PUT says that what was sent is stored as it was sent.",
    }
    A6 {
        family: Family::Validators,
        severity: Severity::Info,
        title: "Does a tag come back with the content it stood for?",
        holds: "a new tag, though the content is that of before",
        why: "RFC 9110, section 8.8.3: a tag made from the content is legal; it cannot tell that something came in between.",
    }
    B3 {
        family: Family::Preconditions,
        severity: Severity::High,
        title: "Is a write with the current tag accepted?",
        holds: "2xx, and what was written is there",
        why: "RFC 9110, section 13.1.1: the precondition holds, so the method is performed.",
    }
    B1 {
        family: Family::Preconditions,
        severity: Severity::Critical,
        title: "Is a write with a stale tag refused?",
        holds: "409 or 412, and what was there stays",
        why: "RFC 9110, section 13.1.1: a server MUST NOT perform the method when If-Match does not hold. This is the lost update; \
         where no validator protects a write, every concurrent edit is one.",
        role: Role::Protection,
    }
    B2 {
        family: Family::Preconditions,
        severity: Severity::Critical,
        title: "Is a write with a made-up tag refused?",
        holds: "409 or 412, and what was there stays",
        why: "RFC 9110, section 13.1.1: it names no representation that is there.",
    }
    B4 {
        family: Family::Preconditions,
        severity: Severity::Medium,
        title: "Does If-Match: * hold for what is there, and only for that?",
        holds: "2xx where something is; 412 where nothing is, and nothing is created",
        why: "RFC 9110, section 13.1.1: with * it holds if there is a current representation.",
    }
    B5 {
        family: Family::Preconditions,
        severity: Severity::Low,
        title: "Is a list of tags with the current one accepted?",
        holds: "2xx",
        why: "RFC 9110, section 13.1.1: If-Match is a list.",
    }
    B6 {
        family: Family::Preconditions,
        severity: Severity::Low,
        title: "Does If-Match compare strongly?",
        holds: "412 to the current tag, sent as a weak one",
        why: "RFC 9110, section 13.1.1: a weak tag never satisfies If-Match.",
    }
    B7 {
        family: Family::Preconditions,
        severity: Severity::High,
        title: "Does If-None-Match: * create, and never overwrite?",
        holds: "412 where something is, 201 where nothing is",
        why: "RFC 9110, section 13.1.2: it is how two clients who create one resource are told apart.",
    }
    B8 {
        family: Family::Preconditions,
        severity: Severity::Medium,
        title: "Is a write without a precondition refused?",
        holds: "428, and what was there stays",
        why: "RFC 6585, section 3: 428 lets a server insist, so that no client loses an update for not knowing of conditions.",
        role: Role::Insistence,
    }
    B9 {
        family: Family::Preconditions,
        severity: Severity::High,
        title: "Are PATCH and DELETE protected as well?",
        holds: "they answer as PUT does",
        why: "RFC 9110, section 13.2.1: preconditions hold for every method that changes the resource.",
    }
    B10 {
        family: Family::Preconditions,
        severity: Severity::Low,
        title: "Does If-Unmodified-Since refuse an old date?",
        holds: "412 to an old date; a current If-Match goes before it",
        why: "RFC 9110, sections 13.1.4 and 13.2.2: it is evaluated where there is no If-Match.",
    }
    B11 {
        family: Family::Preconditions,
        severity: Severity::Low,
        title: "Is what is wrong anyway told before the stale tag?",
        holds: "404, 401 or 400 as without a tag",
        why: "RFC 9110, section 13.2.1: preconditions are evaluated after the normal checks.",
    }
    B12 {
        family: Family::Preconditions,
        severity: Severity::Critical,
        title: "Is a stale version in the body refused?",
        holds: "a stale version is refused, by 409 or another 4xx",
        why: "A version that a client sends back is a promise that it is compared.",
        shown_by: ShownBy::Tester,
    }
    B13 {
        family: Family::Preconditions,
        severity: Severity::High,
        title: "Does a deleted resource stay deleted?",
        holds: "404, 409, 410 or 412 to a PUT with its last tag",
        why: "RFC 9110, section 13.1.1: what is gone has no tag that could match.",
    }
    B14 {
        family: Family::Preconditions,
        severity: Severity::High,
        title: "Does a refused write leave everything as it was?",
        holds: "what is read afterwards is what was read before",
        why: "RFC 9110, section 13.1.1: the method is not performed, not in part either.",
    }
    C7 {
        family: Family::Answers,
        severity: Severity::High,
        title: "Is a conflict never shown as a failure of the server, or as a success?",
        holds: "never 500, 503, or 2xx with an error in the body",
        why: "RFC 9110, sections 15.5.10 and 15.5.13: 409 and 412 are there for it; what looks like a failure is sent again.",
    }
    C1 {
        family: Family::Answers,
        severity: Severity::Medium,
        title: "Has the answer to a conflict a body?",
        holds: "it is not empty",
        why: "RFC 9110, section 15.5.10: it is to hold enough for the user to recognise the source of the conflict.",
    }
    C2 {
        family: Family::Answers,
        severity: Severity::Low,
        title: "Is it of a media type that says it is a problem?",
        holds: "application/problem+json, and `status` is that of the answer",
        why: "RFC 9457, section 3: one format, which clients know already; its status agrees with that of the answer.",
    }
    C3 {
        family: Family::Answers,
        severity: Severity::Medium,
        title: "Can a client go on from it?",
        holds: "three of five: a code, the current version, one's own, the fields, a link",
        why: "A code, the current version, one's own, which fields, where to go on: three of these, or else it has to guess.",
    }
    C4 {
        family: Family::Answers,
        severity: Severity::High,
        title: "Is the tag that it quotes the current one?",
        holds: "it is that of the next GET; or none is quoted",
        why: "A client that goes on from a wrong tag is refused for ever, or overwrites what it never saw.",
    }
    C5 {
        family: Family::Answers,
        severity: Severity::Medium,
        title: "Does it give away nothing of the inside?",
        holds: "no SQL, no stack trace, no paths",
        why: "RFC 9457, section 5: details are for clients, not for debugging; what they tell may help an attacker.",
    }
    C6 {
        family: Family::Answers,
        severity: Severity::Low,
        title: "Is one cause told in one way everywhere?",
        holds: "one status and one code for each stale write",
        why: "A client that handles a stale PUT should handle a stale DELETE by the same line.",
        builds_on: &["B1", "B9"],
    }
    C8 {
        family: Family::Answers,
        severity: Severity::Low,
        title: "Does 428 say how to write instead?",
        holds: "its body names If-Match, or the tag to send",
        why: "RFC 6585, section 3: the answer is to explain how to resubmit the request.",
        builds_on: &["B8"],
    }
    D1 {
        family: Family::Races,
        severity: Severity::Critical,
        title: "Of many writers with one tag, is exactly one accepted?",
        holds: "one 2xx in each race, and what is there is the winner's",
        why: "Check and write have to be one step: between the two, another write makes the check worthless.",
        cost: Cost { fixed: 60, each_race: 6 },
        shown_by: ShownBy::Tester,
    }
    D2 {
        family: Family::Races,
        severity: Severity::Critical,
        title: "Is the tag compared when the body is there, not when the head is?",
        holds: "409 or 412 to the held request, and the other's write stays",
        why: "RFC 9110, section 13.2.1: what counts is the state when the method is performed.",
        shown_by: ShownBy::Tester,
    }
    D3 {
        family: Family::Races,
        severity: Severity::Critical,
        title: "Of many who create one resource, does exactly one?",
        holds: "one 201 in each race, and what is there is the winner's",
        why: "RFC 9110, section 13.1.2: If-None-Match: * is there so that an accidental overwrite cannot happen.",
        cost: Cost { fixed: 7, each_race: 1 },
        shown_by: ShownBy::Tester,
    }
    D4 {
        family: Family::Races,
        severity: Severity::Critical,
        title: "Does what is unique stay unique when many take it at once?",
        holds: "one creation is accepted, and the list holds one",
        why: "Looking whether a name is free and taking it have to be one step.",
        shown_by: ShownBy::Tester,
    }
    D5 {
        family: Family::Races,
        severity: Severity::Critical,
        title: "Is a request with one Idempotency-Key performed once?",
        holds: "one resource; the same answer or 409 to the others; 422 to another payload",
        why: "The Idempotency-Key header field (draft-ietf-httpapi-idempotency-key-header), section 2: a client that sends again \
         relies on it.",
        shown_by: ShownBy::Tester,
    }
    D6 {
        family: Family::Races,
        severity: Severity::Critical,
        title: "Is what is there after a race of whole bodies exactly one of them?",
        holds: "what is there is one body, whole",
        why: "RFC 9110, section 9.3.4: PUT replaces the state by what was sent, not by parts of it.",
        cost: Cost { fixed: 28, each_race: 2 },
        shown_by: ShownBy::Tester,
    }
    D7 {
        family: Family::Races,
        severity: Severity::Critical,
        title: "Are two members that are patched at once both there?",
        holds: "both are there, or one was refused",
        why: "RFC 5789, section 2: a server applies the whole set of changes atomically; RFC 7396: what is not in a merge patch \
         stays.",
        cost: Cost { fixed: 37, each_race: 4 },
        shown_by: ShownBy::Tester,
    }
    D8 {
        family: Family::Races,
        severity: Severity::Critical,
        title: "Is no more sold than there is?",
        holds: "as many takes as there were at most, and the rest is what is left",
        why: "Looking whether there is some and taking it have to be one step.",
        shown_by: ShownBy::Tester,
    }
    D9 {
        family: Family::Races,
        severity: Severity::Critical,
        title: "Of a PUT and a DELETE with one tag, is one accepted?",
        holds: "one 2xx, and what is there agrees with it",
        why: "RFC 9110, section 13.1.1: after either of them the tag names nothing that is there.",
        cost: Cost { fixed: 25, each_race: 2 },
        shown_by: ShownBy::Tester,
    }
    D10 {
        family: Family::Races,
        severity: Severity::Medium,
        title: "Of many DELETEs with one tag, is one accepted?",
        holds: "one 2xx",
        why: "RFC 9110, section 13.1.1: what is gone matches no tag.",
        cost: Cost { fixed: 18, each_race: 2 },
        shown_by: ShownBy::Tester,
    }
    D11 {
        family: Family::Races,
        severity: Severity::Critical,
        title: "Does what may succeed but once succeed but once?",
        holds: "one 2xx",
        why: "A transition that is checked and then made lets two pass between the check and the change.",
        shown_by: ShownBy::Tester,
    }
    D12 {
        family: Family::Races,
        severity: Severity::High,
        title: "Do readers see whole versions, and never step back?",
        holds: "each body has the tag that it was written with; after an acknowledged write nobody reads an older one",
        why: "RFC 9110, section 8.8: a validator belongs to the representation that it comes with.",
        cost: Cost { fixed: 57, each_race: 2 },
        shown_by: ShownBy::Tester,
    }
    D13 {
        family: Family::Races,
        severity: Severity::Critical,
        title: "Do clients that read again and try again lose nothing?",
        holds: "every item is there, after a bounded number of tries",
        why: "It is what a good client does (RFC 9110, section 13.1.1); each of them is owed its item.",
        cost: Cost { fixed: 27, each_race: 1 },
        builds_on: &["B1"],
        shown_by: ShownBy::Tester,
    }
    D14 {
        family: Family::Races,
        severity: Severity::Medium,
        title: "Is a request that is sent again for want of an answer performed once?",
        holds: "it is there once",
        why: "RFC 9110, section 9.2.2: a client cannot know whether a request was performed whose answer it never saw.",
        shown_by: ShownBy::Tester,
    }
    D15 {
        family: Family::Races,
        severity: Severity::Critical,
        title: "Does all of it hold across base URLs, protocols and logins?",
        holds: "D1, D2 and D3 hold there, too",
        why: "A check that each process makes for itself is none.",
        role: Role::Reach,
        cost: Cost { fixed: 26, each_race: 6 },
        shown_by: ShownBy::Tester,
    }
    D16 {
        family: Family::Races,
        severity: Severity::Critical,
        title: "Could what random clients saw have been, one after the other?",
        holds: "an order exists in which each answer is right",
        why: "Herlihy and Wing 1990: linearizability, the one guarantee that a compare-and-set rests on.",
        shown_by: ShownBy::Tester,
    }
    D17 {
        family: Family::Races,
        severity: Severity::Critical,
        title: "Do transfers at once keep the sum?",
        holds: "the sum is that of before",
        why: "What is taken from one and given to another has to be one step.",
        shown_by: ShownBy::Tester,
    }
    E1 {
        family: Family::Description,
        severity: Severity::Info,
        title: "Does the description say what conflicts look like?",
        holds: "each write declares its precondition, 409 or 412 with a body, 428, and the tag",
        why: "Clients are made from the description: what it does not declare they do not handle.",
        access: Access::Read,
    }
}
