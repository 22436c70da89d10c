use std::pin::Pin;

use super::{Ruling, answers, preconditions, races, validators};
use crate::catalogue::Id;
use crate::lab::{Halt, Lab};

type Judging<'a> = Pin<Box<dyn Future<Output = Result<Ruling, Halt>> + Send + 'a>>;

/// Runs a probe on a resource; E1 is asked of a description, and not here.
pub(crate) async fn run(id: Id, lab: &Lab) -> Result<Ruling, Halt> {
    let judging: Judging<'_> = match id {
        Id::A1 => Box::pin(validators::is_there(lab)),
        Id::A2 => Box::pin(validators::is_stable(lab)),
        Id::A3 => Box::pin(validators::changes(lab)),
        Id::A4 => Box::pin(validators::has_resolution(lab)),
        Id::A5 => Box::pin(validators::is_on_the_answer(lab)),
        Id::A6 => Box::pin(validators::comes_back(lab)),
        Id::A7 => Box::pin(validators::is_exposed(lab)),
        Id::B3 => Box::pin(preconditions::current_is_accepted(lab)),
        Id::B1 => Box::pin(preconditions::stale_is_refused(lab)),
        Id::B2 => Box::pin(preconditions::made_up_is_refused(lab)),
        Id::B4 => Box::pin(preconditions::any(lab)),
        Id::B5 => Box::pin(preconditions::list(lab)),
        Id::B6 => Box::pin(preconditions::weak(lab)),
        Id::B7 => Box::pin(preconditions::create_only(lab)),
        Id::B8 => Box::pin(preconditions::requires(lab)),
        Id::B9 => Box::pin(preconditions::siblings(lab)),
        Id::B10 => Box::pin(preconditions::refuses_old_dates(lab)),
        Id::B11 => Box::pin(preconditions::original_error(lab)),
        Id::B12 => Box::pin(preconditions::version_in_body(lab)),
        Id::B13 => Box::pin(preconditions::stays_deleted(lab)),
        Id::B14 => Box::pin(preconditions::leaves_untouched(lab)),
        Id::C7 => Box::pin(answers::honest_status(lab)),
        Id::C1 => Box::pin(answers::has_a_body(lab)),
        Id::C2 => Box::pin(answers::media_type(lab)),
        Id::C3 => Box::pin(answers::usable(lab)),
        Id::C4 => Box::pin(answers::quoted_tag(lab)),
        Id::C5 => Box::pin(answers::leaks_nothing(lab)),
        Id::C6 => Box::pin(answers::consistent(lab)),
        Id::C8 => Box::pin(answers::says_how(lab)),
        Id::D1 => Box::pin(races::one_winner(lab)),
        Id::D2 => Box::pin(races::held_body(lab)),
        Id::D3 => Box::pin(races::create(lab)),
        Id::D4 => Box::pin(races::unique(lab)),
        Id::D5 => Box::pin(races::once(lab)),
        Id::D6 => Box::pin(races::mixture(lab)),
        Id::D7 => Box::pin(races::members_apart(lab)),
        Id::D8 => Box::pin(races::stock(lab)),
        Id::D9 => Box::pin(races::beside_put(lab)),
        Id::D10 => Box::pin(races::many(lab)),
        Id::D11 => Box::pin(races::transition(lab)),
        Id::D12 => Box::pin(races::readers(lab)),
        Id::D13 => Box::pin(races::append(lab)),
        Id::D14 => Box::pin(races::resend(lab)),
        Id::D15 => Box::pin(races::places(lab)),
        Id::D16 => Box::pin(races::random(lab)),
        Id::D17 => Box::pin(races::transfer(lab)),
        Id::E1 => return Ok(Ruling::skipped("this probe examines a description")),
    };
    judging.await
}
