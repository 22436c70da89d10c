use std::sync::{Arc, Mutex, MutexGuard};

use crate::LoggedConflict;

/// How many refused writes lie in a tray before the writer is woken for them, and of how many bytes.
const FULL: usize = 256;
const FULL_BYTES: usize = 1024 * 1024;

/// Refused writes on their way into the conflict log. They lie here until the writer comes by, which it need
/// not do for them alone: to wake it costs more than all else about them.
#[derive(Debug, Default)]
pub(crate) struct Tray(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    conflicts: Vec<Arc<LoggedConflict>>,
    bytes: usize,
}

impl Tray {
    // A std mutex: it is held for a push.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("nothing panics while it is held")
    }

    /// Puts a refused write down. Where the tray is full, gives it back: the writer must be woken.
    pub(crate) fn put(&self, conflict: Arc<LoggedConflict>) -> Result<(), Arc<LoggedConflict>> {
        let mut inner = self.inner();
        if inner.conflicts.len() >= FULL || inner.bytes >= FULL_BYTES {
            return Err(conflict);
        }
        inner.bytes += conflict.weight();
        inner.conflicts.push(conflict);
        Ok(())
    }

    /// How many lie in it.
    pub(crate) fn len(&self) -> usize {
        self.inner().conflicts.len()
    }

    /// Takes all that lie in it, in the order in which they came.
    pub(crate) fn take(&self) -> Vec<Arc<LoggedConflict>> {
        std::mem::take(&mut *self.inner()).conflicts
    }
}
