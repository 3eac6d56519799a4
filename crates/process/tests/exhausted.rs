//! Accepting without file descriptors. One test, since it takes all that the process may have.

use std::fs::File;
use std::net::TcpStream;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use process::listen::{Accepted, Acceptor, bind};
use rlimit::Resource;
use tokio::net::TcpListener;

#[tokio::test]
async fn without_descriptors_the_caller_is_told_and_a_free_one_takes_the_connection() {
    let address = "127.0.0.1:0".parse().expect("an address");
    let listener = bind(address, NonZeroUsize::MIN).expect("bound").remove(0);
    let address = listener.local_addr().expect("bound");
    let mut acceptor = Acceptor::new(TcpListener::from_std(listener).expect("a listener"));
    let client = TcpStream::connect(address).expect("the kernel takes it");

    Resource::NOFILE.set(64, 64).expect("limits are lowered");
    let mut files: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    let before = Instant::now();
    for _ in 0..4 {
        assert!(matches!(acceptor.accept().await, Accepted::Exhausted));
    }
    assert!(before.elapsed() >= Duration::from_millis(30), "all but the first have waited");
    files.pop();
    let Accepted::Connection(_, peer) = acceptor.accept().await else {
        panic!("a descriptor is free");
    };
    assert_eq!(peer, client.local_addr().expect("connected"));
}
