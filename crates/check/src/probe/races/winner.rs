use super::padding::Padding;
use super::round::{Crew, Round, crew, write_at_once};
use super::series::{Series, rate, relent};
use crate::lab::{Halt, Lab, said};
use crate::model::{LostUpdates, Severity, Verdict};
use crate::probe::Ruling;

/// D1: N writers begin from one version. One is accepted, and what it wrote is there.
pub(in crate::probe) async fn one_winner(lab: &Lab) -> Result<Ruling, Halt> {
    if let Some(ruling) = super::unruled(lab) {
        return Ok(ruling);
    }
    let crew = |count| crew(lab, count);
    let ruling = one_winner_of(lab, crew).await?;
    if ruling.verdict != Verdict::Pass {
        return Ok(ruling);
    }
    // Between comparing and writing more time passes where there is more to write.
    let Some(padding) = Padding::learn(lab).await? else {
        return Ok(ruling);
    };
    let counts = &lab.effort().writers;
    let large = race(
        lab,
        &counts[counts.len().min(2) - 1..],
        crew,
        Some(&padding),
    )
    .await?;
    let trials = ruling.trials + large.trials;
    let overlapping = ruling.overlapping + large.overlapping;
    Ok(if large.has_failed() {
        Ruling {
            reason: format!("with bodies of 20 kB, {}", large.reason),
            ..large
        }
    } else {
        Ruling {
            reason: format!(
                "one winner in each race, and its write is stored; {}",
                rate(overlapping)
            ),
            ..ruling
        }
    }
    .after(trials, overlapping))
}

/// D1 for writers of the caller's choice.
pub(super) async fn one_winner_of(lab: &Lab, crew: impl Fn(u32) -> Crew) -> Result<Ruling, Halt> {
    race(lab, &lab.effort().writers, crew, None).await
}

async fn race(
    lab: &Lab,
    counts: &[u32],
    crew: impl Fn(u32) -> Crew,
    padding: Option<&Padding>,
) -> Result<Ruling, Halt> {
    let mut tally = Tally::default();
    for &writers in counts {
        tally.begin(writers);
        let mut crew = crew(writers);
        for _ in 0..lab.effort().rounds {
            let round = write_at_once(lab, &crew, padding).await?;
            relent(&mut crew, &round.volley).await;
            if let Some(ruling) = tally.count(&round) {
                tally.first_failure.get_or_insert(ruling);
            }
            // A write that one client alone cannot make either says nothing of races.
            if tally.first_failure.is_none() && round.is_refused() {
                lab.write_anew(&lab.actor("alice")).await?;
            }
        }
    }
    Ok(tally.ruling())
}

/// What came of all rounds.
#[derive(Default)]
struct Tally {
    series: Series,
    without_winner: u32,
    unclear: u32,
    first_failure: Option<Ruling>,
    without_winner_shown: Option<Ruling>,
    by_writers: Vec<LostUpdates>,
}

impl Tally {
    fn begin(&mut self, writers: u32) {
        self.by_writers.push(LostUpdates {
            writers,
            rounds: 0,
            overlapping: 0,
            rounds_with_loss: 0,
            lost: 0,
        });
    }

    /// Takes one round into account; a ruling if it alone shows a failure.
    fn count(&mut self, round: &Round) -> Option<Ruling> {
        let row = self.by_writers.last_mut()?;
        row.rounds += 1;
        row.overlapping += u32::from(round.volley.overlapped());
        self.series.count(&round.volley);

        let accepted: Vec<_> = round.accepted().collect();
        if accepted.len() > 1 {
            let row = self.by_writers.last_mut()?;
            row.rounds_with_loss += 1;
            row.lost += u32::try_from(accepted.len() - 1).unwrap_or(u32::MAX);
            return Some(self.lost(round));
        }
        if let [(winner, nonce)] = accepted[..]
            && !round.after.shows(nonce)
        {
            // A write that was not answered may have come first or last; it cannot have come after
            // with a tag that was stale by then.
            return match round.holder() {
                Some(other) => Some(
                    Ruling::fail(
                        Severity::Critical,
                        format!(
                            "one write was accepted, but the write of another client is stored, which was \
                             answered {}",
                            said(&round.volley.exchanges[other])
                        ),
                    )
                    .showing("what all read", &round.base.exchange)
                    .showing("accepted", winner)
                    .showing("not accepted, but stored", &round.volley.exchanges[other])
                    .showing("after the race", &round.after.exchange),
                ),
                None => {
                    self.unclear += 1;
                    None
                }
            };
        }
        if accepted.is_empty() {
            match round.holder() {
                Some(holder) if round.volley.exchanges[holder].is_refused() => {
                    return Some(
                        Ruling::fail(
                            Severity::Critical,
                            "every write was refused, but one of them was stored",
                        )
                        .showing("refused, but stored", &round.volley.exchanges[holder])
                        .showing("after the race", &round.after.exchange),
                    );
                }
                Some(_) => {}
                None if round.unknown() + round.busy() > 0 => self.unclear += 1,
                None => {
                    self.without_winner += 1;
                    self.without_winner_shown.get_or_insert_with(|| {
                        let first = &round.volley.exchanges[0];
                        Ruling::fail(Severity::High, "of writers with one tag, none was accepted")
                            .showing("what all read", &round.base.exchange)
                            .showing("refused, as were all others", first)
                    });
                }
            }
        }
        None
    }

    fn lost(&self, round: &Round) -> Ruling {
        let accepted: Vec<_> = round.accepted().collect();
        let mut ruling = Ruling::fail(
            Severity::Critical,
            format!(
                "{} of {} writers with one tag were accepted: all but one of their updates are lost, although \
                 each was told that it was saved",
                accepted.len(),
                round.volley.exchanges.len()
            ),
        )
        .showing("what all read", &round.base.exchange);
        let (kept, gone): (Vec<_>, Vec<_>) = accepted
            .into_iter()
            .partition(|(_, nonce)| round.after.shows(nonce));
        for (exchange, _) in gone.into_iter().take(2) {
            ruling = ruling.showing("accepted, and lost", exchange);
        }
        for (exchange, _) in kept.into_iter().take(1) {
            ruling = ruling.showing("accepted, and kept", exchange);
        }
        ruling.showing("after the race", &round.after.exchange)
    }

    fn ruling(self) -> Ruling {
        let rows = self.by_writers.clone();
        let mut ruling = if let Some(mut failure) = self.first_failure {
            let bad: u32 = rows.iter().map(|row| row.rounds_with_loss).sum();
            if bad > 0 {
                failure.reason = format!(
                    "{}. It happened in {bad} of {} races",
                    failure.reason, self.series.rounds
                );
            }
            failure
        } else if let (true, Some(shown)) = (self.without_winner > 1, self.without_winner_shown) {
            Ruling {
                reason: format!(
                    "{} in {} of {} races",
                    shown.reason, self.without_winner, self.series.rounds
                ),
                ..shown
            }
        } else if self.series.overlapping > 0 && self.unclear * 2 > self.series.rounds {
            Ruling::inconclusive(
                "most races had answers that decide nothing: time-outs, resets, 5xx or 429",
            )
        } else {
            self.series
                .passed("one winner in each race, and its write is stored")
        };
        ruling.lost_updates = rows;
        self.series.found(ruling)
    }
}
