//! Listening sockets: one for each worker, and accepting that survives a lack of file descriptors.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::{self, net::UnixListener};
use std::thread;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep_until};
use tracing::{debug, warn};

/// Connections that the kernel keeps for a listener until they are accepted.
const BACKLOG: i32 = 1024;
/// The time for connections to close before accepting is retried.
const PAUSE: Duration = Duration::from_millis(10);
/// A lack of resources that returns sooner than this is not logged again.
const CALM: Duration = Duration::from_secs(10);

/// The longest wait for another process that binds the same address.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// Binds one listener per worker to the same address; the kernel spreads connections over them. They don't block.
///
/// # Errors
/// The address can't be used, or another process listens there: several processes could share it, and each would get
/// some of the connections.
pub fn bind(address: SocketAddr, workers: NonZeroUsize) -> io::Result<Vec<std::net::TcpListener>> {
    let _lock = lock(address)?;
    // Binding a socket that does not share fails where another process listens.
    let exclusive = socket(address, false)?;
    let address = exclusive.local_addr()?.as_socket().unwrap_or(address);
    drop(exclusive);
    let bind = |_| {
        let socket = socket(address, true)?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    };
    (0..workers.get()).map(bind).collect()
}

/// A lock on the address, held while it is bound: of two processes that start at once, one must see the other.
fn lock(address: SocketAddr) -> io::Result<UnixListener> {
    let name = unix::net::SocketAddr::from_abstract_name(format!("binding {address}"))?;
    let until = std::time::Instant::now() + LOCK_TIMEOUT;
    loop {
        match UnixListener::bind_addr(&name) {
            Err(why)
                if why.kind() == io::ErrorKind::AddrInUse && std::time::Instant::now() < until =>
            {
                thread::sleep(PAUSE);
            }
            locked => return locked,
        }
    }
}

fn socket(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.set_tcp_nodelay(true)?; // accepted sockets inherit it on Linux
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// The address at which this host reaches a listener: a listener on all addresses is reached at the loopback one.
#[must_use]
pub fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

/// Accepts connections until it is dropped.
#[derive(Debug)]
pub struct Acceptor {
    listener: TcpListener,
    /// Set while the system lacks resources to accept a connection.
    retry_at: Option<Instant>,
    /// Before this, no further lack of resources is logged.
    calm_at: Option<Instant>,
}

/// The next event of a listener.
#[derive(Debug)]
pub enum Accepted {
    /// A connection, and its peer's address.
    Connection(TcpStream, SocketAddr),
    /// The process or the system has no file descriptor or memory for another connection. The next call first waits 10
    /// ms, in which the caller may close one.
    Exhausted,
}

impl Acceptor {
    /// Accepts from this listener.
    #[must_use]
    pub fn new(listener: TcpListener) -> Self {
        Self { listener, retry_at: None, calm_at: None }
    }

    /// The next connection. A lack of resources is logged when it begins, not each time. Dropping the future loses
    /// nothing.
    pub async fn accept(&mut self) -> Accepted {
        if let Some(retry_at) = self.retry_at {
            sleep_until(retry_at).await;
        }
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    self.retry_at = None;
                    return Accepted::Connection(stream, peer);
                }
                Err(why) if is_of_one_connection(&why) => debug!(%why, "a connection has failed"),
                Err(why) => {
                    let now = Instant::now();
                    self.retry_at = Some(now + PAUSE);
                    if self.calm_at.replace(now + CALM).is_none_or(|calm_at| calm_at <= now) {
                        warn!(%why, "can't accept connections");
                    }
                    return Accepted::Exhausted;
                }
            }
        }
    }

    /// The listener, to accept what the kernel has already taken before it is closed.
    #[must_use]
    pub fn into_inner(self) -> TcpListener {
        self.listener
    }
}

/// On Linux `accept` also reports errors that are pending on the connection itself.
fn is_of_one_connection(why: &io::Error) -> bool {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable, NetworkDown,
        NetworkUnreachable, TimedOut,
    };
    matches!(
        why.kind(),
        ConnectionAborted
            | ConnectionRefused
            | ConnectionReset
            | HostUnreachable
            | NetworkDown
            | NetworkUnreachable
            | TimedOut
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

    #[test]
    fn each_worker_gets_a_listener_of_its_own_on_one_address() {
        let listeners = bind(LOOPBACK, NonZeroUsize::new(3).expect("three")).expect("bound");
        let addresses: Vec<_> = listeners.iter().map(|l| l.local_addr().expect("bound")).collect();
        assert_eq!(addresses, [addresses[0]; 3]);
    }

    #[test]
    fn of_those_who_bind_an_address_at_once_one_gets_it() {
        for _ in 0..10 {
            let free = bind(LOOPBACK, NonZeroUsize::MIN).expect("bound");
            let address = free[0].local_addr().expect("bound");
            drop(free);
            let start = std::sync::Barrier::new(4);
            let bind = || {
                start.wait();
                bind(address, NonZeroUsize::MIN)
            };
            let bound: Vec<_> = thread::scope(|scope| {
                let threads: Vec<_> = (0..4).map(|_| scope.spawn(bind)).collect();
                threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
            });
            assert_eq!(bound.iter().filter(|bound| bound.is_ok()).count(), 1);
        }
    }

    #[test]
    fn an_address_where_somebody_listens_is_refused() {
        let listeners = bind(LOOPBACK, NonZeroUsize::MIN).expect("bound");
        let address = listeners[0].local_addr().expect("bound");
        let why = bind(address, NonZeroUsize::MIN).expect_err("taken");
        assert_eq!(why.kind(), io::ErrorKind::AddrInUse);
    }
}
