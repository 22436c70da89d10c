use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// How often it is looked whether anything happens on a connection.
const LOOK: Duration = Duration::from_secs(5);

/// A connection on which nothing was asked for this long is closed: whoever it is may not even have
/// said which protocol they speak.
const UNASKED: Duration = Duration::from_secs(30);

/// A connection on which no byte went either way for this long is closed. Streams of events have
/// their heartbeats.
const SILENT: Duration = Duration::from_secs(75);

/// The connections that are open. There are at most so many, in all and of one address: where one
/// more comes, the one that was silent for the longest time makes room.
#[derive(Debug)]
pub(crate) struct Connections {
    open: Mutex<Open>,
    most: usize,
    most_of_one: usize,
}

#[derive(Debug, Default)]
struct Open {
    last: u64,
    all: HashMap<u64, Arc<Pulse>>,
    /// How many each address has.
    of_one: HashMap<IpAddr, usize>,
}

/// What happens on one connection.
#[derive(Debug)]
pub(crate) struct Pulse {
    peer: Option<IpAddr>,
    /// Whether a byte went either way since it was last looked.
    is_felt: AtomicBool,
    /// How often it was looked in vain.
    silent: AtomicU32,
    has_asked: AtomicBool,
    /// Requests that have no answer yet.
    in_progress: AtomicUsize,
    makes_room: Notify,
    /// A request has its answer.
    answered: Notify,
}

impl Connections {
    pub(crate) fn new(most: usize, most_of_one: usize) -> Self {
        Self {
            open: Mutex::default(),
            most: most.max(1),
            most_of_one: most_of_one.max(1),
        }
    }

    // A std mutex: nothing awaits while it is held.
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().expect("nothing panics while it is held")
    }

    /// Takes a connection in. `peer` is the address that it counts for, if any.
    pub(crate) fn admit(self: &Arc<Self>, peer: Option<IpAddr>) -> Admitted {
        let pulse = Arc::new(Pulse {
            peer,
            is_felt: AtomicBool::new(true),
            silent: AtomicU32::new(0),
            has_asked: AtomicBool::new(false),
            in_progress: AtomicUsize::new(0),
            makes_room: Notify::new(),
            answered: Notify::new(),
        });
        let mut open = self.open();
        let of_one = peer.and_then(|peer| open.of_one.get(&peer));
        if of_one.is_some_and(|count| *count >= self.most_of_one) {
            open.make_room(|it| it.peer == peer);
        } else if open.all.len() >= self.most {
            open.make_room(|_| true);
        }
        let id = open.insert(&pulse);
        Admitted {
            connections: Arc::clone(self),
            id,
            pulse,
        }
    }
}

impl Open {
    /// Ends the connection, of those that are meant, that is the least likely to be missed: no answer
    /// is due on it; nothing was asked on it, or it was silent for the longest time, or it is the
    /// oldest.
    fn make_room(&mut self, is_meant: impl Fn(&Pulse) -> bool) {
        let meant = self.all.iter().filter(|(_, pulse)| is_meant(pulse));
        let least = meant.max_by_key(|(id, pulse)| {
            let has_asked = pulse.has_asked.load(Ordering::Relaxed);
            let silent = pulse.silent.load(Ordering::Relaxed);
            (
                !pulse.is_working(),
                !has_asked,
                silent,
                std::cmp::Reverse(**id),
            )
        });
        let least = least.map(|(id, _)| *id);
        if let Some(pulse) = least.and_then(|id| self.remove(id)) {
            pulse.makes_room.notify_one();
        }
    }

    fn insert(&mut self, pulse: &Arc<Pulse>) -> u64 {
        self.last += 1;
        self.all.insert(self.last, Arc::clone(pulse));
        if let Some(peer) = pulse.peer {
            *self.of_one.entry(peer).or_default() += 1;
        }
        self.last
    }

    fn remove(&mut self, id: u64) -> Option<Arc<Pulse>> {
        let pulse = self.all.remove(&id)?;
        if let Some(peer) = pulse.peer
            && let Some(count) = self.of_one.get_mut(&peer)
        {
            *count -= 1;
            if *count == 0 {
                self.of_one.remove(&peer);
            }
        }
        Some(pulse)
    }
}

/// A connection that counts among those that are open, until this is dropped.
#[derive(Debug)]
pub(crate) struct Admitted {
    connections: Arc<Connections>,
    id: u64,
    pulse: Arc<Pulse>,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.connections.open().remove(self.id);
    }
}

impl Admitted {
    pub(crate) fn pulse(&self) -> Arc<Pulse> {
        Arc::clone(&self.pulse)
    }

    /// Returns once nothing goes on any more that a request began: what a connection became may outlive it.
    pub(crate) async fn rest(&self) {
        while self.pulse.is_working() {
            // An answer before we listen is kept for us.
            self.pulse.answered.notified().await;
        }
    }

