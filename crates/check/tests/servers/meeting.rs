use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Tells requests whether others are there at the same time.
#[derive(Debug, Default)]
pub(crate) struct Meeting {
    present: AtomicUsize,
    /// How often somebody came while another was there.
    encounters: AtomicU64,
}

/// One that is there, until it is dropped.
#[derive(Debug)]
pub(crate) struct Guest<'a> {
    meeting: &'a Meeting,
    found_others: bool,
    encounters: u64,
}

impl Meeting {
    pub(crate) fn enter(&self) -> Guest<'_> {
        let found_others = self.present.fetch_add(1, Ordering::SeqCst) > 0;
        if found_others {
            self.encounters.fetch_add(1, Ordering::SeqCst);
        }
        Guest {
            meeting: self,
            found_others,
            encounters: self.encounters.load(Ordering::SeqCst),
        }
    }
}

impl Guest<'_> {
    /// Whether another was there when it came, or came since.
    pub(crate) fn has_met(&self) -> bool {
        self.found_others || self.meeting.encounters.load(Ordering::SeqCst) != self.encounters
    }
}

impl Drop for Guest<'_> {
    fn drop(&mut self) {
        self.meeting.present.fetch_sub(1, Ordering::SeqCst);
    }
}
