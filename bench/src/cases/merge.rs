//! Merging alone, without a server: Detente's library beside tools that merge lines, on the same documents.

use std::time::Duration;

use anyhow::Result;
use tokio::task::yield_now;

use crate::arguments::Plan;
use crate::mergers::{Git, Kind, Library, Node, NodeRun, PATIENCE, Sides, Verdict};
use crate::results::{Report, Throughput};
use crate::servers::Launch;

/// Sizes of documents, with their names.
const SIZES: [(usize, &str); 3] = [
    (1 << 10, "1 KiB"),
    (100 << 10, "100 KiB"),
    (1 << 20, "1 MiB"),
];
/// Mergers and documents are many: each pass has this part of the time of a run.
const PART: u32 = 4;

/// # Errors
///
/// When a merger fails. A merge of Detente's that does not come to what it should is a failure in the report; a tool
/// that is not there is left out, with a note.
pub(super) async fn run(plan: &Plan, launch: &Launch, report: &mut Report) -> Result<()> {
    let scratch = launch.scratch()?;
    let tools = Tools {
        git: present("git merge-file", Git::new(scratch.path()), report),
        node: present("node-diff3", Node::install(scratch.path()), report),
    };
    let versions = [
        tools.git.as_ref().map(Git::version),
        tools.node.as_ref().map(Node::version),
    ];
    for version in versions.into_iter().flatten() {
        report.add_note(version.to_owned());
    }
    for kind in Kind::ALL {
        for (bytes, size) in SIZES {
            let sides = Sides::generate(kind, bytes);
            let documents = format!("{}, {size}", kind.name());
            let mut race = Race::begin(&sides, &tools, &documents, report)?;
            for turn in 1..=plan.runs() {
                race.run_turn(plan.pace().measured / PART).await?;
                eprintln!("merge of {documents}, run {turn} of {}", plan.runs());
            }
            race.lanes
                .into_iter()
                .for_each(|lane| report.add_throughput(lane));
        }
    }
    Ok(())
}

/// What is installed on this machine.
struct Tools {
    git: Option<Git>,
    node: Option<Node>,
}

/// Notes why a tool is left out.
fn present<T>(name: &str, tool: Result<T>, report: &mut Report) -> Option<T> {
    tool.map_err(|error| report.add_note(format!("{name} is left out: {error:#}")))
        .ok()
}

/// All mergers on the same documents.
struct Race<'a> {
    library: Library,
    git: Option<&'a Git>,
    node: Option<NodeRun>,
    /// In the order in which [`Race::run_turn`] times them.
    lanes: Vec<Throughput>,
}

impl Race<'_> {
    /// Has everybody merge once, and sees what it comes to.
    fn begin<'a>(
        sides: &Sides,
        tools: &'a Tools,
        documents: &str,
        report: &mut Report,
    ) -> Result<Race<'a>> {
        let library = Library::new(sides)?;
        let own = library.verdict();
        if own != Verdict::Merged {
            report.add_failure(format!("merge of {documents}: {own}"));
        }
        let mut lanes = vec![
            ("detente", own.to_string()),
            ("detente, parsed", own.to_string()),
        ];
        if let Some(git) = &tools.git {
            let verdict = git.take(sides)?.to_string();
            lanes.push(("git merge-file", verdict.clone()));
            lanes.push((Throughput::GIT, verdict));
        }
        let mut node = None;
        if let Some(tool) = &tools.node {
            let verdict;
            (node, verdict) = match tool.take(sides)? {
                Some((run, verdict)) => (Some(run), verdict.to_string()),
                None => (None, format!("none in {} s", PATIENCE.as_secs())),
            };
            lanes.push((Throughput::NODE, verdict));
        }
        let lane = |(merger, verdict)| Throughput {
            documents: documents.to_owned(),
            merger,
            bytes: sides.base.len(),
            seconds: Vec::new(),
            verdict,
        };
        Ok(Race {
            library,
            git: tools.git.as_ref(),
            node,
            lanes: lanes.into_iter().map(lane).collect(),
        })
    }

    /// One pass each. A signal is heeded between them.
    async fn run_turn(&mut self, part: Duration) -> Result<()> {
        let mut times = vec![self.library.time_texts(part)?];
        yield_now().await;
        times.push(self.library.time_values(part)?);
        yield_now().await;
        if let Some(git) = self.git {
            let time = git.time(part)?;
            times.extend([time.whole, time.without_start]);
            yield_now().await;
        }
        if let Some(node) = &mut self.node {
            times.push(node.time(part)?);
            yield_now().await;
        }
        for (lane, seconds) in self.lanes.iter_mut().zip(times) {
            lane.seconds.push(seconds);
        }
        Ok(())
    }
}
