//! A port that stays reserved, even while nothing listens on it.

use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

/// A free port of this machine. While nobody listens, connections to it are refused.
pub struct Port {
    address: SocketAddr,
    /// Bound and never listening: it only keeps others away.
    _held: Socket,
}

impl Port {
    /// Takes any free port.
    #[must_use]
    pub fn free() -> Self {
        let held = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let address = held.local_addr().expect("an address").as_socket().expect("of the internet");
        Self { address, _held: held }
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// As the URL of a decider.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Listens on it. Within a runtime, the result makes a tokio listener.
    #[must_use]
    pub fn listen(&self) -> std::net::TcpListener {
        let socket = bind(self.address);
        socket.listen(1024).expect("the port is ours");
        socket.into()
    }
}

fn bind(address: SocketAddr) -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_reuse_address(true).expect("an option that exists");
    socket.set_reuse_port(true).expect("an option that exists");
    socket.set_nonblocking(true).expect("an option that exists");
    socket.bind(&address.into()).expect("the port is free, or ours");
    socket
}
