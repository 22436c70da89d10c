use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use detente_core::Moment;
use detente_service::Service;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use rustix::process::{Resource, getrlimit};
use tokio::task::JoinSet;

use crate::app::App;
use crate::connections::{Admitted, Connections, Felt};
use crate::listener::{Connection, Listener};
use crate::live::Live;
use crate::origin::Reach;
use crate::settings::{Limits, Settings};
use crate::site::FromProxy;

/// A client that takes longer to send the head of a later request is cut off; of the first one, see
/// `connections`.
const HEAD_TIME: Duration = Duration::from_secs(75);

/// Beyond the configured limit the head is refused with an explanation; beyond this without one.
const HEAD_BYTES: usize = 128 * 1024;

/// How long a refused write may wait before the conflict log has it; a crash may lose it until then.
const LOG_DELAY: Duration = Duration::from_secs(1);

/// How often contents of files are looked through, and how long one may be there before a version names it.
const CONTENTS_PERIOD: Duration = Duration::from_secs(60 * 60);
const CONTENTS_SPARED: Duration = Duration::from_secs(60 * 60);

/// How often conflicts are looked for that nobody settled in time.
const SWEEP_PERIOD: Duration = Duration::from_secs(60 * 60);

/// After this, accepting is tried again when it failed, as it does when there are no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Descriptors that connections leave to the store and to everything else.
const RESERVED_DESCRIPTORS: u64 = 48;

/// A server that is ready to accept connections.
#[derive(Debug)]
pub struct Serving {
    listener: Listener,
    live: Arc<Live>,
}

/// Opens the server on a listener that is bound already.
pub fn serve(listener: Listener, service: Service, settings: Settings) -> Serving {
    let live = Arc::new(Live::new(service, settings, Reach::of(&listener)));
    Serving { listener, live }
}

impl Serving {
    /// Where connections come in.
    pub fn listener(&self) -> &Listener {
        &self.listener
    }

    /// What it answers by, to be exchanged while it runs.
    pub fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live)
    }

    /// Serves until `shutdown` ends: then accepts no more, lets requests under way finish within
    /// the grace of the settings, ends change streams, and lets go of the writer.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self { listener, live } = self;
        let log = tokio::spawn(keep_the_log(Arc::clone(&live)));
        let contents = tokio::spawn(sweep_contents(Arc::clone(&live)));
        let certificates = listener.certificates().cloned();
        let certificates = certificates.map(|it| tokio::spawn(it.keep_current()));
        let connections = GracefulShutdown::new();
        let open = Arc::new(open_connections(&live.current().app.settings.limits));
        let mut tasks = JoinSet::new();
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        let is_proxy = peer.is_some_and(|peer| live.current().app.settings.believes(peer));
                        // All the world comes by way of a proxy.
                        let admitted = open.admit(peer.filter(|_| !is_proxy));
                        tasks.spawn(handle(stream, admitted, peer, is_proxy, &live, &connections));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "could not accept a connection");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_) = tasks.join_next() => {}
                () = &mut shutdown => break,
            }
        }
        drop(listener);
        if let Some(certificates) = certificates {
            certificates.abort();
        }
        tracing::info!("shutting down");
        live.close();
        let grace = live.current().app.settings.limits.shutdown_grace;
        let end = async {
            connections.shutdown().await;
            while tasks.join_next().await.is_some() {}
        };
        if tokio::time::timeout(grace, end).await.is_err() {
            tasks.shutdown().await;
            tracing::warn!(
                ?grace,
                "some requests took longer than the grace and were cut off"
            );
        }
        if let Err(error) = contents.await {
            tracing::error!(%error, "contents of files were not looked through to the end");
        }
        if let Err(error) = log.await {
            tracing::error!(%error, "the conflict log was not kept to the end");
        }
    }
}

