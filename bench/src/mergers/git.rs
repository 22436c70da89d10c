//! git merge-file, a process for each merge.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{Sides, Verdict, repeat};
use crate::results::Spread;

const MARKER: &str = "<<<<<<< ";

/// The three documents in files, and three empty files beside them.
pub(crate) struct Git {
    directory: PathBuf,
    version: String,
}

/// Seconds that one merge takes, as medians.
pub(crate) struct GitTime {
    /// From starting the process to its end.
    pub whole: f64,
    /// Less what a merge of three empty files takes; 0 if that takes longer.
    pub without_start: f64,
}

impl Git {
    /// # Errors
    ///
    /// When there is no git, or the directory cannot be written.
    pub(crate) fn new(directory: &Path) -> Result<Git> {
        for name in ["none-ours", "none-base", "none-theirs"] {
            fs::write(directory.join(name), "")?;
        }
        Ok(Git {
            directory: directory.to_owned(),
            version: version()?,
        })
    }

    /// What `git --version` says.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// Merges once.
    ///
    /// # Errors
    ///
    /// When the files cannot be written, or git fails.
    pub(crate) fn take(&self, sides: &Sides) -> Result<Verdict> {
        let files = [
            ("ours", &sides.ours),
            ("base", &sides.base),
            ("theirs", &sides.theirs),
        ];
        for (name, text) in files {
            fs::write(self.directory.join(name), text)?;
        }
        let output = self.command(["ours", "base", "theirs"]).output()?;
        // The exit code counts conflicts, 127 at most; above are errors.
        let code = output.status.code();
        ensure!(
            code.is_some_and(|code| code < 128),
            "git merge-file ended with {}",
            output.status
        );
        let text = String::from_utf8(output.stdout)?;
        let conflicts = text.lines().filter(|line| line.starts_with(MARKER));
        Ok(Verdict::of(conflicts.count(), text == sides.merged))
    }

    /// Merges what it took last again and again, with a merge of nothing after each, so that both meet the same machine.
    ///
    /// # Errors
    ///
    /// When git cannot be run.
    pub(crate) fn time(&self, time: Duration) -> Result<GitTime> {
        let (mut wholes, mut starts) = (Vec::new(), Vec::new());
        repeat(2 * time, || {
            wholes.push(self.run(["ours", "base", "theirs"])?);
            starts.push(self.run(["none-ours", "none-base", "none-theirs"])?);
            Ok(())
        })?;
        // Starting a process takes very long now and then, which a mean would show.
        let median = |times| Spread::of(times).map_or(0.0, |times| times.median);
        let (whole, start) = (median(wholes), median(starts));
        Ok(GitTime {
            whole,
            without_start: (whole - start).max(0.0),
        })
    }

    fn run(&self, files: [&str; 3]) -> Result<f64> {
        let mut command = self.command(files);
        command.stdout(Stdio::null());
        repeat(Duration::ZERO, || {
            command.status().context("git cannot be run")?;
            Ok(())
        })
    }

    fn command(&self, files: [&str; 3]) -> Command {
        let mut command = Command::new("git");
        command
            .args(["merge-file", "-p"])
            .args(files)
            .current_dir(&self.directory)
            .stdin(Stdio::null());
        command
    }
}

fn version() -> Result<String> {
    let output = Command::new("git")
        .arg("--version")
        .output()
        .context("git cannot be run")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;

    #[test]
    fn lines_far_apart_are_merged_and_counts_are_in_conflict() -> Result<()> {
        let directory = tempfile::tempdir()?;
        let git = Git::new(directory.path())?;
        let cases = [
            (Kind::Members, Verdict::Merged),
            (Kind::Text, Verdict::Merged),
            (Kind::Counters, Verdict::Conflicts(1)),
        ];
        for (kind, verdict) in cases {
            assert_eq!(
                git.take(&Sides::generate(kind, 1 << 10))?,
                verdict,
                "{kind:?}"
            );
        }
        Ok(())
    }
}
