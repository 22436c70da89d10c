//! Clients, one or two writers on a store that may fail, and a model beside it.

mod answering; // replies, held against the model
mod restart; // a process ends, as it should or not, and is started again
mod seat; // a writer, and the orders that it has under way
mod turn; // from what clients ask to what they learn

use std::collections::BTreeSet;

use detente_core::{Key, Moment};
use detente_store::{BatchToken, Order, Reader, Store};

use crate::access::names;
use crate::client::{Board, Client, LookUp, Surroundings};
use crate::clock::Clock;
use crate::collection::{forgetful_key, keys};
use crate::dice::Dice;
use crate::entries::{Entries, Expected};
use crate::follower::Follower;
use crate::ground::Ground;
use crate::laws::Laws;
use crate::model::{Model, same};
use crate::tally::Tally;
use crate::trace::Trace;
use pollster::FutureExt;
use seat::{Open, Seat};

/// One run in so many is about one document alone, and so much longer: its history grows until the
/// oldest of it may go.
const NARROW: u64 = 16;
const NARROW_LENGTH: usize = 8;

pub(crate) struct World<G: Ground> {
    ground: G,
    seats: Vec<Seat<G::Store>>,
    clients: Vec<Client>,
    board: Board,
    /// The documents that this run is about.
    keys: &'static [Key],
    followers: Vec<Follower>,
    model: Model,
    laws: Laws,
    entries: Entries,
    dice: Dice,
    clock: Clock,
    /// The time of the newest commit.
    floor: Moment,
    /// Commits that were said never to be written.
    lost: BTreeSet<BatchToken>,
    /// Commits of unknown fate whose process is gone.
    orphans: Vec<Open>,
    pub(crate) tally: Tally,
    pub(crate) trace: Trace,
}

impl<G: Ground> World<G> {
    pub(crate) fn new(ground: G, seed: u64, is_traced: bool) -> Self {
        let mut dice = Dice::new(seed);
        let keys = match dice.one_in(NARROW) {
            true => forgetful_key(&mut dice),
            false => keys(),
        };
        let clock = Clock::new();
        let count = match ground.has_faults() && dice.one_in(2) {
            true => 2,
            false => 1,
        };
        let seats = (0..count).map(|_| Seat::new(&clock, dice.one_in(2)));
        let seats = seats.collect();
        let mut world = Self {
            ground,
            seats,
            clients: names().map(Client::new).collect(),
            board: Board::default(),
            keys,
            followers: Follower::all(&keys[0]),
            model: Model::default(),
            laws: Laws::default(),
            entries: Entries::default(),
            dice,
            clock,
            floor: Moment(0),
            lost: BTreeSet::new(),
            orphans: Vec::new(),
            tally: Tally::default(),
            trace: Trace::new(is_traced),
        };
        (0..count).for_each(|seat| world.open(seat));
        world
    }

    /// Lets clients ask until so many orders were answered, or were not.
    ///
    /// # Errors
    ///
    /// What went otherwise than it must.
    pub(crate) fn run(&mut self, orders: usize) -> Result<(), String> {
        let mut asked = 0;
        let orders = match self.keys.len() {
            1 => orders * NARROW_LENGTH,
            _ => orders,
        };
        while asked < orders {
            let seat = self.dice.index(self.seats.len());
            asked += self.go_on(seat)?;
            if self.dice.one_in(40) {
                let seat = self.dice.index(self.seats.len());
                self.stop(seat)?;
            }
        }
        for seat in 0..self.seats.len() {
            self.stop(seat)?;
        }
        self.land()?;
        let reader = self.seats[0].reader();
        self.laws.survey_writers(&reader)?;
        let pruned = reader.pruned("default").block_on();
        if pruned.is_ok_and(|count| count > 0) {
            self.tally.count("history is cut");
        }
        Ok(())
    }

    /// Whoever looks for the version that an edit began from finds it, unless it is gone.
    fn check_look_ups(&mut self) -> Result<(), String> {
        for LookUp { seq, found } in self.board.looked_up.drain(..) {
            let is_gone = self.model.let_go(seq);
            same(
                "a base",
                &found.map(|it| it.seq),
                &Some(seq).filter(|_| !is_gone),
            )?;
            self.tally.count(match is_gone {
                true => "base gone",
                false => "base found",
            });
        }
        Ok(())
    }

    /// What is asked of a writer next, and by whom.
    fn orders(&mut self, seat: usize) -> (Vec<usize>, Vec<Order>) {
        let size = self.dice.weigh(&[(30, 1), (40, 4), (20, 8), (3, 24)]);
        let mut around = Surroundings {
            dice: &mut self.dice,
            reader: self.seats[seat].reader(),
            now: self.clock.now(),
            board: &mut self.board,
            keys: self.keys,
        };
        let count = 1 + around.dice.index(size);
        let ask = |_| {
            let asker = around.dice.index(self.clients.len());
            (asker, self.clients[asker].ask(&mut around))
        };
        (0..count).map(ask).unzip()
    }

    /// Compares what a turn changed.
    fn check(&mut self, seat: usize, orders: &[Order], expected: Expected) -> Result<(), String> {
        let fencing = self.fencing(seat)?;
        let reader = self.seats[seat].reader();
        self.model.compare(&reader, fencing)?;
        let follower = self.dice.index(2 * self.followers.len());
        if let Some(follower) = self.followers.get_mut(follower) {
            follower.follow(&reader, &self.model, &mut self.dice)?;
        }
        let touches_log = |order: &Order| match order {
            Order::Log(_) | Order::Flush => true,
            Order::Write(asked) => !asked.settles.is_empty(),
            Order::Lock(_) => false,
        };
        match orders.iter().any(touches_log) {
            true => self.check_entries(seat, expected),
            false => Ok(()),
        }
    }

    fn check_entries(&mut self, seat: usize, expected: Expected) -> Result<(), String> {
        let reader = self.seats[seat].reader();
        let expect = |(at, it): (usize, &Seat<G::Store>)| match &it.clerk {
            Some(_) if it.open.is_some() || it.is_busy => (Expected::Unknown, 0),
            None => (Expected::Unknown, 0),
            Some(clerk) if at == seat => (expected, clerk.counters().waiting_conflicts()),
            Some(clerk) => (Expected::Waiting, clerk.counters().waiting_conflicts()),
        };
        let expected: Vec<_> = self.seats.iter().enumerate().map(expect).collect();
        self.entries.compare(&reader, &mut self.model, &expected)
    }

    /// The largest fencing number, as the next turn would have it.
    fn fencing(&mut self, seat: usize) -> Result<u64, String> {
        let store = self.seats[seat].clerk().store_mut();
        let ground = store.begin(&[], Moment(0).into());
        let ground = ground.map_err(|error| format!("no turn begins: {error}"))?;
        Ok(ground.fencing)
    }
}
