//! Histories of a register with many clients, in the order in which operations ended.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use detente_judge::history::{Kind, Operation, Outcome};
use fastrand::Rng;

/// The number of resources; clients choose among them at random.
const KEYS: usize = 8;
/// The longest time that an operation takes, in microseconds.
const SLOWEST: u64 = 1000;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Writes {
    /// With the tag that the client read last.
    Demanding,
    /// So, too; one in sixteen deletes, and what is gone is created again.
    Deleting,
    /// Without a tag; nothing has any.
    Unconditional,
}

pub(super) struct Recording {
    pub(super) operations: Vec<Operation<'static>>,
}

/// By number; `None` where nothing is.
type Version = Option<usize>;

/// What a client is about to do, and what it has seen.
struct Client {
    key: usize,
    /// The version that it read, if it is about to write.
    seen: Option<Version>,
    begun: u64,
    ended: u64,
}

impl Recording {
    /// Alike for one seed. Clients read and write in turn; each operation takes effect at a moment between its ends.
    pub(super) fn of(writes: Writes, clients: usize, size: usize, seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let mut versions = [Some(0); KEYS];
        let mut operations = Vec::with_capacity(size);
        let mut all: Vec<Client> = (0..clients).map(|_| Client::new(&mut random)).collect();
        let mut effects: BinaryHeap<_> = (0..clients)
            .map(|client| Reverse((all[client].effect(&mut random), client)))
            .collect();
        while operations.len() < size
            && let Some(Reverse((_, number))) = effects.pop()
        {
            let client = &mut all[number];
            let version = &mut versions[client.key];
            let written = operations.len() + 1;
            operations.push(client.act(number, writes, version, written));
            client.go_on(&mut random);
            effects.push(Reverse((client.effect(&mut random), number)));
        }
        operations.sort_by_key(|operation: &Operation<'_>| operation.ended);
        Self { operations }
    }
}

impl Client {
    fn new(random: &mut Rng) -> Self {
        let begun = random.u64(0..SLOWEST);
        Self {
            key: random.usize(0..KEYS),
            seen: None,
            begun,
            ended: begun + random.u64(1..SLOWEST),
        }
    }

    fn effect(&self, random: &mut Rng) -> u64 {
        random.u64(self.begun..=self.ended)
    }

    fn go_on(&mut self, random: &mut Rng) {
        self.begun = self.ended + random.u64(1..20);
        self.ended = self.begun + random.u64(1..SLOWEST);
        if self.seen.is_none() {
            self.key = random.usize(0..KEYS);
        }
    }

    /// Reads; or writes the version `written`, if what it has seen is still there or does not matter.
    fn act(
        &mut self,
        number: usize,
        writes: Writes,
        version: &mut Version,
        written: usize,
    ) -> Operation<'static> {
        let has_tags = writes != Writes::Unconditional;
        let tag = |version: Version| Some(Cow::Owned(format!("\"{}\"", version?)));
        let value = |version: Version| Some(Cow::Owned(format!("nonce-{}", version?)));
        let mut operation = Operation {
            actor: Cow::Owned(format!("client-{number}")),
            key: Cow::Owned(format!("http://127.0.0.1:8080/documents/{}", self.key)),
            kind: Kind::Read,
            begun: self.begun,
            ended: Some(self.ended),
            outcome: Outcome::Ok,
            base: None,
            expected: None,
            value: value(*version),
            tag: tag(*version).filter(|_| has_tags),
            absent: version.is_none(),
        };
        let Some(seen) = self.seen.take() else {
            self.seen = Some(*version);
            return operation;
        };
        operation.kind = match (writes, seen) {
            (Writes::Unconditional, _) => Kind::Write,
            (_, None) => Kind::Create,
            (Writes::Deleting, _) if written.is_multiple_of(16) => Kind::Delete,
            _ => Kind::CompareAndSet,
        };
        let after = (operation.kind != Kind::Delete).then_some(written);
        operation.absent = false;
        operation.value = value(after);
        operation.base = tag(seen).filter(|_| has_tags);
        if has_tags && seen != *version {
            operation.outcome = Outcome::Refused;
            operation.tag = None;
        } else {
            operation.tag = tag(after).filter(|_| has_tags);
            *version = after;
        }
        operation
    }
}