/// Has refused writes, which ride along with other commits, written soon where there are none.
async fn keep_the_log(live: Arc<Live>) {
    let mut sweep = tokio::time::interval(SWEEP_PERIOD);
    loop {
        tokio::select! {
            () = live.closing.wait() => return,
            () = tokio::time::sleep(LOG_DELAY) => {}
            _ = sweep.tick() => {
                refresh_keys(&app(&live));
                dismiss_old(&app(&live)).await;
            }
        }
        let app = app(&live);
        if app.service.writer().waiting_conflicts() > 0 {
            // What fails now is tried again with the next commit, and told in the writer's own line.
            let _ = app.service.flush().await;
        }
    }
}

/// Removes contents of files that nothing names any more, from time to time.
async fn sweep_contents(live: Arc<Live>) {
    loop {
        tokio::select! {
            () = live.closing.wait() => return,
            () = tokio::time::sleep(CONTENTS_PERIOD) => {}
        }
        let app = app(&live);
        let swept = tokio::select! {
            () = live.closing.wait() => return,
            swept = app.service.sweep_contents(CONTENTS_SPARED) => swept,
        };
        match swept {
            Ok(Some(swept)) if swept.removed > 0 => tracing::info!(
                removed = swept.removed,
                bytes = swept.bytes,
                "removed contents that no version of a file names any more"
            ),
            Ok(_) => {}
            // It is tried again.
            Err(explanation) => tracing::warn!(
                cause = ?explanation.what,
                "could not look through the contents of files"
            ),
        }
    }
}

/// Has the keys fetched anew that tokens are verified by, so that withdrawn ones go. Nobody waits for
/// it.
fn refresh_keys(app: &Arc<App>) {
    let app = Arc::clone(app);
    tokio::spawn(async move {
        if let Some(jwt) = &app.settings.gate.jwt {
            jwt.refresh(app.service.writer().time().now).await;
        }
    });
}

fn app(live: &Live) -> Arc<App> {
    Arc::clone(&live.current().app)
}

/// Lets conflicts go that nobody settled in the time that the settings give them.
async fn dismiss_old(app: &App) {
    let Some(age) = app.settings.dismiss_after else {
        return;
    };
    let aged = app.service.writer().time().aged();
    let age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
    let until = Moment(aged.0.saturating_sub(age_ms));
    match app.service.dismiss_before(until).await {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "dismissed conflicts that nobody settled"),
        // It is tried again.
        Err(explanation) => {
            tracing::warn!(cause = ?explanation.what, "could not dismiss conflicts")
        }
    }
}

fn open_connections(limits: &Limits) -> Connections {
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let most = descriptors.saturating_sub(RESERVED_DESCRIPTORS).max(1);
    let most = limits
        .connections
        .min(usize::try_from(most).unwrap_or(usize::MAX));
    if most < limits.connections {
        tracing::warn!(
            descriptors,
            connections = most,
            "few files may be open, so few connections may"
        );
    }
    Connections::new(most, limits.connections_of_one_address)
}

fn handle(
    stream: Connection,
    admitted: Admitted,
    peer: Option<IpAddr>,
    is_proxy: bool,
    live: &Arc<Live>,
    connections: &GracefulShutdown,
) -> impl Future<Output = ()> + use<> {
    let (pulse, felt) = (admitted.pulse(), admitted.pulse());
    let live = Arc::clone(live);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = Box::new(request.map(Body::new));
        request.extensions_mut().insert(pulse.ask(peer));
        // Another one may answer the next request on this connection.
        let current = live.current();
        if is_proxy {
            request.extensions_mut().insert(FromProxy);
        }
        let router = Arc::clone(&current.router);
        async move { Ok::<_, Infallible>(router.answer(request).await) }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(HEAD_BYTES as u32);
    let connection =
        builder.serve_connection_with_upgrades(TokioIo::new(Felt::new(stream, felt)), service);
    let connection = connections.watch(connection.into_owned());
    async move {
        tokio::select! {
            ended = connection => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended early");
                }
                // What it was upgraded to keeps its place.
                admitted.rest().await;
            }
            why = admitted.end() => tracing::debug!(why, "a connection was closed"),
        }
    }
}

#[cfg(test)]
mod tests;
