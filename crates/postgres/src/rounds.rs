use std::future::Future;
use std::sync::{Mutex, MutexGuard};

use tokio::sync::watch;

/// One question for all that ask at a time. Whoever asks while an answer is under way waits for the
/// next one: an answer counts only for those who were there before it was asked for.
#[derive(Debug)]
pub(crate) struct Rounds {
    line: Mutex<Line>,
    ended: watch::Sender<Ended>,
}

#[derive(Debug, Default)]
struct Line {
    begun: u64,
    wanted: u64,
    is_running: bool,
}

/// The newest round that ended, and the newest that ended without an answer.
#[derive(Clone, Copy, Debug, Default)]
struct Ended {
    last: u64,
    failed: u64,
}

/// The question could not be answered.
#[derive(Debug)]
pub(crate) struct NoAnswer;

impl Rounds {
    pub(crate) fn new() -> Self {
        Self {
            line: Mutex::default(),
            ended: watch::Sender::new(Ended::default()),
        }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().expect("nothing panics while it is held")
    }

    /// Joins the next round, and says whether somebody must [`Rounds::run`] the rounds.
    pub(crate) fn join(&self) -> (Ticket, bool) {
        let mut line = self.line();
        let round = line.begun + 1;
        line.wanted = round;
        let must_run = !std::mem::replace(&mut line.is_running, true);
        let ticket = Ticket {
            round,
            ended: self.ended.subscribe(),
        };
        (ticket, must_run)
    }

    /// Asks for as long as anybody waits.
    pub(crate) async fn run<F: Future<Output = bool>>(&self, ask: impl Fn() -> F) {
        loop {
            let round = {
                let mut line = self.line();
                if line.begun == line.wanted {
                    line.is_running = false;
                    return;
                }
                line.begun += 1;
                line.begun
            };
            let is_answered = ask().await;
            self.ended.send_modify(|ended| {
                ended.last = round;
                if !is_answered {
                    ended.failed = round;
                }
            });
        }
    }
}

/// A place in a round.
#[derive(Debug)]
pub(crate) struct Ticket {
    round: u64,
    ended: watch::Receiver<Ended>,
}

impl Ticket {
    /// Waits for the answer.
    pub(crate) async fn wait(mut self) -> Result<(), NoAnswer> {
        let round = self.round;
        let ended = self.ended.wait_for(|ended| ended.last >= round).await;
        let ended = ended.map_err(|_| NoAnswer)?;
        // A later round that failed says nothing of this one; but nobody remembers how this one ended.
        match ended.failed >= round {
            true => Err(NoAnswer),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[tokio::test]
    async fn whoever_comes_while_an_answer_is_under_way_waits_for_the_next() {
        let rounds = Rounds::new();
        let asked = AtomicU64::new(0);
        let (first, must_run) = rounds.join();
        assert!(must_run);
        let late = Mutex::new(None);
        let run = rounds.run(|| async {
            if asked.fetch_add(1, Ordering::Relaxed) == 0 {
                let (ticket, must_run) = rounds.join();
                assert!(!must_run);
                *late.lock().unwrap() = Some(ticket);
                return true;
            }
            false
        });
        run.await;
        assert_eq!(asked.load(Ordering::Relaxed), 2);
        let late = late.lock().unwrap().take().unwrap();
        assert!(late.wait().await.is_err(), "its own round failed");
        drop(first);
        let (next, must_run) = rounds.join();
        assert!(must_run);
        rounds.run(|| async { true }).await;
        assert!(next.wait().await.is_ok());
    }
}
