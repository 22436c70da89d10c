//! npm's node-diff3, many merges in one process.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::{Sides, Verdict};

const PACKAGE: &str = "node-diff3@3.2.1";
const SCRIPT: &str = include_str!("merge.mjs");
/// How long one merge may take: many lines that are the same are too much for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A directory with the package in it.
pub(crate) struct Node {
    directory: PathBuf,
    version: String,
}

/// A running node that has merged the documents in its files once. Dropping it kills it.
pub(crate) struct NodeRun {
    child: Child,
    requests: ChildStdin,
    answers: Receiver<String>,
}

impl Node {
    /// Installs the package into a directory.
    ///
    /// # Errors
    ///
    /// When npm cannot install it, or there is no node.
    pub(crate) fn install(directory: &Path) -> Result<Node> {
        let output = Command::new("npm")
            .args(["install", "--no-save", "--no-audit", "--no-fund"])
            .args(["--ignore-scripts", "--fetch-retries=1", "--prefix"])
            .arg(directory)
            .arg(PACKAGE)
            .stdin(Stdio::null())
            .output()
            .context("npm cannot be run")?;
        ensure!(
            output.status.success(),
            "npm could not install {PACKAGE}: {}",
            first_error(&output.stderr)
        );
        fs::write(directory.join("merge.mjs"), SCRIPT)?;
        Ok(Node {
            directory: directory.to_owned(),
            version: version()?,
        })
    }

    /// What was installed, and under which node it runs.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// Merges once; `None` if that takes longer than [`PATIENCE`].
    ///
    /// # Errors
    ///
    /// When the files cannot be written, or node ends.
    pub(crate) fn take(&self, sides: &Sides) -> Result<Option<(NodeRun, Verdict)>> {
        let files = [
            ("lines-ours", &sides.ours),
            ("lines-base", &sides.base),
            ("lines-theirs", &sides.theirs),
        ];
        for (name, text) in files {
            fs::write(self.directory.join(name), text)?;
        }
        let mut run = NodeRun::start(&self.directory)?;
        let Some(answer) = run.ask(0, PATIENCE)? else {
            return Ok(None);
        };
        let conflicts = answer["conflicts"].as_u64().context("no conflicts")?;
        let is_merged = answer["text"] == sides.merged.as_str();
        let verdict = Verdict::of(usize::try_from(conflicts)?, is_merged);
        Ok(Some((run, verdict)))
    }
}

impl NodeRun {
    fn start(directory: &Path) -> Result<NodeRun> {
        let mut child = Command::new("node")
            .arg("merge.mjs")
            .current_dir(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("node cannot be run")?;
        let requests = child.stdin.take().context("standard input was piped")?;
        let stdout = child.stdout.take().context("standard output was piped")?;
        let (found, answers) = channel();
        thread::spawn(move || {
            let lines = BufReader::new(stdout).lines().map_while(Result::ok);
            // Nobody listens any more once the run is dropped.
            lines.map(|line| found.send(line)).find(Result::is_err)
        });
        Ok(NodeRun {
            child,
            requests,
            answers,
        })
    }

    /// Seconds that a merge of the documents takes, by node's own clock.
    ///
    /// # Errors
    ///
    /// When node ends, or takes far longer than it did at first.
    pub(crate) fn time(&mut self, time: Duration) -> Result<f64> {
        let answer = self.ask(time.as_millis().max(1), time + 4 * PATIENCE)?;
        let answer = answer.context("node takes too long")?;
        answer["seconds"].as_f64().context("no seconds")
    }

    fn ask(&mut self, ms: u128, limit: Duration) -> Result<Option<Value>> {
        let request = json!({
            "ours": "lines-ours",
            "base": "lines-base",
            "theirs": "lines-theirs",
            "ms": u64::try_from(ms)?,
        });
        writeln!(self.requests, "{request}")?;
        match self.answers.recv_timeout(limit) {
            Ok(answer) => Ok(Some(serde_json::from_str(&answer)?)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => bail!("node ended without an answer"),
        }
    }
}

impl Drop for NodeRun {
    fn drop(&mut self) {
        // Both fail only for a child that is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first line of npm's complaint that says something.
fn first_error(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let mut errors = text.lines().filter(|line| line.starts_with("npm error"));
    errors.next().unwrap_or("it did not say why").to_owned()
}

fn version() -> Result<String> {
    let output = Command::new("node").arg("--version").output()?;
    let node = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok(format!("{PACKAGE} under node {node}"))
}
