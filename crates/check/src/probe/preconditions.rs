//! B: with one client, is a stale write refused?

mod absent; // creating only what is not there, and writing without a precondition
mod dates; // If-Unmodified-Since
mod deletion; // DELETE, and what comes after it
mod forms; // lists, weak tags, `*`
mod invalid; // a request that is wrong for another reason, too
mod member; // a version in the body
mod siblings; // PATCH and DELETE beside PUT
mod stale; // the tag of a version that is gone, or that never was
mod unprotected; // no validator protects a write: two clients, and one edit is gone
mod untouched; // after a refusal

pub(super) use absent::{create_only, requires};
pub(super) use dates::refuses_old_dates;
pub(super) use deletion::stays_deleted;
pub(super) use forms::{any, list, weak};
pub(super) use invalid::original_error;
pub(super) use member::version_in_body;
pub(super) use siblings::siblings;
pub(super) use stale::{current_is_accepted, made_up_is_refused, stale_is_refused};
pub(super) use untouched::leaves_untouched;

use crate::lab::{Attempt, Guard, Halt, Lab, Reading, said};
use crate::model::{Exchange, Severity};
use crate::probe::Ruling;

/// What a resource offers to say which version a write began from: what is enforced, or else what is there.
fn offered(lab: &Lab, reading: &Reading) -> Option<Guard> {
    let enforced = lab.habits().guard.clone();
    enforced.or_else(|| all_offered(lab, reading).next())
}

/// Each validator that is there, whether anybody looks at it or not.
fn all_offered(lab: &Lab, reading: &Reading) -> impl Iterator<Item = Guard> {
    let members = lab.habits().version_members.iter().cloned();
    [Guard::Tag, Guard::Date]
        .into_iter()
        .chain(members.map(Guard::Member))
        .filter(|guard| guard.fits(reading))
}

/// Judges a write that had to be refused, by what is after the write.
async fn must_be_refused(
    lab: &Lab,
    before: &Reading,
    attempt: &Attempt,
    what: &str,
) -> Result<Ruling, Halt> {
    let after = lab.settled().await?;
    let written = after.shows(&attempt.nonce);
    let answer = said(&attempt.exchange);
    let ruling = match (attempt.exchange.status(), written) {
        (Some(status), true) if status.is_success() => Ruling::fail(
            Severity::Critical,
            format!(
                "a write with {what} was accepted ({answer}), and overwrote what somebody else had saved in the \
                 meantime"
            ),
        ),
        (Some(status), true) if status.is_client_error() => Ruling::fail(
            Severity::High,
            format!("a write with {what} was answered {answer}, but stored"),
        ),
        (_, true) => Ruling::fail(
            Severity::Critical,
            format!("a write with {what} was answered {answer}, and stored"),
        ),
        (Some(status), false) if status.is_success() => Ruling::fail(
            Severity::Medium,
            format!(
                "a write with {what} was answered {answer}, but not stored: the client believes that it was saved"
            ),
        ),
        (Some(status), false) => refusal(lab, status.as_u16(), what, &answer),
        (None, false) => Ruling::inconclusive(format!("a write with {what}: {answer}")),
    };
    Ok(if ruling.has_failed() {
        ruling
            .showing("before the write", &before.exchange)
            .showing(format!("the write with {what}"), &attempt.exchange)
            .showing("after the write", &after.exchange)
    } else {
        ruling.showing(format!("the write with {what}"), &attempt.exchange)
    })
}

fn refusal(lab: &Lab, status: u16, what: &str, answer: &str) -> Ruling {
    match status {
        412 => Ruling::pass(format!("a write with {what} is refused: {answer}")),
        409 if !lab.effort().strict => {
            Ruling::pass(format!("a write with {what} is refused: {answer}"))
        }
        400..=499 => Ruling::fail(
            Severity::Low,
            format!(
                "a write with {what} is refused with {answer}, which does not tell a client that its tag is stale"
            ),
        ),
        _ => Ruling::fail(
            Severity::Low,
            format!("a write with {what} is not stored, but answered {answer}"),
        ),
    }
}

/// Whether an answer is one to a conflict.
fn is_conflict(exchange: &Exchange) -> bool {
    matches!(
        exchange.status().map(|status| status.as_u16()),
        Some(409 | 412)
    )
}
