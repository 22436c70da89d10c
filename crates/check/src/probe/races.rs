//! D: with many at once, does what holds for one client still hold?

mod append; // losers who read again, add to it, and try again
mod create; // many who create one resource
mod deletion; // DELETE beside PUT, and beside DELETE
mod held; // a body whose last byte comes late
mod members; // each writes a member of its own
mod mixture; // whole bodies without a precondition
mod once; // one Idempotency-Key, many requests
mod padding; // bodies that take their time
mod places; // several base URLs, protocols and logins
mod random; // whatever clients may do, and whether it could have been
mod readers; // reading while others write
mod resend; // an answer that was lost
mod round; // one race, and what is read after it
mod series; // races one after the other, and what so many allow to say
mod stock; // never less than nothing
mod transfer; // amounts that move, and their sum
mod transition; // what may succeed but once
mod unique; // many who take one name
mod wide; // bodies that carry their nonce in several members
mod winner; // many writers with one tag

pub(super) use append::append;
pub(super) use create::create;
pub(super) use deletion::{beside_put, many};
pub(super) use held::held_body;
pub(super) use members::members_apart;
pub(super) use mixture::mixture;
pub(super) use once::once;
pub(super) use places::places;
pub(super) use random::random;
pub(super) use readers::readers;
pub(super) use resend::resend;
pub(super) use stock::stock;
pub(super) use transfer::transfer;
pub(super) use transition::transition;
pub(super) use unique::unique;
pub(super) use winner::one_winner;

use super::Ruling;
use crate::lab::Lab;

/// Skips what a race could not show: whose write is refused has to be refused to one client, and told.
fn unruled(lab: &Lab) -> Option<Ruling> {
    match &lab.habits().guard {
        None => Some(Ruling::skipped(NO_RULE)),
        Some(_) => feigned(lab),
    }
}

/// Skips what goes by who was told that it was accepted.
fn feigned(lab: &Lab) -> Option<Ruling> {
    let is_feigned = lab.habits().feigns_success;
    is_feigned.then(|| Ruling::skipped(FEIGNED))
}

const FEIGNED: &str = "a stale write is answered like a stored one (C7), so the answers in a race do not show who won";
/// Why nothing races where one client alone can do the damage.
const NO_RULE: &str = "one client alone can overwrite what it never saw (B1, B2), so there is no rule that a race could break";
