//! A child process that serves, and ends with its guard.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::databases::Databases;
use super::process::Process;
use super::scratch::{Scratch, is_in_memory};
use crate::arguments::{Kind, Plan};
use crate::driver::{Connection, Dialect, Requests, Site};

/// How long a server may take to be ready, and to stop; far beyond any target, only to end.
const PATIENCE: Duration = Duration::from_secs(120);

/// How servers are started.
pub(crate) struct Launch {
    detente: PathBuf,
    scratch: PathBuf,
    threads: usize,
    databases: Databases,
}

impl Launch {
    /// # Errors
    ///
    /// When this program does not know where it is.
    pub(crate) fn new(plan: &Plan) -> Result<Launch> {
        let launch = Launch {
            detente: plan.detente()?,
            scratch: plan.scratch()?,
            threads: plan.server_threads(),
            databases: Databases::default(),
        };
        if is_in_memory(&launch.scratch) {
            eprintln!(
                "warning: {} is in memory, so nothing there is durable; name a disk with --scratch",
                launch.scratch.display()
            );
        }
        Ok(launch)
    }

    pub(crate) fn scratch(&self) -> Result<Scratch> {
        Scratch::new(&self.scratch)
    }

    /// Starts a server on the data in `scratch`, and waits until it is ready.
    ///
    /// # Errors
    ///
    /// When it does not get ready; with the end of its log.
    pub(crate) async fn start(&self, kind: &Kind, scratch: &Scratch) -> Result<Server> {
        let begun = Instant::now();
        let (mut command, given) = self.command(kind, scratch)?;
        let mut child = self.spawn(&mut command, scratch)?;
        let stdout = child.stdout.take().context("standard output was piped")?;
        let mut server = Server {
            process: Process::new(child.id()),
            child,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            dialect: kind.dialect(),
            start: Duration::ZERO,
        };
        let ready = async {
            server.address = match given {
                Some(address) => address,
                None => address(stdout).await?,
            };
            until_ready(&mut server).await
        };
        timeout(PATIENCE, ready)
            .await
            .context("it took too long")
            .flatten()
            .with_context(|| format!("{kind:?} did not start; {}", scratch.log_tail()))?;
        server.start = begun.elapsed();
        Ok(server)
    }

    fn spawn(&self, command: &mut Command, scratch: &Scratch) -> Result<Child> {
        command
            .env("TOKIO_WORKER_THREADS", self.threads.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(scratch.log())?)
            .spawn()
            .with_context(|| format!("{} cannot be run", command.get_program().display()))
    }

    /// How a server is started; and its address, if the server cannot choose and tell one.
    fn command(&self, kind: &Kind, scratch: &Scratch) -> Result<(Command, Option<SocketAddr>)> {
        let mut command = match kind {
            Kind::Null | Kind::File | Kind::Stamps => Command::new(std::env::current_exe()?),
            Kind::Detente | Kind::Postgres(_) => Command::new(&self.detente),
            Kind::Binary(path) => Command::new(path),
            Kind::Etcd => return etcd(scratch),
        };
        match kind {
            Kind::Null => command.arg("null-server"),
            Kind::Stamps => command.arg("stamp-server"),
            Kind::File => command.arg("file-server").arg(scratch.data()),
            _ => command
                .args(["serve", "--listen", "127.0.0.1:0", "--data"])
                .arg(scratch.data()),
        };
        if let Kind::Postgres(reads) = kind {
            let database = self.databases.of(scratch);
            command.env("DETENTE_STORE", database.url());
            scratch.configure_first(reads.settings())?;
        }
        let config = scratch.config();
        if config.exists() {
            command.arg("--config").arg(config);
        }
        Ok((command, None))
    }
}

/// A running server. Dropping it kills it, and waits until it is gone.
pub(crate) struct Server {
    child: Child,
    pub process: Process,
    pub address: SocketAddr,
    pub dialect: Dialect,
    /// From before it was spawned until `/readyz` answered 200.
    pub start: Duration,
}

