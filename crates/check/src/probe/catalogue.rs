use std::pin::Pin;

use super::{Ruling, answers, preconditions, races, validators};
use crate::lab::{Halt, Lab};
use crate::model::Severity;

/// One question to a resource.
pub(crate) struct Probe {
    pub id: &'static str,
    /// What is asked, as one line.
    pub title: &'static str,
    /// What is seen where it passes.
    pub holds: &'static str,
    /// How bad a failure can be.
    pub severity: Severity,
    /// Why it matters, and by which text.
    pub why: &'static str,
    pub run: Run,
}

impl Probe {
    /// Whether a request sent alone shows nothing: it takes many, or a byte held back.
    pub(crate) fn races(&self) -> bool {
        self.id.starts_with('D')
    }

    /// Whether what it asks stands in a body, where each write has to say another.
    pub(crate) fn is_of_bodies(&self) -> bool {
        self.id == "B12"
    }
}

type Run = for<'a> fn(&'a Lab) -> Pin<Box<dyn Future<Output = Result<Ruling, Halt>> + Send + 'a>>;

/// The entry of a probe: its function is called with the lab.
macro_rules! probe {
    ($id:literal, $severity:ident, $title:literal, $holds:literal, $why:literal, $run:expr) => {
        Probe {
            id: $id,
            title: $title,
            holds: $holds,
            severity: Severity::$severity,
            why: $why,
            run: |lab| Box::pin($run(lab)),
        }
    };
}

/// Those that have something to say of what cannot be written.
pub(crate) const READING: [&str; 2] = ["A1", "A2"];

