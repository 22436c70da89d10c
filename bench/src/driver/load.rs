//! Many clients, warmed up and then measured.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::process;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::{sleep, timeout};

use super::client::Client;
use super::latency::Latency;
use crate::servers::Process;

/// How long the clients may take over their last requests once the time is up.
const LAST_REQUESTS: Duration = Duration::from_secs(30);

/// How long a load warms up, and how long it is measured.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    pub warmup: Duration,
    pub measured: Duration,
}

/// What became of one step.
pub(crate) enum Outcome {
    /// It did what was asked, after so many refusals.
    Done { retries: u32 },
    /// It was answered with a status that this work does not expect.
    Unexpected { status: u16 },
}

/// One measured run.
#[derive(Clone)]
pub(crate) struct Sample {
    /// Steps done in a second.
    pub rate: f64,
    pub p50: Duration,
    pub p99: Duration,
    /// Processor time that the servers spent on a step, and that the driver did.
    pub server_cpu: Duration,
    pub driver_cpu: Duration,
    /// Refusals for each step done.
    pub retries: f64,
    /// Unexpected statuses, those of the warm-up too.
    pub errors: BTreeMap<u16, u64>,
}

/// Keeps every client busy for the time of `pace`, and gives them back when each has had its last answer.
///
/// # Errors
///
/// When a connection breaks, or an answer does not come: a rate with fewer clients would compare to nothing.
pub(crate) async fn run<C: Client + 'static>(
    clients: Vec<C>,
    servers: &[Process],
    pace: Pace,
) -> Result<(Sample, Vec<C>)> {
    let meter = Rc::new(RefCell::new(Meter::new()));
    let tasks = clients
        .into_iter()
        .map(|client| spawn_local(keep_busy(client, Rc::clone(&meter))))
        .collect();
    sleep(pace.warmup).await;
    let before = Reading::take(servers)?;
    meter.borrow_mut().phase = Phase::Measured;
    sleep(pace.measured).await;
    meter.borrow_mut().phase = Phase::Over;
    let after = Reading::take(servers)?;
    let clients = timeout(LAST_REQUESTS, join(tasks))
        .await
        .context("a request was not answered in time")??;
    let sample = meter.borrow().sample(&before, &after);
    Ok((sample, clients))
}

async fn keep_busy<C: Client>(mut client: C, meter: Rc<RefCell<Meter>>) -> Result<C> {
    while meter.borrow().phase != Phase::Over {
        let begun = Instant::now();
        let outcome = client.step().await?;
        meter.borrow_mut().record(&outcome, begun.elapsed());
    }
    Ok(client)
}

async fn join<C>(tasks: Vec<JoinHandle<Result<C>>>) -> Result<Vec<C>> {
    let mut clients = Vec::with_capacity(tasks.len());
    for task in tasks {
        clients.push(task.await??);
    }
    Ok(clients)
}

/// Clock and processor times at one moment.
struct Reading {
    at: Instant,
    server: Duration,
    driver: Duration,
}

impl Reading {
    fn take(servers: &[Process]) -> Result<Reading> {
        let at = Instant::now();
        let server = servers.iter().map(Process::cpu).sum::<Result<Duration>>()?;
        Ok(Reading {
            at,
            server,
            driver: Process::new(process::id()).cpu()?,
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    WarmUp,
    Measured,
    Over,
}

/// What all clients of a load write down together.
struct Meter {
    phase: Phase,
    done: u64,
    retries: u64,
    latency: Latency,
    errors: BTreeMap<u16, u64>,
}

impl Meter {
    fn new() -> Meter {
        Meter {
            phase: Phase::WarmUp,
            done: 0,
            retries: 0,
            latency: Latency::new(),
            errors: BTreeMap::new(),
        }
    }

    fn record(&mut self, outcome: &Outcome, took: Duration) {
        match *outcome {
            Outcome::Unexpected { status } => *self.errors.entry(status).or_default() += 1,
            Outcome::Done { retries } if self.phase == Phase::Measured => {
                self.done += 1;
                self.retries += u64::from(retries);
                self.latency.record(took);
            }
            Outcome::Done { .. } => {}
        }
    }

    fn sample(&self, before: &Reading, after: &Reading) -> Sample {
        let done = self.done as f64;
        let per_step = |time: Duration| time.div_f64(done.max(1.0));
        Sample {
            rate: done / (after.at - before.at).as_secs_f64(),
            p50: self.latency.quantile(0.50),
            p99: self.latency.quantile(0.99),
            server_cpu: per_step(after.server.saturating_sub(before.server)),
            driver_cpu: per_step(after.driver.saturating_sub(before.driver)),
            retries: self.retries as f64 / done.max(1.0),
            errors: self.errors.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_measured_phase_counts_but_every_error_does() {
        let mut meter = Meter::new();
        let took = Duration::from_micros(100);
        for phase in [Phase::WarmUp, Phase::Measured, Phase::Over] {
            meter.phase = phase;
            meter.record(&Outcome::Done { retries: 3 }, took);
            meter.record(&Outcome::Unexpected { status: 503 }, took);
        }
        assert_eq!((meter.done, meter.retries), (1, 3));
        assert_eq!(meter.errors, BTreeMap::from([(503, 3)]));
    }

    #[test]
    fn a_sample_is_counts_over_time() {
        let mut meter = Meter::new();
        meter.phase = Phase::Measured;
        for _ in 0..1000 {
            meter.record(&Outcome::Done { retries: 2 }, Duration::from_micros(50));
        }
        let at = Instant::now();
        let reading = |seconds, server, driver| Reading {
            at: at + Duration::from_secs(seconds),
            server: Duration::from_millis(server),
            driver: Duration::from_millis(driver),
        };
        let sample = meter.sample(&reading(0, 100, 10), &reading(2, 120, 15));
        assert_eq!(sample.rate, 500.0);
        assert_eq!(sample.retries, 2.0);
        assert_eq!(sample.server_cpu, Duration::from_micros(20));
        assert_eq!(sample.driver_cpu, Duration::from_micros(5));
    }
}
