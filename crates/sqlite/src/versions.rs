use std::sync::{Arc, Mutex, MutexGuard};

use detente_core::{Applied, Seq, Stored};

use detente_store::Cache;

/// What a cached version weighs beside its body.
const VERSION_OVERHEAD: usize = 200;

/// Versions that were written or read lately. They never change, so these cannot be wrong; but they
/// can be gone.
#[derive(Debug)]
pub(crate) struct Versions(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    versions: Cache<Seq, Arc<Stored>>,
    /// How often a commit set out to cut history. What was read from the table may be remembered
    /// only if none has since: else it might be gone by now.
    cuts: u64,
    is_cutting: bool,
}

/// With it, what is read from now on may be remembered.
#[derive(Clone, Copy)]
pub(crate) struct Token(Option<u64>);

impl Versions {
    /// At most so many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        let weigh = |stored: &Arc<Stored>| stored.body.len() + VERSION_OVERHEAD;
        Self(Mutex::new(Inner {
            versions: Cache::new(bytes, weigh),
            cuts: 0,
            is_cutting: false,
        }))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("nothing panics while it is held")
    }

    pub(crate) fn get(&self, seq: Seq) -> Option<Arc<Stored>> {
        self.inner().versions.get(&seq)
    }

    /// To be taken before the table is read.
    pub(crate) fn token(&self) -> Token {
        let inner = self.inner();
        Token((!inner.is_cutting).then_some(inner.cuts))
    }

    /// Remembers what the table had, unless history was cut meanwhile.
    pub(crate) fn remember(&self, Token(cuts): Token, stored: &Arc<Stored>) {
        let mut inner = self.inner();
        if cuts == Some(inner.cuts) {
            inner.versions.insert(stored.seq, Arc::clone(stored));
        }
    }

    /// Takes in what was committed.
    pub(crate) fn publish(&self, versions: &[Applied]) {
        let mut inner = self.inner();
        for applied in versions {
            let stored = &applied.stored;
            inner.versions.insert(stored.seq, Arc::clone(stored));
        }
    }

    /// Before a commit that may let versions go.
    pub(crate) fn begin_cut(&self) {
        let mut inner = self.inner();
        inner.cuts += 1;
        inner.is_cutting = true;
    }

    /// After it: what is no longer stored is no longer told from memory either.
    pub(crate) fn end_cut(&self, pruned: &[Seq]) {
        let mut inner = self.inner();
        pruned.iter().for_each(|seq| inner.versions.remove(seq));
        inner.is_cutting = false;
    }
}
