use std::time::Duration;

use anyhow::anyhow;
use tokio::signal::unix::{SignalKind, signal};

use super::Failure;

/// Two signals within this time count as one: some senders signal both the process and its group.
const ONE_SIGNAL: Duration = Duration::from_millis(500);

/// Completes on SIGINT or SIGTERM. A second signal means that somebody is tired of waiting: it ends the process, with
/// `unfinished` as the reason.
pub(super) fn shutdown_signal(
    unfinished: &'static str,
) -> anyhow::Result<impl Future<Output = ()>> {
    let first = one_signal()?;
    Ok(async move {
        first.await;
        tokio::spawn(async move {
            tokio::time::sleep(ONE_SIGNAL).await;
            // A new listener does not see earlier signals.
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
