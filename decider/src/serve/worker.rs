//! Workers: each serves its connections on one thread. A decision takes microseconds, handing it to
//! another thread takes longer.

use super::connection::Incoming;
use std::time::Duration;
use std::{io, thread};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Server;
use tracing::error;

/// The time that calls and streams under way may take once the server shuts down.
pub(super) const DRAIN: Duration = Duration::from_secs(5);

/// One worker, before it runs.
pub(super) struct Worker {
    pub(super) server: Server,
    pub(super) routes: Routes,
    pub(super) incoming: Incoming,
    /// Cancelled to drain it.
    pub(super) drain: CancellationToken,
}

impl Worker {
    /// Serves on this thread until it is drained.
    pub(super) async fn run(self) {
        let Self { mut server, routes, incoming, drain } = self;
        let server = server.add_routes(routes);
        let out_of_time = async {
            drain.cancelled().await;
            sleep(DRAIN).await;
        };
        tokio::select! {
            served = server.serve_with_incoming_shutdown(incoming.into_stream(), drain.cancelled()) => {
                if let Err(why) = served {
                    error!(%why, "a worker can't serve");
                }
            }
            () = out_of_time => {}
        }
    }

    /// Serves on a thread of its own; the receiver resolves when that has ended, by a panic too.
    pub(super) fn spawn(self, number: usize) -> io::Result<oneshot::Receiver<()>> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (end, ended) = oneshot::channel();
        thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
            let _end = end;
            runtime.block_on(self.run());
        })?;
        Ok(ended)
    }
}
