//! Load driver and side-by-side benchmarks: what Detente's guarantees cost, as ratios to servers that give none.

mod arguments; // the command line
mod cases; // what is measured, each as a sequence of loads
mod driver; // the closed loop: connections, requests, clients, one load
mod mergers; // who merges, and what: the library beside tools that merge lines
mod results; // samples to medians, ratios, targets; the tables and the JSON
mod servers; // the processes under load, and the two stand-ins

use std::process::ExitCode;

use anyhow::{Result, bail, ensure};
use clap::Parser;
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;

use arguments::{Arguments, Plan, Role};
use results::Report;

// The allocator of the binary under test, so that the null server differs from it in its work alone.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let Arguments { role, mut plan } = Arguments::parse();
    let done = match role {
        Some(Role::Null) => servers::serve_null(),
        Some(Role::Stamp) => servers::serve_stamps(),
        Some(Role::File { file }) => servers::serve_file(&file),
        None => {
            plan.leave_out();
            drive(&plan)
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the plan on one thread: the driver shares its cores with the server, and must not crowd it out.
fn drive(plan: &Plan) -> Result<()> {
    plan.check()?;
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut report = Report::new(plan.settings());
    let done = LocalSet::new().block_on(&runtime, until_interrupted(plan, &mut report));
    // Also after an error: what was measured until then is worth having.
    print!("{report}");
    if let Some(file) = &plan.json {
        report.write_json(file)?;
    }
    done?;
    ensure!(
        report.failures().is_empty(),
        "{}",
        report.failures().join("; ")
    );
    Ok(())
}

/// Gives way to a signal by returning, so that every guard drops: children end and scratch directories go.
async fn until_interrupted(plan: &Plan, report: &mut Report) -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        done = cases::run(plan, report) => done,
        _ = interrupt.recv() => bail!("interrupted"),
        _ = terminate.recv() => bail!("terminated"),
    }
}
