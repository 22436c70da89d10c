use std::collections::HashMap;
use std::mem;
use std::sync::{Mutex, MutexGuard};

use detente_core::Moment;

use super::lifetime::Lifetime;
use crate::Known;

/// Tokens that were verified, by their SHA-256: a token comes with every request of its owner, and to
/// verify its signature takes longer than all else that is done to know who asks.
///
/// Only what was verified is kept, and of that what was asked for last, approximately: there are two
/// halves, and when the young one is full it becomes the old one, whose tokens are forgotten unless
/// they are asked for again. Bounded in number, and by the length of tokens, since claims take memory.
pub(super) struct Seen([Mutex<Shard>; SHARDS]);

const SHARDS: usize = 16;
/// Of one half of one shard: 4096 tokens in all.
const MAX_TOKENS: usize = 128;
/// Of one half of one shard: 4 MiB in all.
const MAX_BYTES: usize = 128 * 1024;

type Tokens = HashMap<[u8; 32], Entry>;

#[derive(Default)]
struct Shard {
    young: Tokens,
    old: Tokens,
    /// The length of all young tokens.
    bytes: usize,
}

#[derive(Clone)]
struct Entry {
    known: Known,
    lifetime: Lifetime,
    /// By which keys it was verified.
    generation: u64,
    size: usize,
}

impl Default for Seen {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl Seen {
    /// Whom a token stands for that was verified by these keys, and is still good.
    pub(super) fn find(&self, digest: &[u8; 32], generation: u64, now: Moment) -> Option<Known> {
        let mut shard = self.shard(digest);
        let is_good = |it: &Entry| it.generation == generation && it.lifetime.includes(now).is_ok();
        if let Some(entry) = shard.young.get(digest) {
            return is_good(entry).then(|| entry.known.clone());
        }
        let entry = shard.old.remove(digest).filter(is_good)?;
        let known = entry.known.clone();
        shard.put(*digest, entry);
        Some(known)
    }

    pub(super) fn keep(
        &self,
        digest: [u8; 32],
        size: usize,
        generation: u64,
        lifetime: Lifetime,
        known: &Known,
    ) {
        let entry = Entry {
            known: known.clone(),
            lifetime,
            generation,
            size,
        };
        self.shard(&digest).put(digest, entry);
    }

    fn shard(&self, digest: &[u8; 32]) -> MutexGuard<'_, Shard> {
        let shard = &self.0[usize::from(digest[0]) % SHARDS];
        shard.lock().expect("nothing panics while it is held")
    }
}

impl Shard {
    fn put(&mut self, digest: [u8; 32], entry: Entry) {
        if self.young.len() >= MAX_TOKENS || self.bytes + entry.size > MAX_BYTES {
            self.old = mem::take(&mut self.young);
            self.bytes = 0;
        }
        self.bytes += entry.size;
        if let Some(before) = self.young.insert(digest, entry) {
            self.bytes -= before.size;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use detente_core::json::{Object, object};
    use detente_service::Rights;

    use super::*;
    use crate::known::caller;
    use crate::secret::sha256;

    fn known() -> Known {
        Known {
            name: "ann".into(),
            rights: Arc::new(Rights::ALL),
            caller: caller("ann", vec![], Object::new()),
            until: None,
        }
    }

    fn lifetime() -> Lifetime {
        let claims = object([("exp", 100u64.into()), ("nbf", 10u64.into())]);
        Lifetime::of(&claims, Duration::ZERO).unwrap()
    }

    #[test]
    fn a_token_is_known_again_while_it_is_good_and_its_keys_are() {
        let (seen, digest) = (Seen::default(), sha256(b"a"));
        seen.keep(digest, 1, 7, lifetime(), &known());
        let cases = [
            (7, 50_000, true),
            (7, 99_999, true),
            (7, 100_000, false),
            (7, 9_999, false),
            (8, 50_000, false),
            (6, 50_000, false),
        ];
        for (generation, now, found) in cases {
            let known = seen.find(&digest, generation, Moment(now));
            assert_eq!(known.is_some(), found, "{generation} at {now}");
        }
        assert!(seen.find(&sha256(b"b"), 7, Moment(50_000)).is_none());
    }

    #[test]
    fn as_many_are_kept_as_fit_and_those_asked_for_stay() {
        for (size, at_most) in [(1, 4096), (8192, 512)] {
            let (seen, hot) = (Seen::default(), sha256(b"hot"));
            seen.keep(hot, size, 0, lifetime(), &known());
            for number in 0..100_000u32 {
                let digest = sha256(&number.to_be_bytes());
                seen.keep(digest, size, 0, lifetime(), &known());
                assert!(seen.find(&hot, 0, Moment(50_000)).is_some(), "{number}");
            }
            let shards = seen.0.iter().map(|it| it.lock().unwrap());
            let kept: usize = shards.map(|it| it.young.len() + it.old.len()).sum();
            assert!((at_most / 2..=at_most).contains(&kept), "{kept} of {size}");
        }
    }
}
