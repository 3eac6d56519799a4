//! A decider that answers by a script.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use callback_decider::serve::{Decide, Server, Tls, TlsFiles, Tokens};
use prost_reflect::{DynamicMessage, MethodDescriptor};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::metadata::MetadataMap;

use crate::PATIENCE;
use crate::background::Background;
use crate::port::Port;

/// A decider that answers every call by a script, over real gRPC.
pub struct Decider {
    script: Scripted,
    port: Port,
    guarded: Guarded,
    server: Option<Background>,
    terminated: CancellationToken,
}

/// The files of a decider's TLS and tokens.
#[derive(Clone, Debug, Default)]
pub struct Guarded {
    /// Those of TLS.
    pub tls: Option<TlsFiles>,
    /// The tokens.
    pub tokens: Option<PathBuf>,
}

/// A call that a decider received.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The rpc's name, like `BeforeUserRegister`.
    pub rpc: String,
    /// The metadata.
    pub metadata: MetadataMap,
    /// The request in protobuf's JSON: keys are OpenIM's (`json_name`), fields that are unset or zero are left out, 64-bit
    /// integers are text, known enum values are names.
    pub request: Value,
}

impl Asked {
    /// One of the metadata; empty if it is not there.
    #[must_use]
    pub fn metadata(&self, key: &str) -> &str {
        self.metadata.get(key).map_or("", |value| value.to_str().expect("visible ASCII"))
    }
}

/// A decider's answer to a call.
#[derive(Clone, Debug)]
pub enum Says {
    /// This response, in protobuf's JSON.
    Response(Value),
    /// This status.
    Status(Status),
    /// Nothing, ever.
    Nothing,
}

impl From<Value> for Says {
    fn from(response: Value) -> Self {
        Self::Response(response)
    }
}

impl From<Status> for Says {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl Decider {
    /// Starts a decider.
    #[must_use]
    pub fn start<S: Into<Says>>(script: impl Fn(&Asked) -> S + Send + Sync + 'static) -> Self {
        let mut decider = Self::down(script);
        decider.restart();
        decider
    }

    /// Starts a decider that allows everything.
    #[must_use]
    pub fn allowing() -> Self {
        Self::start(|_| json!({}))
    }

    /// Starts a decider that allows everything, behind TLS and tokens.
    #[must_use]
    pub fn guarded(guarded: Guarded) -> Self {
        let mut decider = Self { guarded, ..Self::down(|_| json!({})) };
        decider.restart();
        decider
    }

    /// Starts a decider that always gives the same answer.
    #[must_use]
    pub fn saying(says: impl Into<Says>) -> Self {
        let says = says.into();
        Self::start(move |_| says.clone())
    }

    /// A decider that does not run yet. Connections to it are refused.
    #[must_use]
    pub fn down<S: Into<Says>>(script: impl Fn(&Asked) -> S + Send + Sync + 'static) -> Self {
        let script =
            Scripted { script: Arc::new(move |asked| script(asked).into()), heard: Arc::default() };
        let (guarded, terminated) = (Guarded::default(), CancellationToken::new());
        Self { script, port: Port::free(), guarded, server: None, terminated }
    }

    /// Its URL, the same for its whole life.
    #[must_use]
    pub fn url(&self) -> String {
        match self.guarded.tls {
            Some(_) => format!("https://{}", self.port.address()),
            None => self.port.url(),
        }
    }

    /// Ends it at once, as SIGKILL would. Connections to it are refused from now on.
    pub fn kill(&mut self) {
        self.server = None;
    }

    /// Ends it as SIGTERM would: it says GOAWAY, answers what is in flight, and is gone when this returns.
    pub fn terminate(&mut self) {
        self.terminated.cancel();
        if let Some(server) = self.server.take() {
            server.join();
        }
    }

    /// Starts it again, on the same port.
    pub fn restart(&mut self) {
        self.kill();
        let (listener, script) = (self.port.listen(), self.script.clone());
        self.terminated = CancellationToken::new();
        let terminated = self.terminated.clone().cancelled_owned();
        let Guarded { tls, tokens } = &self.guarded;
        let tls = tls.clone().map(|files| Tls::read(files).expect("files of TLS"));
        let tokens = tokens.as_deref().map(|file| Tokens::read(file).expect("tokens"));
        let server = Server::default().tls(tls).tokens(tokens);
        self.server = Some(Background::run(move || async {
            let listener = TcpListener::from_std(listener).expect("it does not block");
            server.serve(listener, script, terminated).await.expect("it serves");
        }));
    }

    /// All calls so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.script.heard.lock().asked.clone()
    }

    /// All calls since the last take.
    #[must_use]
    pub fn take_asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.script.heard.lock().asked)
    }

    /// The only call that it received.
    ///
    /// # Panics
    /// It received none, or more.
    #[must_use]
    pub fn asked_once(&self) -> Asked {
        let mut asked = self.asked();
        assert_eq!(asked.len(), 1, "{asked:#?}");
        asked.remove(0)
    }

    /// Waits until it has received so many calls.
    ///
    /// # Panics
    /// It does not in time.
    pub fn wait_until_asked(&self, times: usize) {
        self.script.heard.wait_until("asked", |log| log.asked.len() >= times);
    }

    /// Waits until so many unanswered calls were cancelled.
    ///
    /// # Panics
    /// They are not in time.
    pub fn wait_until_cancelled(&self, times: usize) {
        self.script.heard.wait_until("cancelled", |log| log.cancelled >= times);
    }
}

#[derive(Clone)]
struct Scripted {
    script: Arc<dyn Fn(&Asked) -> Says + Send + Sync>,
    heard: Arc<Heard>,
}

impl Decide for Scripted {
    async fn decide(
        &self,
        rpc: &MethodDescriptor,
        metadata: &MetadataMap,
        request: DynamicMessage,
    ) -> Result<DynamicMessage, Status> {
        let asked = Asked {
            rpc: rpc.name().to_owned(),
            metadata: metadata.clone(),
            request: serde_json::to_value(request).expect("a message as JSON"),
        };
        self.heard.note(|log| log.asked.push(asked.clone()));
        match (self.script)(&asked) {
            Says::Response(response) => Ok(DynamicMessage::deserialize(rpc.output(), response)
                .expect("a script that fits the rpc")),
            Says::Status(status) => Err(status),
            Says::Nothing => {
                let _cancelled = Cancelled(&self.heard);
                std::future::pending().await
            }
        }
    }
}

/// The calls that a decider has received.
#[derive(Default)]
struct Heard {
    log: Mutex<Log>,
    changed: Condvar,
}

#[derive(Default)]
struct Log {
    asked: Vec<Asked>,
    cancelled: usize,
}

impl Heard {
    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, change: impl FnOnce(&mut Log)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn wait_until(&self, what: &str, mut reached: impl FnMut(&Log) -> bool) {
        let waited = self.changed.wait_timeout_while(self.lock(), PATIENCE, |log| !reached(log));
        let (log, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(
            !timeout.timed_out(),
            "not {what} in time, but asked {} times and cancelled {}",
            log.asked.len(),
            log.cancelled
        );
    }
}

/// Records on drop that a call was cancelled.
struct Cancelled<'a>(&'a Heard);

impl Drop for Cancelled<'_> {
    fn drop(&mut self) {
        self.0.note(|log| log.cancelled += 1);
    }
}
