use futures_util::future::try_join_all;
use serde_json::Value;

use crate::client::Actor;
use crate::lab::{Condition, Halt, Kind, Lab, Nonce, Reading, Shape, said};
use crate::model::{Effect, Exchange, Request, Severity};
use crate::probe::Ruling;

/// More tries than this, and a writer starves.
const TRIES: u32 = 200;
/// As many as a text member will hold.
const WRITERS: u32 = 8;
/// A server that loses one item in twenty is hardly ever caught in the first.
const ROUNDS: u32 = 3;

/// D13: N clients each add an item; who loses reads again, adds it to what is there now, and tries again.
pub(in crate::probe) async fn append(lab: &Lab) -> Result<Ruling, Halt> {
    if let Some(ruling) = super::unruled(lab) {
        return Ok(ruling);
    }
    if lab.habits().guard == Some(crate::lab::Guard::Date) {
        return Ok(Ruling::skipped(
            "the validator is a date, so only one write in each second could be accepted",
        ));
    }
    let takes_text = match &lab.habits().form.shape {
        Shape::Json { kind, .. } => *kind == Kind::Text,
        Shape::Opaque => true,
        Shape::Xml { .. } => false,
    };
    if !takes_text {
        return Ok(Ruling::skipped("no member accepts a text of any length"));
    }
    let (_, empty) = lab.write_anew(&lab.actor("setup")).await?;
    let probe = lab.nonce();
    let grown = lab
        .send_served(&lab.actor("setup"), adding(lab, &empty, &probe))
        .await?;
    if !grown.is_accepted() || !items(&lab.settled().await?).contains(&probe.text().to_owned()) {
        return Ok(Ruling::skipped("no member accepts a text that grows"));
    }
    let writers = lab.writers(WRITERS.min(lab.effort().most_writers()));
    let rounds = ROUNDS.min(lab.effort().rounds).max(1);
    let mut tally = Tally::default();
    for _ in 0..rounds {
        lab.write_anew(&lab.actor("setup")).await?;
        let added = try_join_all(writers.iter().map(|writer| add(lab, writer))).await?;
        let after = lab.settled().await?;
        tally.count(&added);
        if let Some(ruling) = missing(&added, &after) {
            return Ok(tally.found(ruling));
        }
    }
    let ruling = Ruling::pass(format!(
        "all {} items of {} clients are stored; nobody needed more than {} tries",
        tally.items,
        writers.len(),
        tally.most
    ));
    Ok(tally.found(ruling))
}

/// What is wrong with a round, if anything is. An item that is gone counts, whatever became of the others.
fn missing(added: &[Addition], after: &Reading) -> Option<Ruling> {
    let there = items(after);
    let is_there = |item: &Nonce| there.contains(&item.text().to_owned());
    let accepted = added
        .iter()
        .filter_map(|addition| Some((addition.accepted.as_ref()?, &addition.item)));
    let lost: Vec<_> = accepted.filter(|(_, item)| !is_there(item)).collect();
    let count = added.len();
    let accepted = added.iter().filter(|it| it.accepted.is_some()).count();
    if let Some((exchange, _)) = lost.first() {
        let ruling = Ruling::fail(
            Severity::Critical,
            format!(
                "{accepted} of {count} clients read again, tried again and were told that their item was added, \
                 but {} of the items are lost",
                lost.len()
            ),
        );
        return Some(
            ruling
                .showing("accepted, and lost", exchange)
                .showing("after the race", &after.exchange),
        );
    }
    if let Some(refusal) = added.iter().find_map(|it| it.unfit.as_ref()) {
        return Some(Ruling::skipped(format!(
            "the member does not accept the items of {count} clients: {}",
            said(refusal)
        )));
    }
    (accepted < count).then(|| {
        Ruling::fail(
            Severity::Medium,
            format!("a client was refused {TRIES} times in a row"),
        )
    })
}

/// What the clients did in all rounds.
#[derive(Default)]
struct Tally {
    items: usize,
    tries: u32,
    most: u32,
}

impl Tally {
    fn count(&mut self, added: &[Addition]) {
        self.items += added.len();
        for addition in added {
            self.tries += addition.tries;
            self.most = self.most.max(addition.tries);
        }
    }

    /// Who tried again had met somebody.
    fn found(&self, ruling: Ruling) -> Ruling {
        let items = u32::try_from(self.items).unwrap_or(u32::MAX);
        ruling.after(self.tries, self.tries.saturating_sub(items))
    }
}

struct Addition {
    item: Nonce,
    tries: u32,
    accepted: Option<Exchange>,
    /// A refusal that is no conflict: trying again will not help.
    unfit: Option<Exchange>,
}

async fn add(lab: &Lab, writer: &Actor) -> Result<Addition, Halt> {
    let item = lab.nonce();
    let mut tries = 0;
    while tries < TRIES {
        tries += 1;
        let base = lab.read_as(writer, lab.place()).await?;
        // A try that was not answered may have been applied.
        if items(&base).contains(&item.text().to_owned()) {
            return Ok(Addition {
                item,
                tries,
                accepted: None,
                unfit: None,
            }
            .seen(base.exchange));
        }
        let exchange = lab.send(writer, adding(lab, &base, &item)).await?;
        if exchange.is_accepted() {
            return Ok(Addition {
                item,
                tries,
                accepted: Some(exchange),
                unfit: None,
            });
        }
        if exchange.effect() == Effect::Refused && !is_conflict(lab, &exchange) {
            return Ok(Addition {
                item,
                tries,
                accepted: None,
                unfit: Some(exchange),
            });
        }
    }
    Ok(Addition {
        item,
        tries,
        accepted: None,
        unfit: None,
    })
}

/// Whether it is what a stale write is answered, here or anywhere.
fn is_conflict(lab: &Lab, exchange: &Exchange) -> bool {
    let status = exchange.status();
    let is_usual = status.is_some_and(|status| matches!(status.as_u16(), 409 | 412 | 423 | 428));
    is_usual || lab.refusals().iter().any(|it| it.status() == status)
}

impl Addition {
    fn seen(mut self, exchange: Exchange) -> Self {
        self.accepted = Some(exchange);
        self
    }
}

/// What was read, with an item more.
fn adding(lab: &Lab, base: &Reading, item: &Nonce) -> Request {
    let mut text = items(base).join(" ");
    text.push(' ');
    text.push_str(item.text());
    let form = &lab.habits().form;
    let condition = lab.from(base);
    let body = match &form.shape {
        Shape::Json { at, .. } => form.with_members(
            std::iter::once((at.clone(), Value::from(text)))
                .chain(condition.members.iter().cloned()),
        ),
        _ => format!("{text}\n").into(),
    };
    let condition = Condition {
        members: Vec::new(),
        ..condition
    };
    form.carrying(lab.place(), body, &condition)
}

fn items(reading: &Reading) -> Vec<String> {
    match &reading.mark {
        Some(Value::String(text)) => text.split_whitespace().map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}
