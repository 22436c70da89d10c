//! A server, or several on the same data, with their clients and documents.

use std::cell::Cell;
use std::io::{IsTerminal, stderr};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};

use crate::arguments::{Kind, Plan};
use crate::driver::{self, Dialect, DocumentClient, Pace, Sample, Work};
use crate::servers::{Launch, Memory, Process, Scratch, Server};

/// Between two runs, for what the last server still writes behind its answers.
pub(super) const PAUSE: Duration = Duration::from_millis(250);
/// Creates in a second that even a slow disk can do.
const SLOWEST_CREATES: u32 = 500;

pub(crate) struct Contender {
    pub name: String,
    kind: Kind,
    clients: Vec<DocumentClient>,
    // Dropped in this order: the servers end before their data goes.
    servers: Vec<Server>,
    scratch: Scratch,
}

/// How many servers work on the same data, and whether on the same space.
#[derive(Clone, Copy)]
pub(crate) struct Nodes {
    pub count: usize,
    pub has_space_each: bool,
}

impl Contender {
    /// Starts a server of its own and creates `docs` documents in it.
    ///
    /// # Errors
    ///
    /// When the server does not start, or does not take them.
    pub(crate) async fn prepare(
        name: String,
        kind: Kind,
        docs: u32,
        plan: &Plan,
        launch: &Launch,
    ) -> Result<Contender> {
        let alone = Nodes {
            count: 1,
            has_space_each: false,
        };
        Contender::prepare_nodes(name, kind, alone, docs, plan, launch).await
    }

    /// Starts several servers on the same data, and creates `docs` documents through them; the clients are shared out
    /// among the servers.
    ///
    /// # Errors
    ///
    /// When a server does not start, or does not take them.
    pub(crate) async fn prepare_nodes(
        name: String,
        kind: Kind,
        nodes: Nodes,
        docs: u32,
        plan: &Plan,
        launch: &Launch,
    ) -> Result<Contender> {
        let scratch = launch.scratch()?;
        let mut servers = Vec::with_capacity(nodes.count);
        for _ in 0..nodes.count {
            servers.push(launch.start(&kind, &scratch).await?);
        }
        let of = plan.connections();
        let mut clients = Vec::with_capacity(of);
        for number in 0..of {
            let node = number % nodes.count;
            let mut site = servers[node].site(plan.minimal);
            site.space = nodes.has_space_each.then(|| format!("node-{node}"));
            clients.push(DocumentClient::open(site, number, of, docs).await?);
        }
        let clients = seed(clients, docs, &name).await?;
        Ok(Contender {
            name,
            kind,
            clients,
            servers,
            scratch,
        })
    }

    /// Whether a read can be answered that nothing has changed.
    pub(crate) fn knows_preconditions_of_reads(&self) -> bool {
        self.kind.dialect() == Dialect::Http
    }

    /// Memory of the servers together.
    ///
    /// # Errors
    ///
    /// When one of them is gone.
    pub(crate) fn memory(&self) -> Result<Memory> {
        self.processes().iter().map(Process::memory).sum()
    }

    fn processes(&self) -> Vec<Process> {
        self.servers.iter().map(|server| server.process).collect()
    }

    /// Ends the servers without warning.
    pub(crate) fn kill(&mut self) {
        self.servers.iter_mut().for_each(Server::kill);
    }

    /// Loads the servers once.
    ///
    /// # Errors
    ///
    /// When a connection breaks.
    pub(crate) async fn load(&mut self, work: Work, pace: Pace) -> Result<Sample> {
        let mut clients = std::mem::take(&mut self.clients);
        clients.iter_mut().for_each(|client| client.set_work(work));
        let (sample, clients) = driver::run(clients, &self.processes(), pace)
            .await
            .with_context(|| {
                let log = self.scratch.log_tail();
                format!("{}: {work:?} broke off; {log}", self.name)
            })?;
        self.clients = clients;
        Ok(sample)
    }

    /// Writes each document `versions` more times, and has the clients keep the tags from before; checks that such a tag
    /// is refused as it should be.
    ///
    /// # Errors
    ///
    /// When a write or a refusal is not as it should be, or a connection breaks.
    pub(crate) async fn age(&mut self, versions: usize) -> Result<()> {
        let clients = std::mem::take(&mut self.clients);
        let tasks: Vec<_> = clients
            .into_iter()
            .map(|it| spawn_local(age_all(it, versions)))
            .collect();
        for task in tasks {
            self.clients.push(task.await??);
        }
        Ok(())
    }

    /// Stops the servers, and tells how long that took.
    ///
    /// # Errors
    ///
    /// When one does not stop.
    pub(crate) async fn stop(&mut self) -> Result<Duration> {
        let mut took = Duration::ZERO;
        for server in &mut self.servers {
            took += server.stop().await?;
        }
        Ok(took)
    }

