use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::tray::Tray;
use crate::{Order, Reply, WriteError};

/// How many orders are decided together at most.
const BATCH_LIMIT: usize = 512;

/// An order, and who waits for its reply.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) order: Order,
    /// `None`: nobody waits for it.
    pub(crate) reply: Option<oneshot::Sender<Result<Reply, WriteError>>>,
}

/// The requests of one writer, as they are decided: together, up to a limit, and one space after the
/// other where each has a log of its own. What is about one space stays in the order in which it came.
#[derive(Debug)]
pub(crate) struct Line {
    incoming: mpsc::Receiver<Request>,
    /// What is to be logged beside them.
    tray: Arc<Tray>,
    has_one_log: bool,
    /// What was taken in together, in the order of spaces, so that each has its turn.
    taken: VecDeque<Request>,
    /// What came while those of a space were gathered, and is about another one.
    late: Vec<Request>,
}

impl Line {
    pub(crate) fn new(
        incoming: mpsc::Receiver<Request>,
        tray: Arc<Tray>,
        has_one_log: bool,
    ) -> Self {
        Self {
            incoming,
            tray,
            has_one_log,
            taken: VecDeque::new(),
            late: Vec::new(),
        }
    }

    /// Waits for requests, and puts those into `batch`, which is empty, that are to be decided
    /// together. False: there are none, and nobody can send any more.
    pub(crate) fn next(&mut self, batch: &mut Vec<Request>) -> bool {
        if self.has_one_log {
            return self.receive(batch);
        }
        if self.taken.is_empty() {
            let mut taken = std::mem::take(&mut self.late);
            if taken.is_empty() {
                if !self.receive(&mut taken) {
                    return false;
                }
            } else {
                // A flush among them writes what was laid there before it.
                self.take_tray(&mut taken);
            }
            // What comes before a flush is written by it. The order is stable.
            taken.sort_by(|one, other| turn(one).cmp(&turn(other)));
            self.taken = taken.into();
        }
        let first = self.taken.front().and_then(|it| it.order.space());
        let together = self.taken.iter();
        let together = together.take_while(|it| it.order.space() == first);
        let count = together.count().min(BATCH_LIMIT);
        batch.extend(self.taken.drain(..count));
        true
    }

    /// Waits for requests; what lies in the tray by then comes along. False: there is nothing, and nobody
    /// can send any more.
    fn receive(&mut self, taken: &mut Vec<Request>) -> bool {
        self.incoming.blocking_recv_many(taken, BATCH_LIMIT);
        self.take_tray(taken);
        !taken.is_empty()
    }

    fn take_tray(&self, taken: &mut Vec<Request>) {
        let logged = self.tray.take().into_iter();
        taken.extend(logged.map(|conflict| Request {
            order: Order::Log(conflict),
            reply: None,
        }));
    }

    /// Adds to a batch what came since and is about the same space.
    pub(crate) fn gather(&mut self, batch: &mut Vec<Request>) {
        let Some(space) = batch.first().and_then(|it| it.order.space()) else {
            return;
        };
        let space = space.to_owned();
        let is_here = |request: &Request| request.order.space() == Some(&space);
        // The late ones came first, and so did those that were taken before them.
        if self.taken.iter().any(is_here) {
            return;
        }
        let mut rest = Vec::with_capacity(self.late.len());
        for request in self.late.drain(..) {
            match is_here(&request) && batch.len() < BATCH_LIMIT {
                true => batch.push(request),
                false => rest.push(request),
            }
        }
        self.late = rest;
        while batch.len() < BATCH_LIMIT
            && self.late.len() < BATCH_LIMIT
            && let Ok(request) = self.incoming.try_recv()
        {
            match is_here(&request) {
                true => batch.push(request),
                false => self.late.push(request),
            }
        }
    }
}

/// By what requests stand in order.
fn turn(request: &Request) -> (bool, Option<&str>) {
    (request.order.is_flush(), request.order.space())
}

#[cfg(test)]
mod tests {
    use detente_core::{Key, LockAction, LockCommand};

    use super::*;

    fn line(limit: usize) -> (mpsc::Sender<Request>, Line) {
        let (sender, incoming) = mpsc::channel(limit);
        (sender, Line::new(incoming, Arc::default(), false))
    }

    fn send(to: &mpsc::Sender<Request>, space: &str, id: &str) {
        let key = Key::new(space, "c", id).unwrap();
        let order = Order::Lock(LockCommand {
            key,
            by: "ann".into(),
            action: LockAction::Break,
        });
        let request = Request { order, reply: None };
        to.try_send(request).expect("there is room");
    }

    fn told(batch: &mut Vec<Request>) -> String {
        let told = batch.drain(..).map(|it| match it.order {
            Order::Lock(command) => format!("{}{}", command.key.space(), command.key.id()),
            _ => "flush".to_owned(),
        });
        told.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_space_has_its_turn_and_keeps_its_order() {
        let (sender, mut line) = line(16);
        for (space, id) in [("b", "1"), ("a", "1"), ("b", "2"), ("a", "2")] {
            send(&sender, space, id);
        }
        sender
            .try_send(Request {
                order: Order::Flush,
                reply: None,
            })
            .expect("there is room");
        send(&sender, "a", "3");
        drop(sender);
        let mut batch = Vec::new();
        for expected in ["a1 a2 a3", "b1 b2", "flush"] {
            assert!(line.next(&mut batch));
            assert_eq!(told(&mut batch), expected);
        }
        assert!(!line.next(&mut batch), "nobody can send any more");
    }

    #[test]
    fn what_comes_meanwhile_joins_its_space_and_no_space_waits_for_ever() {
        let (sender, mut line) = line(16);
        let mut batch = Vec::new();
        send(&sender, "a", "1");
        send(&sender, "b", "1");
        assert!(line.next(&mut batch));
        for (space, id) in [("b", "2"), ("a", "2"), ("c", "1"), ("a", "3")] {
            send(&sender, space, id);
        }
        line.gather(&mut batch);
        assert_eq!(told(&mut batch), "a1 a2 a3");
        send(&sender, "a", "4");
        assert!(line.next(&mut batch));
        line.gather(&mut batch);
        assert_eq!(told(&mut batch), "b1 b2");
        assert!(line.next(&mut batch));
        assert_eq!(told(&mut batch), "a4");
        assert!(line.next(&mut batch));
        assert_eq!(told(&mut batch), "c1");
    }

    #[test]
    fn a_batch_has_a_limit_and_what_is_beyond_it_comes_next() {
        let (sender, mut line) = line(2 * BATCH_LIMIT);
        let mut batch = Vec::new();
        for id in 0..BATCH_LIMIT + 2 {
            send(&sender, "a", &id.to_string());
        }
        assert!(line.next(&mut batch));
        line.gather(&mut batch);
        assert_eq!(batch.len(), BATCH_LIMIT);
        batch.clear();
        assert!(line.next(&mut batch));
        assert_eq!(
            told(&mut batch),
            format!("a{BATCH_LIMIT} a{}", BATCH_LIMIT + 1)
        );
    }
}
