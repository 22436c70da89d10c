//! The mark: a file beside the database that says how far the log went, and which log it is.
//!
//! What is missing at the end of a log, the log itself cannot tell: a write-ahead log that is damaged
//! or deleted only makes it shorter, and an older copy of the database looks as a database does. So
//! the newest version is noted outside of it, after each commit. The mark is not synced: it may be
//! behind after a loss of power, never ahead.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use detente_core::{Digest, Seq};
use detente_store::Epoch;

/// Of one line, its end included.
const LEN: usize = 100;

/// A mark that is written on.
#[derive(Debug)]
pub(crate) struct Mark {
    file: File,
    epoch: Epoch,
    identity: Identity,
}

/// What a mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marked {
    epoch: Epoch,
    identity: Identity,
    /// The newest version: 0 if there was none.
    pub(crate) seq: Seq,
    digest: Digest,
}

/// Tells a file from its copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    inode: u64,
    /// When it was made, in nanoseconds since 1970; 0 where the file system does not know.
    made: u64,
}

/// How a log goes on that was opened again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sequel {
    /// It is the log that the mark tells of.
    Same,
    /// It is another, or nothing tells.
    Other,
    /// It is another, and ends before this version, which was there.
    Shorter(Seq),
}

impl Identity {
    fn of(database: &Path) -> io::Result<Self> {
        let found = fs::metadata(database)?;
        let made = found.created().ok();
        let made = made.and_then(|made| made.duration_since(UNIX_EPOCH).ok());
        Ok(Self {
            inode: found.ino(),
            made: made.map_or(0, |made| made.as_nanos() as u64),
        })
    }
}

impl Marked {
    /// What the mark of a store says; `None` if there is none that can be read.
    pub(crate) fn read(data: &Path) -> Option<Self> {
        let text = fs::read_to_string(path(data)).ok()?;
        let mut words = text.split_ascii_whitespace();
        let mut number = |radix: u32| u64::from_str_radix(words.next()?, radix).ok();
        Some(Self {
            epoch: Epoch(number(16)?),
            identity: Identity {
                inode: number(10)?,
                made: number(10)?,
            },
            seq: number(10)?,
            digest: Digest(number(16)?),
        })
    }

    /// How the log of `database` goes on, which ends at `last`. `find` finds a version of it, unless it
    /// is kept no longer or damaged.
    pub(crate) fn compare(
        &self,
        database: &Path,
        last: Seq,
        find: impl FnOnce(Seq) -> Option<Digest>,
    ) -> Sequel {
        if Identity::of(database).ok() != Some(self.identity) {
            return Sequel::Other;
        }
        if self.seq > last {
            return Sequel::Shorter(self.seq);
        }
        let found = match self.seq {
            0 => None,
            seq => find(seq),
        };
        match found {
            Some(digest) if digest != self.digest => Sequel::Other,
            _ => Sequel::Same,
        }
    }

    fn line(&self) -> String {
        let Self {
            epoch,
            identity: Identity { inode, made },
            seq,
            digest,
        } = self;
        let digest = digest.0;
        let line = format!("{epoch} {inode} {made} {seq} {digest:x}");
        format!("{line:<width$}\n", width = LEN - 1)
    }
}

impl Mark {
    /// Goes on with a mark, or begins one, at the newest version of the log.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub(crate) fn write_on(
        data: &Path,
        database: &Path,
        before: Option<Marked>,
        newest: (Seq, Digest),
    ) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false);
        let mark = Self {
            file: file.open(path(data))?,
            epoch: before.map_or_else(Epoch::new, |before| before.epoch),
            identity: Identity::of(database)?,
        };
        mark.note(newest.0, newest.1)?;
        mark.file.set_len(LEN as u64)?;
        Ok(mark)
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Notes the newest version.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub(crate) fn note(&self, seq: Seq, digest: Digest) -> io::Result<()> {
        let marked = Marked {
            epoch: self.epoch,
            identity: self.identity,
            seq,
            digest,
        };
        // One write of one line: a process that ends leaves the one before or this one.
        self.file.write_all_at(marked.line().as_bytes(), 0)
    }
}

fn path(data: &Path) -> PathBuf {
    data.join("mark")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(database: &Path, seq: Seq) -> Marked {
        Marked {
            epoch: Epoch(u64::MAX),
            identity: Identity::of(database).unwrap(),
            seq,
            digest: Digest(u64::MAX),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("detente.db");
        fs::write(&database, "").unwrap();
        assert_eq!(Marked::read(folder.path()), None);
        let marked = Marked {
            identity: Identity {
                inode: u64::MAX,
                made: u64::MAX,
            },
            ..marked(&database, i64::MAX as u64)
        };
        let line = marked.line();
        assert_eq!(line.len(), LEN, "{line}");
        fs::write(path(folder.path()), line).unwrap();
        assert_eq!(Marked::read(folder.path()), Some(marked));
    }

    #[test]
    fn a_log_is_told_from_copies_and_from_what_is_left_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let (database, copy) = (folder.path().join("db"), folder.path().join("copy"));
        fs::write(&database, "").unwrap();
        fs::copy(&database, &copy).unwrap();
        let compare = |marked: Marked, database: &Path, last: Seq, digest: Option<u64>| {
            marked.compare(database, last, |_| digest.map(Digest))
        };
        let empty = marked(&database, 0);
        assert_eq!(compare(empty, &database, 0, None), Sequel::Same);
        let some = marked(&database, 7);
        let same = Some(u64::MAX);
        assert_eq!(compare(some, &database, 7, same), Sequel::Same);
        assert_eq!(compare(some, &database, 9, same), Sequel::Same);
        assert_eq!(compare(some, &database, 9, None), Sequel::Same);
        assert_eq!(compare(some, &database, 9, Some(1)), Sequel::Other);
        assert_eq!(compare(some, &database, 6, None), Sequel::Shorter(7));
        assert_eq!(compare(some, &copy, 7, same), Sequel::Other);
    }
}