    /// Starts servers on the data of those that were stopped or killed, and tells how long that took.
    ///
    /// # Errors
    ///
    /// When one does not start.
    pub(crate) async fn start_again(&mut self, launch: &Launch) -> Result<Duration> {
        for server in &mut self.servers {
            *server = launch.start(&self.kind, &self.scratch).await?;
        }
        self.reconnect().await?;
        Ok(self.servers.iter().map(|server| server.start).sum())
    }

    /// Opens new connections: a server closes those that are silent for long.
    ///
    /// # Errors
    ///
    /// When nobody listens.
    pub(crate) async fn reconnect(&mut self) -> Result<()> {
        let servers = self.servers.len();
        for (number, client) in self.clients.iter_mut().enumerate() {
            client
                .reopen(self.servers[number % servers].address)
                .await?;
        }
        Ok(())
    }

    /// How many of `samples` documents, picked at random, the server has not at the version it last told.
    ///
    /// # Errors
    ///
    /// When a connection breaks.
    pub(crate) async fn count_lost(&mut self, samples: usize) -> Result<usize> {
        let mut lost = 0;
        let clients = self.clients.len();
        for sample in 0..samples {
            if !self.clients[sample % clients].is_current().await? {
                lost += 1;
            }
        }
        Ok(lost)
    }
}

/// Loads the contenders in turn, A B C A B C, so that what slows the machine for a while slows them all; the samples of
/// each, in the order of the contenders.
///
/// # Errors
///
/// When one of them fails.
pub(crate) async fn load_in_turns(
    contenders: &mut [Contender],
    work: Work,
    plan: &Plan,
) -> Result<Vec<Vec<Sample>>> {
    let mut samples = vec![Vec::new(); contenders.len()];
    // Those that were prepared first had to wait for the others.
    for contender in contenders.iter_mut() {
        contender.reconnect().await?;
    }
    for turn in 1..=plan.runs() {
        for (contender, samples) in contenders.iter_mut().zip(&mut samples) {
            let sample = contender.load(work, plan.pace()).await?;
            eprintln!(
                "{work:?} {}, run {turn} of {}: {:.0}/s",
                contender.name,
                plan.runs(),
                sample.rate
            );
            samples.push(sample);
            sleep(PAUSE).await;
        }
    }
    Ok(samples)
}

/// Creates the documents of all clients, which are `total`.
pub(super) async fn seed(
    clients: Vec<DocumentClient>,
    total: u32,
    name: &str,
) -> Result<Vec<DocumentClient>> {
    let created = Rc::new(Cell::new(0));
    let tasks: Vec<_> = clients
        .into_iter()
        .map(|client| spawn_local(create_all(client, Rc::clone(&created))))
        .collect();
    let progress = spawn_local(show_progress(Rc::clone(&created), total, name.to_owned()));
    let limit = Duration::from_secs(u64::from(60 + total / SLOWEST_CREATES));
    let seeded = timeout(limit, async {
        let mut clients = Vec::with_capacity(tasks.len());
        for task in tasks {
            clients.push(task.await??);
        }
        anyhow::Ok(clients)
    });
    let clients = seeded
        .await
        .context("it took too long")
        .flatten()
        .with_context(|| format!("{name}: the documents could not be created"))?;
    progress.await?;
    Ok(clients)
}

async fn create_all(mut client: DocumentClient, created: Rc<Cell<u32>>) -> Result<DocumentClient> {
    for index in 0..client.share() {
        client.create(index).await?;
        created.set(created.get() + 1);
    }
    Ok(client)
}

async fn age_all(mut client: DocumentClient, versions: usize) -> Result<DocumentClient> {
    client.age(versions).await?;
    client.check_refusal(versions).await?;
    Ok(client)
}

/// Tells on standard error how far it is: on a terminal often and in place, elsewhere seldom and line by line.
async fn show_progress(created: Rc<Cell<u32>>, total: u32, name: String) {
    let (interval, end) = if stderr().is_terminal() {
        (Duration::from_millis(250), "\r")
    } else {
        (Duration::from_secs(10), "\n")
    };
    let begun = Instant::now();
    let mut shown = begun;
    while created.get() < total {
        sleep(Duration::from_millis(20)).await;
        if shown.elapsed() >= interval {
            shown = Instant::now();
            eprint!(
                "{name}: {} of {total} documents created{end}",
                created.get()
            );
        }
    }
    let rate = f64::from(total) / begun.elapsed().as_secs_f64();
    eprintln!("{name}: {total} documents created, {rate:.0}/s      ");
}