    /// Returns why the connection must end, as soon as it must.
    pub(crate) async fn end(&self) -> &'static str {
        let begun = Instant::now();
        let mut look = interval_at(begun + LOOK, LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.pulse.makes_room.notified() => return "others need its place",
                _ = look.tick() => {}
            }
            if self.pulse.is_felt.swap(false, Ordering::Relaxed) || self.pulse.is_working() {
                self.pulse.silent.store(0, Ordering::Relaxed);
            } else if LOOK * self.pulse.silent.fetch_add(1, Ordering::Relaxed) >= SILENT {
                return "nothing was sent for too long";
            }
            if !self.pulse.has_asked.load(Ordering::Relaxed) && begun.elapsed() >= UNASKED {
                return "nothing was asked for too long";
            }
        }
    }
}

impl Pulse {
    /// A request came from an address, if there is one. It is in progress until this is dropped.
    pub(crate) fn ask(self: &Arc<Self>, peer: Option<IpAddr>) -> Asking {
        self.has_asked.store(true, Ordering::Relaxed);
        self.in_progress.fetch_add(1, Ordering::Relaxed);
        Asking {
            peer,
            in_progress: Arc::new(InProgress(Arc::clone(self))),
        }
    }

    fn is_working(&self) -> bool {
        self.in_progress.load(Ordering::Relaxed) > 0
    }
}

/// A request in progress; it goes along with the request.
#[derive(Clone, Debug)]
pub(crate) struct Asking {
    /// Who opened the connection: a proxy, too.
    pub(crate) peer: Option<IpAddr>,
    in_progress: Arc<InProgress>,
}

impl Asking {
    /// Returns once others need the place of what the connection became.
    pub(crate) async fn makes_room(&self) {
        self.in_progress.0.makes_room.notified().await;
    }
}

#[derive(Debug)]
struct InProgress(Arc<Pulse>);

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.in_progress.fetch_sub(1, Ordering::Relaxed);
        self.0.answered.notify_one();
    }
}

/// A stream whose bytes are felt.
#[derive(Debug)]
pub(crate) struct Felt<S> {
    stream: S,
    pulse: Arc<Pulse>,
}

impl<S> Felt<S> {
    pub(crate) fn new(stream: S, pulse: Arc<Pulse>) -> Self {
        Self { stream, pulse }
    }

    fn feel<T>(&self, done: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if done.is_ready() {
            self.pulse.is_felt.store(true, Ordering::Relaxed);
        }
        done
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Felt<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.feel(done)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Felt<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.feel(done)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.feel(done)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    async fn has_ended(admitted: &Admitted) -> bool {
        tokio::select! {
            biased;
            _ = admitted.end() => true,
            () = tokio::task::yield_now() => false,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_least_missed_makes_room_for_one_more() {
        let connections = Arc::new(Connections::new(3, 2));
        let one = connections.admit(address(1));
        let two = connections.admit(address(1));
        drop(one.pulse().ask(None));
        // A third one of that address: the one that never asked goes.
        let three = connections.admit(address(1));
        assert!(has_ended(&two).await);
        assert!(!has_ended(&one).await);
        drop(three.pulse().ask(None));
        let four = connections.admit(address(2));
        drop(four.pulse().ask(None));
        // Full. All have asked; the first is the oldest, but the second was silent longer.
        three.pulse.silent.store(3, Ordering::Relaxed);
        let five = connections.admit(address(3));
        assert!(has_ended(&three).await);
        assert!(!has_ended(&one).await && !has_ended(&four).await);
        // One that works is kept, however silent.
        drop(five.pulse().ask(None));
        let work = one.pulse().ask(None);
        one.pulse.silent.store(9, Ordering::Relaxed);
        let seven = connections.admit(address(4));
        assert!(has_ended(&four).await && !has_ended(&one).await);
        drop((work, seven));
        one.pulse.silent.store(0, Ordering::Relaxed);
        let six = connections.admit(None);
        assert!(!has_ended(&one).await && !has_ended(&five).await && !has_ended(&six).await);
        assert_eq!(connections.open().all.len(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_asks_nothing_or_sends_nothing_is_let_go() {
        let connections = Arc::new(Connections::new(10, 10));
        let mute = connections.admit(address(1));
        let begun = Instant::now();
        assert_eq!(mute.end().await, "nothing was asked for too long");
        assert_eq!(begun.elapsed(), UNASKED);
        let asked = connections.admit(address(1));
        drop(asked.pulse().ask(None));
        let begun = Instant::now();
        assert_eq!(asked.end().await, "nothing was sent for too long");
        assert!((SILENT..SILENT + 3 * LOOK).contains(&begun.elapsed()));
        // Bytes keep it.
        let lively = connections.admit(address(1));
        drop(lively.pulse().ask(None));
        let felt = lively.pulse();
        let heart = async {
            loop {
                felt.is_felt.store(true, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_secs(15)).await;
            }
        };
        let end = tokio::time::timeout(Duration::from_secs(600), async {
            tokio::select! {
                why = lively.end() => why,
                () = heart => "never",
            }
        });
        assert!(end.await.is_err());
    }
}