impl Server {
    /// Where its documents are, in the default space.
    pub(crate) fn site(&self, minimal: bool) -> Site {
        Site {
            address: self.address,
            dialect: self.dialect,
            space: None,
            minimal,
        }
    }

    /// Asks it to stop (SIGTERM), and tells how long that took.
    ///
    /// # Errors
    ///
    /// When it does not stop, or not as it should.
    pub(crate) async fn stop(&mut self) -> Result<Duration> {
        let begun = Instant::now();
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        loop {
            if let Some(status) = self.child.try_wait()? {
                ensure!(
                    status.success(),
                    "stopped with SIGTERM, the server ended with {status}"
                );
                return Ok(begun.elapsed());
            }
            ensure!(begun.elapsed() < PATIENCE, "the server does not stop");
            sleep(Duration::from_millis(1)).await;
        }
    }

    /// Ends it without warning (SIGKILL), and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        // Both fail only for a child that is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits for the line with the address, on a thread of its own, which then keeps the pipe from filling up.
async fn address(stdout: ChildStdout) -> Result<SocketAddr> {
    let (found, address) = oneshot::channel();
    thread::spawn(move || {
        let mut lines = BufReader::new(stdout);
        let _ = found.send(first_address(&mut lines));
        let _ = io::copy(&mut lines, &mut io::sink());
    });
    address.await?
}

fn first_address(lines: &mut impl BufRead) -> Result<SocketAddr> {
    for line in lines.lines() {
        if let Some(address) = address_in(&line?) {
            return Ok(address);
        }
    }
    bail!("it ended without telling its address")
}

/// The address in a line that holds `http://127.0.0.1:4711`, whatever stands around it.
fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, after) = line.split_once("http://")?;
    let end = after
        .find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ':'))
        .unwrap_or(after.len());
    after[..end].trim_end_matches(['.', ':']).parse().ok()
}

/// Asks on a connection of its own each time: a server that is not ready may close it.
async fn until_ready(server: &mut Server) -> Result<()> {
    let path: &[u8] = match server.dialect {
        Dialect::Http => b"/readyz",
        Dialect::Etcd => b"/health",
    };
    let mut requests = Requests::new(server.address, false);
    loop {
        let mut connection = Connection::open(server.address).await;
        if let Ok(connection) = &mut connection
            && let Ok(answer) = connection.exchange(requests.get(path, None)).await
            && answer.status == 200
        {
            return Ok(());
        }
        if let Some(status) = server.child.try_wait()? {
            bail!("it ended with {status}");
        }
        sleep(Duration::from_millis(1)).await;
    }
}

/// An address that nobody listened on a moment ago.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// One etcd with its defaults: each commit is synced.
fn etcd(scratch: &Scratch) -> Result<(Command, Option<SocketAddr>)> {
    let address = free_address()?;
    let client = format!("http://{address}");
    let peer = format!("http://{}", free_address()?);
    let mut command = Command::new("etcd");
    command.arg("--data-dir").arg(scratch.data()).args([
        "--listen-client-urls",
        &client,
        "--advertise-client-urls",
        &client,
        "--listen-peer-urls",
        &peer,
        "--initial-advertise-peer-urls",
        &peer,
        "--initial-cluster",
        &format!("default={peer}"),
    ]);
    Ok((command, Some(address)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_in_a_sentence() {
        let cases = [
            ("listening on http://127.0.0.1:4711", Some("127.0.0.1:4711")),
            ("http://127.0.0.1:80/ (data in x)", Some("127.0.0.1:80")),
            ("See http://127.0.0.1:8080.", Some("127.0.0.1:8080")),
            ("ready", None),
            ("http://example.org:80", None),
        ];
        for (line, expected) in cases {
            let expected = expected.map(|text| text.parse().expect("a test address"));
            assert_eq!(address_in(line), expected, "{line}");
        }
    }
}
