//! A directory for data, removed again.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rustix::fs::statfs;
use tempfile::TempDir;

/// f_type of a file system in memory, see statfs(2).
const TMPFS_MAGIC: u64 = 0x0102_1994;

/// Everything that one server writes; it goes when the guard does.
pub(crate) struct Scratch {
    directory: TempDir,
}

impl Scratch {
    /// # Errors
    ///
    /// When no directory can be made there.
    pub(crate) fn new(parent: &Path) -> Result<Scratch> {
        let directory = tempfile::Builder::new()
            .prefix("bench-data-")
            .tempdir_in(parent)
            .with_context(|| {
                format!("no directory for data can be made in {}", parent.display())
            })?;
        Ok(Scratch { directory })
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Has servers that are started on it read this configuration.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(crate) fn configure(&self, text: &str) -> Result<()> {
        let file = self.config();
        fs::write(&file, text).with_context(|| format!("{} cannot be written", file.display()))
    }

    /// Puts settings before those that there are, if they do not stand there already.
    ///
    /// # Errors
    ///
    /// When they cannot be written.
    pub(super) fn configure_first(&self, settings: &str) -> Result<()> {
        let text = fs::read_to_string(self.config()).unwrap_or_default();
        if text.starts_with(settings) {
            return Ok(());
        }
        self.configure(&format!("{settings}{text}"))
    }

    pub(super) fn config(&self) -> PathBuf {
        self.directory.path().join("detente.toml")
    }

    /// Where the server's standard error goes, so that it costs no terminal and can be shown when the server fails.
    pub(crate) fn log(&self) -> PathBuf {
        self.directory.path().join("stderr.log")
    }

    /// The last lines of the log, for an error message.
    pub(crate) fn log_tail(&self) -> String {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        match lines.as_slice() {
            [] => "its log is empty".to_owned(),
            lines => format!(
                "its log ends:\n{}\n",
                lines[lines.len().saturating_sub(20)..].join("\n")
            ),
        }
    }
}

/// Whether what is written there stays in memory: then a sync costs nothing, and rates with it mean nothing.
pub(crate) fn is_in_memory(directory: &Path) -> bool {
    statfs(directory).is_ok_and(|stat| stat.f_type as u64 == TMPFS_MAGIC)
}
