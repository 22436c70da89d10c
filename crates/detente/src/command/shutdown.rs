use std::time::Duration;

use anyhow::anyhow;
use tokio::signal::unix::{SignalKind, signal};

use super::Failure;

/// Two signals that are closer than this are one: some send it to the process and to its group.
const ONE_SIGNAL: Duration = Duration::from_millis(500);

/// Ends with SIGINT or SIGTERM. A second one ends the process, with `unfinished` for a reason: whoever sends it has
/// waited enough.
pub(super) fn shutdown_signal(
    unfinished: &'static str,
) -> anyhow::Result<impl Future<Output = ()>> {
    let first = one_signal()?;
    Ok(async move {
        first.await;
        tokio::spawn(async move {
            tokio::time::sleep(ONE_SIGNAL).await;
            // A new one does not know of what came before.
            if let Ok(second) = one_signal() {
                second.await;
                let impatient = Failure::Start(anyhow!(unfinished));
                eprintln!("detente: {impatient}");
                std::process::exit(3);
            }
        });
    })
}

fn one_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
