use futures_util::future::try_join_all;
use serde_json::Value;

use super::transition;
use crate::client::Actor;
use crate::lab::{Condition, Halt, Lab, said};
use crate::model::{Exchange, Severity};
use crate::probe::Ruling;

/// How often one who wants an item tries again after a refusal.
const TRIES: u32 = 40;

/// D8: a stock of k, and more than k who take of it. No more than k succeed, and what is left adds up.
pub(in crate::probe) async fn stock(lab: &Lab) -> Result<Ruling, Halt> {
    let Some(pointer) = lab.subject().stock.clone() else {
        return Ok(Ruling::skipped(
            "give the member with the number by `--stock`",
        ));
    };
    if lab.habits().guard.is_none() && lab.subject().transition.is_none() {
        return Ok(Ruling::skipped(super::NO_RULE));
    }
    let mut trials = 0;
    let mut overlapping = 0;
    let mut undersold = None;
    for &takers in &lab.effort().writers {
        for _ in 0..lab.effort().rounds.div_ceil(5) {
            let sale = sell(lab, &pointer, takers).await?;
            trials += 1;
            overlapping += u32::from(sale.overlapped());
            if let Some(ruling) = sale.oversold() {
                return Ok(ruling.after(trials, overlapping));
            }
            if undersold.is_none() {
                undersold = sale.undersold();
            }
        }
    }
    Ok(match undersold {
        Some(ruling) => ruling,
        None if overlapping == 0 => {
            Ruling::inconclusive("no two takes provably overlapped, so there is nothing to judge")
        }
        None => Ruling::pass("no more were sold than there were, and the rest adds up"),
    }
    .after(trials, overlapping))
}

/// What was there, who got some, and what is left.
struct Sale {
    stock: i64,
    left: Option<i64>,
    takers: u32,
    taken: Vec<Exchange>,
    refused: Option<Exchange>,
    after: Exchange,
}

async fn sell(lab: &Lab, pointer: &str, takers: u32) -> Result<Sale, Halt> {
    let stock = i64::from(takers / 2).max(1);
    let base = lab.settled().await?;
    if !base.member(pointer).is_some_and(|value| value.is_number()) {
        return Err(Halt::Cannot(format!("there is no number at {pointer}")));
    }
    let filled = lab.from(&base).and(holding(pointer, stock));
    let filled = lab.attempt(&lab.actor("setup"), &filled).await?;
    if !filled.is_applied() {
        return Err(Halt::Cannot(format!(
            "the stock could not be set: {}",
            said(&filled.exchange)
        )));
    }
    let by_transition = lab.subject().transition.is_some();
    let attempts = match &lab.subject().transition {
        Some(taking) => {
            let request = transition::request(lab, taking)?;
            let sends = lab
                .writers(takers)
                .into_iter()
                .map(|actor| (actor, request.clone()))
                .collect();
            lab.volley(sends).await?.exchanges
        }
        None => {
            let takers = lab.writers(takers);
            let sales = takers.iter().map(|taker| take(lab, taker, pointer));
            try_join_all(sales).await?.into_iter().flatten().collect()
        }
    };
    let after = lab.settled().await?;
    let refused = attempts
        .iter()
        .find(|exchange| by_transition && exchange.is_refused())
        .cloned();
    Ok(Sale {
        stock,
        left: after.member(pointer).and_then(|value| number(&value)),
        takers,
        taken: attempts.into_iter().filter(Exchange::is_accepted).collect(),
        refused,
        after: after.exchange,
    })
}

/// One who wants an item: reads, takes one off, writes, and reads again if somebody was faster.
async fn take(lab: &Lab, taker: &Actor, pointer: &str) -> Result<Option<Exchange>, Halt> {
    for _ in 0..TRIES {
        let base = lab.read_as(taker, lab.place()).await?;
        let Some(left) = base.member(pointer).and_then(|value| number(&value)) else {
            return Ok(None);
        };
        if left <= 0 {
            return Ok(None);
        }
        let condition = lab.from(&base).and(holding(pointer, left - 1));
        let request = lab.write(&lab.nonce(), &condition);
        let exchange = lab.send(taker, request).await?;
        if exchange.is_accepted() {
            return Ok(Some(exchange));
        }
    }
    Ok(None)
}

fn holding(pointer: &str, count: i64) -> Condition {
    Condition {
        members: vec![(pointer.to_owned(), count.into())],
        ..Condition::none()
    }
}

fn number(value: &Value) -> Option<i64> {
    value
        .as_i64()
        .or_else(|| value.as_f64().map(|it| it as i64))
}

impl Sale {
    fn wins(&self) -> i64 {
        i64::try_from(self.taken.len()).unwrap_or(i64::MAX)
    }

    fn overlapped(&self) -> bool {
        self.taken
            .iter()
            .enumerate()
            .any(|(index, one)| self.taken[..index].iter().any(|other| one.overlaps(other)))
            || self.takers > 1
                && self
                    .refused
                    .as_ref()
                    .is_some_and(|refused| self.taken.iter().any(|taken| taken.overlaps(refused)))
    }

    fn oversold(&self) -> Option<Ruling> {
        let left = self.left?;
        let reason = if self.wins() > self.stock || left < 0 {
            format!(
                "there were {}, and {} were sold; {left} are left",
                self.stock,
                self.wins()
            )
        } else if left > self.stock - self.wins() {
            format!(
                "{} of {} were sold, but {left} are left: an update was lost, and the same item will be sold twice",
                self.wins(),
                self.stock
            )
        } else {
            return None;
        };
        let ruling = Ruling::fail(Severity::Critical, reason)
            .showing_each("sold", self.taken.iter().take(3));
        Some(ruling.showing("after the race", &self.after))
    }

    fn undersold(&self) -> Option<Ruling> {
        let left = self.left?;
        let reason = if left < self.stock - self.wins() {
            format!(
                "{} of {} were sold, but {left} are left: some are gone that nobody got",
                self.wins(),
                self.stock
            )
        } else if left > 0 && self.refused.is_some() && i64::from(self.takers) > self.stock {
            format!(
                "{left} of {} are left, but a client that wanted one was refused",
                self.stock
            )
        } else {
            return None;
        };
        let mut ruling = Ruling::fail(Severity::Medium, reason);
        if let Some(refused) = &self.refused {
            ruling = ruling.showing("refused", refused);
        }
        Some(ruling.showing("after the race", &self.after))
    }
}
