//! A feed that somebody follows, whatever carries it to them.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use detente_core::Moment;
use detente_service::{Follower, Page};
use tokio::time::{Instant, sleep_until};

use crate::app::App;

/// How long a silent stream waits before it says that it is there, so that nothing in between gives up
/// on it.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(15);

/// Somebody who follows a feed; one of the open streams as long as it lives.
#[derive(Debug)]
pub(crate) struct Following {
    pub(crate) app: Arc<App>,
    /// When the credentials of whoever follows end.
    end: Option<Instant>,
    follower: Follower,
}

/// What came of a feed.
#[derive(Debug)]
pub(crate) enum Came {
    Page(Page),
    /// Nothing, for some time.
    Silence,
}

impl Following {
    pub(crate) fn new(app: &Arc<App>, follower: Follower) -> Self {
        app.metrics.streams.inc();
        Self {
            app: Arc::clone(app),
            end: follower.until().map(|until| instant(app, until)),
            follower,
        }
    }

    /// What comes next; `None` when the server is closing, answers by other settings, or the credentials
    /// of whoever follows end.
    pub(crate) async fn next(&mut self) -> Option<Came> {
        let app = Arc::clone(&self.app);
        let end = self.end;
        if app.closing.has_begun() || end.is_some_and(|end| end <= Instant::now()) {
            return None;
        }
        let is_open = tokio::select! {
            is_open = self.follower.wait() => is_open,
            () = app.closing.wait() => false,
            () = reached(end) => false,
            () = tokio::time::sleep(HEARTBEAT) => return Some(Came::Silence),
        };
        if !is_open {
            return None;
        }
        // Not raced: a page that takes long is read to its end.
        match self.follower.read().await {
            Ok(page) => Some(Came::Page(page)),
            Err(explanation) => {
                // Whoever listens will connect again, and be told what is wrong then.
                tracing::error!(cause = ?explanation.what, "a change stream ends");
                None
            }
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.app.metrics.streams.dec();
    }
}

/// Returns at a time; never, if there is none.
pub(crate) async fn reached(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}

/// A moment of the writer's clock as one of ours.
pub(crate) fn instant(app: &App, until: Moment) -> Instant {
    let now = app.service.writer().time().now;
    Instant::now() + Duration::from_millis(until.0.saturating_sub(now.0))
}
