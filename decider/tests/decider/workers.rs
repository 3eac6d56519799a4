//! Several threads, and the connections that are dealt out to them.

use crate::process::{Decider, change_nickname, connect};
use crate::support::{call, rpc};
use callback_decider::serve::{Decide, Server};
use prost_reflect::{DynamicMessage, MethodDescriptor};
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Barrier, oneshot};
use tokio::time::timeout;
use tonic::Status;
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;

/// Longer than anything here takes.
const SOON: Duration = Duration::from_secs(10);

/// Allows once as many calls are under way as the barrier is for, and counts those of each thread.
#[derive(Clone)]
struct Together {
    barrier: Arc<Barrier>,
    calls: Arc<Mutex<HashMap<ThreadId, usize>>>,
}

impl Decide for Together {
    async fn decide(
        &self,
        rpc: &MethodDescriptor,
        _: &MetadataMap,
        _: DynamicMessage,
    ) -> Result<DynamicMessage, Status> {
        *self.calls.lock().expect("no panic").entry(thread::current().id()).or_default() += 1;
        self.barrier.wait().await;
        Ok(DynamicMessage::new(rpc.output()))
    }
}

#[tokio::test]
async fn connections_are_dealt_out_to_the_workers_in_turns_and_drained_on_all() {
    let decide = Together { barrier: Arc::new(Barrier::new(7)), calls: Arc::default() };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = Server::default().workers(NonZeroUsize::new(3).expect("three"));
    let served = tokio::spawn(server.serve(listener, decide.clone(), async {
        drop(stopped.await);
    }));

    let mut calls = Vec::new();
    for _ in 0..6 {
        let channel = connect(&address).await;
        calls.push(tokio::spawn(async move {
            let rpc = rpc("BeforeUpdateUserInfo");
            call(&channel, &rpc, DynamicMessage::new(rpc.input())).await
        }));
    }
    let counted = || decide.calls.lock().expect("no panic").values().copied().collect::<Vec<_>>();
    while counted().iter().sum::<usize>() < 6 {
        tokio::task::yield_now().await;
    }
    assert_eq!(counted(), [2; 3]);
    stop.send(()).expect("it runs");
    decide.barrier.wait().await;
    for call in calls {
        assert!(call.await.expect("no panic").is_ok());
    }
    timeout(SOON, served).await.expect("soon").expect("no panic").expect("no error");
}

/// Opens so many connections, and returns those on which the decider speaks, as it does first.
async fn open(address: &str, connections: usize) -> Vec<TcpStream> {
    let mut open = Vec::new();
    for _ in 0..connections {
        let mut stream = TcpStream::connect(address).await.expect("the kernel accepts it");
        let spoken = timeout(SOON, stream.read(&mut [0])).await.expect("an answer or an end");
        if spoken.is_ok_and(|read| read > 0) {
            open.push(stream);
        }
    }
    open
}

async fn is_answered(channel: &Channel) -> bool {
    timeout(SOON, change_nickname(channel, "Ann")).await.is_ok()
}

#[tokio::test]
async fn the_limit_of_file_descriptors_is_raised_to_what_the_connections_need() {
    let mut decider = Decider::start_after("ulimit -Sn 64", &[]);
    let address = decider.address();
    let connections = open(&address, 200).await;
    assert_eq!(connections.len(), 200);
    assert!(is_answered(&connect(&address).await).await);
}

#[tokio::test]
async fn where_file_descriptors_are_short_the_decider_says_so_and_silent_callers_keep_nobody_out() {
    let mut decider = Decider::start_after("ulimit -n 128", &["--workers", "1"]);
    let address = decider.address();
    let first = connect(&address).await;
    let mut connections = open(&address, 200).await;
    assert_eq!(connections.len(), 87);
    assert!(is_answered(&first).await);
    let line = decider.line();
    assert!(line.contains("WARN") && line.contains(" connections=88"), "{line}");
    connections.clear();
    let until = tokio::time::Instant::now() + SOON;
    while open(&address, 1).await.is_empty() {
        assert!(tokio::time::Instant::now() < until, "there is no room again");
    }
}
