use std::time::Duration;

use crate::client::{Actor, Volley};
use crate::lab::{Halt, Lab};
use crate::model::{Effect, Exchange, Request};
use crate::probe::Ruling;

/// Races one after the other: how many there were, and how many of them provably overlapped.
#[derive(Default)]
pub(super) struct Series {
    pub rounds: u32,
    pub overlapping: u32,
}

impl Series {
    /// Runs one race more.
    pub(super) async fn race(
        &mut self,
        lab: &Lab,
        sends: impl IntoIterator<Item = (Actor, Request)>,
    ) -> Result<Volley, Halt> {
        let volley = lab.volley(sends.into_iter().collect()).await?;
        self.count(&volley);
        Ok(volley)
    }

    /// Releases a race in which the whole crew sends one request, and counts it.
    pub(super) async fn race_with_one(
        &mut self,
        lab: &Lab,
        crew: &[Actor],
        request: &Request,
    ) -> Result<Volley, Halt> {
        let sends = crew.iter().map(|actor| (actor.clone(), request.clone()));
        self.race(lab, sends).await
    }

    /// Counts one that was run elsewhere.
    pub(super) fn count(&mut self, volley: &Volley) {
        self.rounds += 1;
        self.overlapping += u32::from(volley.overlapped());
    }

    /// What was found in these races.
    pub(super) fn found(&self, ruling: Ruling) -> Ruling {
        ruling.after(self.rounds, self.overlapping)
    }

    /// That no race broke what `holds`; nothing of the kind, if none provably overlapped.
    pub(super) fn passed(&self, holds: &str) -> Ruling {
        self.found(if self.overlapping == 0 {
            Ruling::inconclusive("no race provably overlapped, so there is nothing to judge")
        } else {
            Ruling::pass(format!("{holds}; {}", rate(self.overlapping)))
        })
    }
}

/// The exchanges of a race that were answered 2xx.
pub(super) fn accepted(volley: &Volley) -> Vec<&Exchange> {
    let exchanges = volley.exchanges.iter();
    exchanges.filter(|it| it.is_accepted()).collect()
}

/// Where some were told to come back later: halves the crew, and lets the server come to itself.
pub(super) async fn relent<T>(crew: &mut Vec<T>, volley: &Volley) {
    let exchanges = volley.exchanges.iter();
    let busy = exchanges.filter(|it| it.effect() == Effect::Busy).count();
    if busy > 0 {
        crew.truncate((crew.len() / 2).max(2));
        let share = u32::try_from(busy.min(20)).unwrap_or(20);
        tokio::time::sleep(Duration::from_millis(50) * share).await;
    }
}

/// What no failure in so many trials allows to say (the rule of three: at 95 %, a rate below 3/n).
pub(super) fn rate(trials: u32) -> String {
    if trials <= 3 {
        return "too few races overlapped to bound the rate of failures".into();
    }
    format!(
        "no failure in {trials} overlapping races means a rate below {:.1} % (at 95 % confidence), not that \
         there is none",
        300.0 / f64::from(trials)
    )
}