/// Every probe of one resource, in the order in which they run: what is learnt first is built upon.
pub(crate) const PROBES: &[Probe] = &[
    probe!(
        "A1",
        Critical,
        "Is there a validator, and is it safe to ask for it?",
        "an entity tag or Last-Modified is there, or a member of the body that is a version; GET and HEAD change nothing",
        "RFC 9110, section 8.8: without one a client cannot say which version its edit began from. Section 8.8.3: an entity \
         tag stands in quotes. Section 9.2.1: GET and HEAD only read.",
        validators::is_there
    ),
    probe!(
        "A2",
        High,
        "Is an idle tag stable, and good for a write however it was read?",
        "it stays while nobody writes, is the same at each base URL, and is accepted in If-Match whichever content coding it came with",
        "RFC 9110, section 8.8.1: a strong validator changes only when the representation does; section 8.8.3.3: each \
         content coding has its own.",
        validators::is_stable
    ),
    probe!(
        "A3",
        Critical,
        "Does a write change the validator?",
        "the tag after a write differs from the one before",
        "RFC 9110, section 8.8.1: a validator that stays lets a stale copy pass for the current one.",
        validators::changes
    ),
    probe!(
        "A4",
        Medium,
        "Are two writes within a second told apart?",
        "two writes within one second leave two tags",
        "RFC 9110, section 8.8.2.2: a date that counts in seconds is a weak validator.",
        validators::has_resolution
    ),
    probe!(
        "A5",
        High,
        "Is the tag on a write's answer the tag of the next GET?",
        "both are equal, or the answer has none",
        "RFC 9110, section 9.3.4: a validator on the answer to a PUT says that what was sent is stored as it was sent.",
        validators::is_on_the_answer
    ),
    probe!(
        "A6",
        Info,
        "Does a tag come back with the content it stood for?",
        "a new tag, though the content is that of before",
        "RFC 9110, section 8.8.3: a tag made from the content is legal; it cannot tell that something came in between.",
        validators::comes_back
    ),
    probe!(
        "B3",
        High,
        "Is a write with the current tag accepted?",
        "2xx, and what was written is there",
        "RFC 9110, section 13.1.1: the precondition holds, so the method is performed.",
        preconditions::current_is_accepted
    ),
    probe!(
        "B1",
        Critical,
        "Is a write with a stale tag refused?",
        "409 or 412, and what was there stays",
        "RFC 9110, section 13.1.1: a server MUST NOT perform the method when If-Match does not hold. This is the lost update; \
         where no validator protects a write, every concurrent edit is one.",
        preconditions::stale_is_refused
    ),
    probe!(
        "B2",
        Critical,
        "Is a write with a made-up tag refused?",
        "409 or 412, and what was there stays",
        "RFC 9110, section 13.1.1: it names no representation that is there.",
        preconditions::made_up_is_refused
    ),
    probe!(
        "B4",
        Medium,
        "Does If-Match: * hold for what is there, and only for that?",
        "2xx where something is; 412 where nothing is, and nothing is created",
        "RFC 9110, section 13.1.1: with * it holds if there is a current representation.",
        preconditions::any
    ),
    probe!(
        "B5",
        Low,
        "Is a list of tags with the current one accepted?",
        "2xx",
        "RFC 9110, section 13.1.1: If-Match is a list.",
        preconditions::list
    ),
    probe!(
        "B6",
        Low,
        "Does If-Match compare strongly?",
        "412 to the current tag, sent as a weak one",
        "RFC 9110, section 13.1.1: a weak tag never satisfies If-Match.",
        preconditions::weak
    ),
    probe!(
        "B7",
        High,
        "Does If-None-Match: * create, and never overwrite?",
        "412 where something is, 201 where nothing is",
        "RFC 9110, section 13.1.2: it is how two clients who create one resource are told apart.",
        preconditions::create_only
    ),
    probe!(
        "B8",
        Medium,
        "Is a write without a precondition refused?",
        "428, and what was there stays",
        "RFC 6585, section 3: 428 lets a server insist, so that no client loses an update for not knowing of conditions.",
        preconditions::requires
    ),
    probe!(
        "B9",
        High,
        "Are PATCH and DELETE protected as well?",
        "they answer as PUT does",
        "RFC 9110, section 13.2.1: preconditions hold for every method that changes the resource.",
        preconditions::siblings
    ),
    probe!(
        "B10",
        Low,
        "Does If-Unmodified-Since refuse an old date?",
        "412 to an old date; a current If-Match goes before it",
        "RFC 9110, sections 13.1.4 and 13.2.2: it is evaluated where there is no If-Match.",
        preconditions::refuses_old_dates
    ),
    probe!(
        "B11",
        Low,
        "Is what is wrong anyway told before the stale tag?",
        "404, 401 or 400 as without a tag",
        "RFC 9110, section 13.2.1: preconditions are evaluated after the normal checks.",
        preconditions::original_error
    ),
    probe!(
        "B12",
        Critical,
        "Is a stale version in the body refused?",
        "a stale version is refused, by 409 or another 4xx",
        "A version that a client sends back is a promise that it is compared.",
        preconditions::version_in_body
    ),
    probe!(
        "B13",
        High,
        "Does a deleted resource stay deleted?",
        "404, 409, 410 or 412 to a PUT with its last tag",
        "RFC 9110, section 13.1.1: what is gone has no tag that could match.",
        preconditions::stays_deleted
    ),
    probe!(
        "B14",
        High,
        "Does a refused write leave everything as it was?",
        "what is read afterwards is what was read before",
        "RFC 9110, section 13.1.1: the method is not performed, not in part either.",
        preconditions::leaves_untouched
    ),
    probe!(
        "C7",
        High,
        "Is a conflict never shown as a failure of the server, or as a success?",
        "never 500, 503, or 2xx with an error in the body",
        "RFC 9110, sections 15.5.10 and 15.5.13: 409 and 412 are there for it; what looks like a failure is sent again.",
        answers::honest_status
    ),
    probe!(
        "C1",
        Medium,
        "Has the answer to a conflict a body?",
        "it is not empty",
        "RFC 9110, section 15.5.10: it is to hold enough for the user to recognise the source of the conflict.",
        answers::has_a_body
    ),
    probe!(
        "C2",
        Low,
        "Is it of a media type that says it is a problem?",
        "application/problem+json, and `status` is that of the answer",
        "RFC 9457, section 3: one format, which clients know already; its status agrees with that of the answer.",
        answers::media_type
    ),
    probe!(
        "C3",
        Medium,
        "Can a client go on from it?",
        "three of five: a code, the current version, one's own, the fields, a link",
        "A code, the current version, one's own, which fields, where to go on: three of these, or else it has to guess.",
        answers::usable
    ),
    probe!(
        "C4",
        High,
        "Is the tag that it quotes the current one?",
        "it is that of the next GET; or none is quoted",
        "A client that goes on from a wrong tag is refused for ever, or overwrites what it never saw.",
        answers::quoted_tag
    ),
    probe!(
        "C5",
        Medium,
        "Does it give away nothing of the inside?",
        "no SQL, no stack trace, no paths",
        "RFC 9457, section 5: details are for clients, not for debugging; what they tell may help an attacker.",
        answers::leaks_nothing
    ),
    probe!(
        "C6",
        Low,
        "Is one cause told in one way everywhere?",
        "one status and one code for each stale write",
        "A client that handles a stale PUT should handle a stale DELETE by the same line.",
        answers::consistent
    ),
    probe!(
        "C8",
        Low,
        "Does 428 say how to write instead?",
        "its body names If-Match, or the tag to send",
        "RFC 6585, section 3: the answer is to explain how to resubmit the request.",
        answers::says_how
    ),
    probe!(
        "D1",
        Critical,
        "Of many writers with one tag, is exactly one accepted?",
        "one 2xx in each race, and what is there is the winner's",
        "Check and write have to be one step: between the two, another write makes the check worthless.",
        races::one_winner
    ),
    probe!(
        "D2",
        Critical,
        "Is the tag compared when the body is there, not when the head is?",
        "409 or 412 to the held request, and the other's write stays",
        "RFC 9110, section 13.2.1: what counts is the state when the method is performed.",
        races::held_body
    ),
    probe!(
        "D3",
        Critical,
        "Of many who create one resource, does exactly one?",
        "one 201 in each race, and what is there is the winner's",
        "RFC 9110, section 13.1.2: If-None-Match: * is there so that an accidental overwrite cannot happen.",
        races::create
    ),
    probe!(
        "D4",
        Critical,
        "Does what is unique stay unique when many take it at once?",
        "one creation is accepted, and the list holds one",
        "Looking whether a name is free and taking it have to be one step.",
        races::unique
    ),
    probe!(
        "D5",
        Critical,
        "Is a request with one Idempotency-Key performed once?",
        "one resource; the same answer or 409 to the others; 422 to another payload",
        "The Idempotency-Key header field (draft-ietf-httpapi-idempotency-key-header), section 2: a client that sends again \
         relies on it.",
        races::once
    ),
    probe!(
        "D6",
        Critical,
        "Is what is there after a race of whole bodies exactly one of them?",
        "what is there is one body, whole",
        "RFC 9110, section 9.3.4: PUT replaces the state by what was sent, not by parts of it.",
        races::mixture
    ),
    probe!(
        "D7",
        Critical,
        "Are two members that are patched at once both there?",
        "both are there, or one was refused",
        "RFC 5789, section 2: a server applies the whole set of changes atomically; RFC 7396: what is not in a merge patch \
         stays.",
        races::members_apart
    ),
    probe!(
        "D8",
        Critical,
        "Is no more sold than there is?",
        "as many takes as there were at most, and the rest is what is left",
        "Looking whether there is some and taking it have to be one step.",
        races::stock
    ),
    probe!(
        "D9",
        Critical,
        "Of a PUT and a DELETE with one tag, is one accepted?",
        "one 2xx, and what is there agrees with it",
        "RFC 9110, section 13.1.1: after either of them the tag names nothing that is there.",
        races::beside_put
    ),
    probe!(
        "D10",
        Medium,
        "Of many DELETEs with one tag, is one accepted?",
        "one 2xx",
        "RFC 9110, section 13.1.1: what is gone matches no tag.",
        races::many
    ),
    probe!(
        "D11",
        Critical,
        "Does what may succeed but once succeed but once?",
        "one 2xx",
        "A transition that is checked and then made lets two pass between the check and the change.",
        races::transition
    ),
    probe!(
        "D12",
        High,
        "Do readers see whole versions, and never step back?",
        "each body has the tag that it was written with; after an acknowledged write nobody reads an older one",
        "RFC 9110, section 8.8: a validator belongs to the representation that it comes with.",
        races::readers
    ),
    probe!(
        "D13",
        Critical,
        "Do clients that read again and try again lose nothing?",
        "every item is there, after a bounded number of tries",
        "It is what a good client does (RFC 9110, section 13.1.1); each of them is owed its item.",
        races::append
    ),
    probe!(
        "D14",
        Medium,
        "Is a request that is sent again for want of an answer performed once?",
        "it is there once",
        "RFC 9110, section 9.2.2: a client cannot know whether a request was performed whose answer it never saw.",
        races::resend
    ),
    probe!(
        "D15",
        Critical,
        "Does all of it hold across base URLs, protocols and logins?",
        "D1, D2 and D3 hold there, too",
        "A check that each process makes for itself is none.",
        races::places
    ),
    probe!(
        "D16",
        Critical,
        "Could what random clients saw have been, one after the other?",
        "an order exists in which each answer is right",
        "Herlihy and Wing 1990: linearizability, the one guarantee that a compare-and-set rests on.",
        races::random
    ),
    probe!(
        "D17",
        Critical,
        "Do transfers at once keep the sum?",
        "the sum is that of before",
        "What is taken from one and given to another has to be one step.",
        races::transfer
    ),
];
