//! Whose turn it is to write a document that many write at once. Were all losers of a race told at once, all would
//! come back at once, and all but one be refused again. So one is told, and the others wait until a write of it is
//! done: each comes back to a document that is still as it was told, and each has its turn in the order in which it
//! came.
//!
//! Nobody must wait for this: what a loser is told is true whenever it is told. So the wait is short, and where
//! whoever was told does not come back, all are told, and nobody waits for a while.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use detente_core::Key;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

/// How long whoever was told has time to come back.
const TURN: Duration = Duration::from_millis(10);

/// How long a write may be on its way to the disk.
const COMMIT: Duration = Duration::from_millis(100);

/// How long anybody waits at most, whatever others write.
const LONGEST: Duration = Duration::from_secs(1);

/// How long nobody waits for a document after somebody did not come back.
const REST: Duration = Duration::from_millis(250);

/// How many wait for one document, and of how many documents is known that some do. Others are told at once.
const WAITING: usize = 64;
const DOCUMENTS: usize = 1024;

/// The turns of all documents.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turns(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    documents: Mutex<HashMap<Key, Document>>,
    /// How many there are: most writes find none, and need no lock to know that.
    count: AtomicUsize,
}

#[derive(Debug)]
struct Document {
    /// The first comes next.
    waiting: VecDeque<oneshot::Sender<()>>,
    /// Until when whoever was told last has time; or, at rest, until when nobody waits.
    until: Instant,
    is_at_rest: bool,
}

