//! Accepts connections, up to their bound, and deals them out to the workers.

use process::listen::{Accepted, Acceptor};
use std::io;
use std::net;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::{debug, warn};

/// Deals out in turns: gateways hold few connections for a long time, and the kernel, which spreads
/// them over listeners by a hash, would leave workers without any.
pub(super) struct Dealer {
    acceptor: Acceptor,
    room: Arc<Semaphore>,
    /// The last connection found no room, which is logged once.
    full: bool,
    workers: Vec<UnboundedSender<Dealt>>,
    turn: usize,
}

/// A connection on its way to a worker, and its share of the bound.
pub(super) struct Dealt {
    pub(super) stream: net::TcpStream,
    pub(super) room: OwnedSemaphorePermit,
}

impl Dealer {
    /// Deals to this number of workers at least. Dropping it stops listening.
    pub(super) fn new(listener: TcpListener, connections: usize) -> Self {
        let room = Arc::new(Semaphore::new(connections.min(Semaphore::MAX_PERMITS)));
        Self { acceptor: Acceptor::new(listener), room, full: false, workers: vec![], turn: 0 }
    }

    /// The connections of one more worker.
    pub(super) fn worker(&mut self) -> UnboundedReceiver<Dealt> {
        let (worker, dealt) = unbounded_channel();
        self.workers.push(worker);
        dealt
    }

    /// Accepts without an end. It waits while file descriptors and the like are short.
    pub(super) async fn run(mut self) {
        loop {
            if let Accepted::Connection(stream, _) = self.acceptor.accept().await
                && let Err(why) = self.deal(stream)
            {
                debug!(%why, "the connection has ended already");
            }
        }
    }

    fn deal(&mut self, stream: TcpStream) -> io::Result<()> {
        let Ok(room) = self.room.clone().try_acquire_owned() else {
            if !std::mem::replace(&mut self.full, true) {
                warn!("as many connections as there may be: more are closed");
            }
            return Ok(());
        };
        self.full = false;
        stream.set_nodelay(true)?;
        // The worker's runtime drives it, so it is detached from this one.
        let stream = stream.into_std()?;
        self.turn = (self.turn + 1) % self.workers.len();
        // A worker that has ended ends the server.
        let _ = self.workers[self.turn].send(Dealt { stream, room });
        Ok(())
    }
}
