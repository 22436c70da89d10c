use super::padding::Padding;
use crate::client::{Actor, Volley};
use crate::lab::{Halt, Lab, Nonce, Reading};
use crate::model::{Effect, Exchange};
use url::Url;

/// Who writes, and where: a session and the resource under one of its base URLs.
pub(super) type Writer = (Actor, Url);
pub(super) type Crew = Vec<Writer>;

/// One race of writers who all began from one reading, and what was read when it was over.
pub(super) struct Round {
    pub base: Reading,
    pub nonces: Vec<Nonce>,
    pub volley: Volley,
    pub after: Reading,
}

/// Writers on the first base URL.
pub(super) fn crew(lab: &Lab, count: u32) -> Crew {
    lab.writers(count)
        .into_iter()
        .map(|actor| (actor, lab.place().clone()))
        .collect()
}

/// Every one of the crew writes something of its own, with what is current when the race begins.
pub(super) async fn write_at_once(
    lab: &Lab,
    crew: &Crew,
    padding: Option<&Padding>,
) -> Result<Round, Halt> {
    let base = lab.settled().await?;
    lab.let_the_date_pass().await;
    let condition = lab.from(&base);
    let nonces: Vec<_> = crew.iter().map(|_| lab.nonce()).collect();
    let sends = crew
        .iter()
        .zip(&nonces)
        .map(|((actor, place), nonce)| {
            let request = lab.write_to(place, nonce, &condition);
            let request = match padding {
                Some(padding) => padding.applied(request),
                None => request,
            };
            (actor.clone(), request)
        })
        .collect();
    let volley = lab.volley(sends).await?;
    let after = lab.settled().await?;
    Ok(Round {
        base,
        nonces,
        volley,
        after,
    })
}

impl Round {
    pub(super) fn accepted(&self) -> impl Iterator<Item = (&Exchange, &Nonce)> {
        self.volley
            .exchanges
            .iter()
            .zip(&self.nonces)
            .filter(|(exchange, _)| exchange.is_accepted())
    }

    /// Whether every write was refused, and none is there.
    pub(super) fn is_refused(&self) -> bool {
        self.count(Effect::Refused) == self.volley.exchanges.len() && self.holder().is_none()
    }

    /// How many may have been applied, though nobody said so.
    pub(super) fn unknown(&self) -> usize {
        self.count(Effect::Unknown)
    }

    /// How many were told to come back later.
    pub(super) fn busy(&self) -> usize {
        self.count(Effect::Busy)
    }

    fn count(&self, effect: Effect) -> usize {
        self.volley
            .exchanges
            .iter()
            .filter(|exchange| exchange.effect() == effect)
            .count()
    }

    /// Whose write is there.
    pub(super) fn holder(&self) -> Option<usize> {
        self.nonces.iter().position(|nonce| self.after.shows(nonce))
    }
}
