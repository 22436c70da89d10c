//! The write-ahead log, moved to the database from time to time.
//!
//! SQLite does so by itself, and says nothing when it fails: the log then grows until the disk is
//! full. So it is done here, at the same times.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;
use rusqlite::hooks::Wal;

use crate::failure::Failure;

/// Frames in the log before they are moved: 64 MB. Hot pages are then copied once for many commits.
pub(crate) const PAGES: u64 = 16_000;

/// After a failure, it is tried again when the log has grown by so many frames: 4 MB.
const PAGES_BETWEEN: u64 = 1000;

/// Of a frame: a page, and its head.
const FRAME_BYTES: u64 = 4096 + 24;

/// How far the log has grown.
#[derive(Debug, Default)]
pub(crate) struct Checkpoints {
    /// Frames in the log.
    pages: AtomicU64,
    /// How often in a row they could not be moved.
    failures: AtomicU64,
    /// At how many frames it is tried next.
    due: AtomicU64,
}

impl Checkpoints {
    pub(crate) fn log_bytes(&self) -> u64 {
        self.pages.load(Ordering::Relaxed) * FRAME_BYTES
    }

    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Takes over from SQLite.
    pub(crate) fn watch(self: &Arc<Self>, connection: &mut Connection) -> Result<(), Failure> {
        let own = Arc::clone(self);
        own.due.store(PAGES, Ordering::Relaxed);
        let hook = move |wal: &mut Wal, pages: i32| {
            own.committed(wal, u64::try_from(pages).unwrap_or(0));
            Ok(())
        };
        Ok(connection.wal_hook(Some(hook))?)
    }

    /// After each commit, on the writer's thread.
    fn committed(&self, wal: &mut Wal, pages: u64) {
        self.pages.store(pages, Ordering::Relaxed);
        // The log begins anew only once it was moved, and then it is due at the usual length.
        if pages < self.due.load(Ordering::Relaxed) {
            return;
        }
        // It waits for nobody.
        let next = match wal.checkpoint() {
            Ok(()) => {
                if self.failures.swap(0, Ordering::Relaxed) > 0 {
                    tracing::info!("the write-ahead log can be written to the database again");
                }
                // A reader that takes long may need the rest of it: then it is tried with the next commit.
                PAGES
            }
            Err(error) => {
                let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
                if failures.is_power_of_two() {
                    let log_bytes = self.log_bytes();
                    tracing::error!(
                        %error,
                        failures,
                        log_bytes,
                        "the write-ahead log cannot be written to the database, and grows"
                    );
                }
                pages + PAGES_BETWEEN
            }
        };
        self.due.store(next, Ordering::Relaxed);
    }
}