impl Turns {
    // A std mutex: it is held for a few lookups, and nothing awaits under it.
    fn documents(&self) -> MutexGuard<'_, HashMap<Key, Document>> {
        let documents = self.0.documents.lock();
        documents.expect("nothing panics while it is held")
    }

    fn counted(&self, documents: &HashMap<Key, Document>) {
        self.0.count.store(documents.len(), Ordering::Relaxed);
    }

    /// Returns when it is time to tell whoever lost a race for a document that they lost.
    pub(crate) async fn wait(&self, key: &Key) {
        let Some((mut told, mut until)) = self.line_up(key) else {
            return;
        };
        let longest = Instant::now() + LONGEST;
        // Each write of the document gives those who wait more time.
        while timeout_at(until.min(longest), &mut told).await.is_err() {
            match self.until(key) {
                Some(later) if later > until && until < longest => until = later,
                _ => return self.give_up(key),
            }
        }
    }

    /// `None`: it is time already.
    fn line_up(&self, key: &Key) -> Option<(oneshot::Receiver<()>, Instant)> {
        let now = Instant::now();
        let mut documents = self.documents();
        if let Some(document) = documents.get_mut(key)
            && document.until > now
        {
            if document.is_at_rest || document.waiting.len() >= WAITING {
                return None;
            }
            let (tell, told) = oneshot::channel();
            document.waiting.push_back(tell);
            return Some((told, document.until));
        }
        if documents.len() >= DOCUMENTS {
            documents.retain(|_, document| document.until > now);
        }
        if documents.len() < DOCUMENTS {
            let document = Document {
                waiting: VecDeque::new(),
                until: now + TURN,
                is_at_rest: false,
            };
            documents.insert(key.clone(), document);
        }
        self.counted(&documents);
        None
    }

    fn until(&self, key: &Key) -> Option<Instant> {
        Some(self.documents().get(key)?.until)
    }

    /// Whoever was told did not come back: all are told.
    fn give_up(&self, key: &Key) {
        let mut documents = self.documents();
        if let Some(document) = documents.get_mut(key)
            && !document.is_at_rest
        {
            document.waiting.clear();
            document.is_at_rest = true;
            document.until = Instant::now() + REST;
        }
    }

    fn are_none(&self) -> bool {
        self.0.count.load(Ordering::Relaxed) == 0
    }

    /// A write of a document is on its way: somebody came back, and the others wait until it is done.
    pub(crate) fn writes(&self, key: &Key) {
        if self.are_none() {
            return;
        }
        let now = Instant::now();
        let mut documents = self.documents();
        let document = documents.get_mut(key);
        if let Some(document) = document.filter(|it| !it.is_at_rest && it.until > now) {
            document.until = now + COMMIT;
        }
    }

    /// A write of a document came to nothing: what comes next need not wait for it as long.
    pub(crate) fn refused(&self, key: &Key) {
        if self.are_none() {
            return;
        }
        let mut documents = self.documents();
        if let Some(document) = documents.get_mut(key).filter(|it| !it.is_at_rest) {
            document.until = document.until.min(Instant::now() + TURN);
        }
    }

    /// A write of a document is done: the next is told.
    pub(crate) fn wrote(&self, key: &Key) {
        if self.are_none() {
            return;
        }
        let mut documents = self.documents();
        let Some(document) = documents.get_mut(key).filter(|it| !it.is_at_rest) else {
            return;
        };
        document.until = Instant::now() + TURN;
        // Some may have gone.
        while let Some(next) = document.waiting.pop_front() {
            if next.send(()).is_ok() {
                return;
            }
        }
        documents.remove(key);
        self.counted(&documents);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn key(id: &str) -> Key {
        Key::new("default", "c", id).unwrap()
    }

    /// A loser who was not told at once.
    async fn loser(turns: &Turns, key: Key) -> tokio::task::JoinHandle<()> {
        let own = turns.clone();
        let waits = tokio::spawn(async move { own.wait(&key).await });
        tokio::task::yield_now().await;
        waits
    }

    #[tokio::test(start_paused = true)]
    async fn one_is_told_at_once_and_one_more_with_each_write_in_their_order() {
        let turns = Turns::default();
        turns.wrote(&key("a"));
        turns.wait(&key("a")).now_or_never().expect("the first");
        turns
            .wait(&key("b"))
            .now_or_never()
            .expect("another document");
        let one = loser(&turns, key("a")).await;
        let two = loser(&turns, key("a")).await;
        assert!(!one.is_finished() && !two.is_finished());
        turns.wrote(&key("b"));
        tokio::task::yield_now().await;
        assert!(!one.is_finished());
        turns.wrote(&key("a"));
        one.await.unwrap();
        assert!(!two.is_finished());
        turns.wrote(&key("a"));
        two.await.unwrap();
        turns.wrote(&key("a"));
        turns.wait(&key("a")).now_or_never().expect("nobody waits");
    }

    #[tokio::test(start_paused = true)]
    async fn where_whoever_was_told_does_not_come_back_all_are_told_and_nobody_waits() {
        let turns = Turns::default();
        turns.wait(&key("a")).await;
        let begun = Instant::now();
        let one = loser(&turns, key("a")).await;
        let two = loser(&turns, key("a")).await;
        let later = Duration::from_millis(2);
        tokio::time::sleep(later).await;
        turns.wrote(&key("a"));
        one.await.unwrap();
        two.await.unwrap();
        // A timer of tokio's may be late by one millisecond.
        let waited = begun.elapsed() - later;
        assert!(
            (TURN..TURN + Duration::from_millis(2)).contains(&waited),
            "{waited:?}"
        );
        turns.wait(&key("a")).now_or_never().expect("it rests");
        tokio::time::sleep(REST).await;
        turns.wait(&key("a")).now_or_never().expect("the first");
        let three = loser(&turns, key("a")).await;
        assert!(!three.is_finished());
        three.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_write_does_not_count_as_one_that_never_came() {
        let turns = Turns::default();
        turns.wait(&key("a")).await;
        let one = loser(&turns, key("a")).await;
        turns.writes(&key("a"));
        tokio::time::sleep(COMMIT / 2).await;
        assert!(!one.is_finished());
        turns.wrote(&key("a"));
        let begun = Instant::now();
        one.await.unwrap();
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    /// Others who write in vain hold up nobody for ever.
    #[tokio::test(start_paused = true)]
    async fn whoever_loses_is_told_within_a_time_that_nobody_can_extend() {
        let turns = Turns::default();
        turns.wait(&key("a")).await;
        let begun = Instant::now();
        let one = loser(&turns, key("a")).await;
        while !one.is_finished() {
            turns.writes(&key("a"));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let waited = begun.elapsed();
        assert!(waited <= LONGEST + Duration::from_millis(5), "{waited:?}");
        tokio::time::sleep(REST).await;
        turns.wait(&key("a")).await;
        let begun = Instant::now();
        let two = loser(&turns, key("a")).await;
        turns.writes(&key("a"));
        turns.refused(&key("a"));
        two.await.unwrap();
        let waited = begun.elapsed();
        assert!(waited <= TURN + Duration::from_millis(5), "{waited:?}");
    }

    /// Whose client has gone is passed over.
    #[tokio::test(start_paused = true)]
    async fn whoever_has_gone_holds_up_nobody() {
        let turns = Turns::default();
        turns.wait(&key("a")).await;
        let one = loser(&turns, key("a")).await;
        let two = loser(&turns, key("a")).await;
        one.abort();
        let _ = one.await;
        turns.wrote(&key("a"));
        let begun = Instant::now();
        two.await.unwrap();
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_known_is_bounded() {
        let turns = Turns::default();
        for number in 0..2 * DOCUMENTS {
            turns
                .wait(&key(&number.to_string()))
                .now_or_never()
                .unwrap();
        }
        assert_eq!(turns.documents().len(), DOCUMENTS);
        tokio::time::sleep(TURN).await;
        turns.wait(&key("a")).await;
        assert_eq!(turns.documents().len(), 1);
    }
}
