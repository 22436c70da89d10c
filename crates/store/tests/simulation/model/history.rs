use std::iter::successors;

use detente_core::{Keep, Key, Seq};
use detente_store::{Changes, Follow, PageLimit, Reader};

use super::{Entry, Model, same, unreadable};
use pollster::FutureExt;

/// History is looked through when the number of a version is a multiple of this, and begins at such
/// a version once it was cut.
const MILESTONE: u64 = 64;

impl Model {
    /// Lets go what a document need not keep, now that it has its newest version.
    pub(super) fn cut(&mut self, key: &Key, keep: Keep) {
        let newest = &self.newest[key];
        let count = newest.version.version;
        let since = self.now.0.saturating_sub(keep.age_ms);
        let may_begin = |it: &&Entry| {
            it.version.version.is_multiple_of(MILESTONE)
                && it.version.version + keep.versions <= count + 1
                && it.version.at.0 < since
        };
        let mut versions = successors(Some(&**newest), |it| it.before.as_deref());
        if count.is_multiple_of(MILESTONE)
            && let Some(first) = versions.find(may_begin)
        {
            // Time may have been set back since it was last cut: what is gone stays so.
            let first_kept = self.first_kept.entry(key.clone()).or_insert(1);
            *first_kept = first.version.version.max(*first_kept);
        }
    }

    fn keeps(&self, entry: &Entry) -> bool {
        let first = self.first_kept.get(&entry.key);
        first.is_none_or(|first| *first <= entry.version.version)
    }

    /// What is kept of the log behind `since`, up to `through`.
    pub(crate) fn kept(&self, since: Seq, through: Seq) -> impl Iterator<Item = (Seq, &Key)> {
        let entries = self.log.iter().map(|entry| &**entry);
        entries
            .filter(move |it| (since + 1..=through).contains(&it.version.seq) && self.keeps(it))
            .map(|it| (it.version.seq, &it.key))
    }

    pub(crate) fn last_seq(&self) -> Seq {
        self.log.len() as Seq
    }

    /// Whether there was such a version, and it was let go.
    pub(crate) fn let_go(&self, seq: Seq) -> bool {
        let index = seq.checked_sub(1).map(|it| usize::try_from(it).unwrap());
        let entry = index.and_then(|index| self.log.get(index));
        entry.is_some_and(|entry| !self.keeps(entry))
    }

    /// How many versions were let go.
    pub(super) fn gone(&self) -> u64 {
        self.first_kept.values().map(|first| first - 1).sum()
    }

    /// Compares all of the log: what is kept is there, and what is gone is gone, whoever asks how.
    pub(crate) fn compare_history<R: Reader>(&self, reader: &R) -> Result<(), String> {
        let asked = Changes {
            space: "default".into(),
            collection: None,
            since: 0,
            follow: Follow::Versions,
            limit: PageLimit::rows(usize::MAX),
        };
        let found = reader.changes(&asked).block_on().map_err(unreadable)?.items;
        let found: Vec<_> = found.iter().map(|stored| stored.seq).collect();
        let expected: Vec<_> = self.kept(0, Seq::MAX).map(|(seq, _)| seq).collect();
        same("what is kept", &found, &expected)?;
        for entry in self.log.iter().filter(|entry| !self.keeps(entry)) {
            let seq = entry.version.seq;
            let back = reader
                .version("default", seq)
                .block_on()
                .map_err(unreadable)?;
            same("a version that is gone", &back.map(|it| it.seq), &None)?;
        }
        for (key, first) in &self.first_kept {
            let newest = reader.current(key).block_on().map_err(unreadable)?;
            let newest = newest.ok_or_else(|| format!("all of {key:?} is gone"))?;
            for number in [first - 1, *first] {
                let found = reader
                    .numbered(&newest, number)
                    .block_on()
                    .map_err(unreadable)?;
                let expected = Some(number).filter(|it| it >= first);
                same("a numbered version", &found.map(|it| it.version), &expected)?;
            }
        }
        Ok(())
    }
}
