use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::serve::ListenerExt;
use tokio::runtime::{Builder, Runtime};

use super::defect::Defect;
use super::dialect::Dialect;
use super::options::{Call, Options};
use super::server::Server;

/// A server that runs until it is dropped.
///
/// It speaks HTTP/1.1, and HTTP/2 with those who begin with it.
#[derive(Debug)]
pub(crate) struct Running {
    /// `http://127.0.0.1:40123`, without a slash; more than one if it has replicas.
    pub(crate) urls: Vec<String>,
    /// The URL of a resource that exists.
    pub(crate) resource: String,
    /// What makes another one; the path follows any of `urls`.
    pub(crate) create: Option<Call>,
    runtime: Option<Runtime>,
}

impl Running {
    pub(crate) fn start(dialect: Dialect, defect: Option<Defect>) -> Self {
        Self::try_start(dialect, defect).expect("a server of a test starts on loopback")
    }

    fn try_start(dialect: Dialect, defect: Option<Defect>) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        let server = Arc::new(Server::new(dialect, defect));
        let mut urls = Vec::new();
        for base in 0..dialect.bases {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            listener.set_nonblocking(true)?;
            urls.push(format!("http://{}", listener.local_addr()?));
            let router = router(Arc::clone(&server), base);
            runtime.spawn(async move {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                // So that an answer leaves at once, whatever is still unacknowledged.
                let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
                axum::serve(listener, router).await
            });
        }
        Ok(Self {
            resource: format!("{}/notes/1", urls[0]),
            create: Options::of(&dialect).create,
            urls,
            runtime: Some(runtime),
        })
    }

    /// The URL of a path like `/notes/1`, at the first base URL.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.urls[0])
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // It may be dropped where nothing may block.
            runtime.shutdown_background();
        }
    }
}

fn router(server: Arc<Server>, base: usize) -> Router {
    Router::new().fallback(move |request: Request| {
        let server = Arc::clone(&server);
        async move { Response::from(server.answer(base, request).await) }
    })
}
