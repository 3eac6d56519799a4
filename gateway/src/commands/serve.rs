//! `serve`, the default command: listeners, one thread per worker, signals, shutdown.

mod reload;
mod watch;

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use process::exit::{failed, mistaken};
use process::{Housekeeping, Task, descriptors, exit, listen, log};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::not_started;
use crate::gateway::Gateway;
use crate::settings::Sources;
use crate::settings::summary::ConfigSummary;
use crate::{admin, worker};

/// The interval at which files with secrets and certificates are read. They are compared by content, since they may be
/// replaced in any way; a Kubernetes volume swaps a link.
const REFRESH: Duration = Duration::from_secs(1);
/// Descriptors beside those of connections: deciders, files, the log, and some in reserve.
const OTHER_DESCRIPTORS: usize = 128;

pub(super) fn run(mut sources: Sources) -> ExitCode {
    let settings = match sources.load() {
        Ok(settings) => settings,
        Err(mistakes) => return mistaken(&mistakes),
    };
    let file = &settings.file;
    let config = log::Config {
        filter: file.log.clone(),
        format: file.log_format,
        lines_per_second: file.log_lines_per_second,
    };
    let _log = match log::start(&config) {
        Ok(log) => log,
        Err(why) => return failed(exit::OS_ERROR, format_args!("no log: {why}")),
    };
    if let unused @ [_, ..] = sources.unused_variables() {
        warn!(variables = unused.join(", "), "environment variables that no setting reads");
    }
    let gateway = match Gateway::new(settings) {
        Ok(gateway) => Arc::new(gateway),
        Err(why) => return not_started(&why),
    };
    fit_descriptors(&gateway);
    match bind(gateway, sources) {
        Ok(code) => code,
        Err(why) => {
            error!(%why, "can't serve");
            ExitCode::from(exit::OS_ERROR)
        }
    }
}

/// Raises the limit of file descriptors to what the settings need. Where the system does not allow it, the bound on
/// connections is lowered.
fn fit_descriptors(gateway: &Gateway) {
    let set = gateway.settings().file.limits.connections;
    let others = admin::CONNECTIONS + OTHER_DESCRIPTORS;
    if let Err(shortage) = descriptors::raise((set + others) as u64) {
        let available = usize::try_from(shortage.available).unwrap_or(usize::MAX);
        let connections = available.saturating_sub(others).clamp(1, set);
        warn!(%shortage, connections, "fewer connections than limits.connections");
        gateway.http.take_connections(set - connections);
    }
}

fn bind(gateway: Arc<Gateway>, sources: Sources) -> io::Result<ExitCode> {
    let settings = gateway.settings();
    let listen = settings.file.listen;
    let listeners =
        listen::bind(listen, settings.workers()).map_err(|e| bind_error("listen", listen, &e))?;
    let main = Builder::new_current_thread().enable_all().build()?;
    let code = main.block_on(serve(gateway, sources, listeners));
    main.shutdown_background(); // an operator's read of the events may take long
    code
}

async fn serve(
    gateway: Arc<Gateway>,
    sources: Sources,
    listeners: Vec<std::net::TcpListener>,
) -> io::Result<ExitCode> {
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let hangup = signal(SignalKind::hangup())?;
    let settings = gateway.settings();
    let admin = settings.file.admin;
    let admin = TcpListener::bind(admin).await.map_err(|e| bind_error("admin", admin, &e))?;
    let (ended, mut ends) = mpsc::unbounded_channel();
    let workers = listeners.len();
    info!(
        listen = %listeners.first().map_or(Ok(settings.file.listen), |l| l.local_addr())?,
        admin = %admin.local_addr()?,
        workers,
        "serving callbacks"
    );
    ConfigSummary::of(&settings).log();
    let shutdown = CancellationToken::new();
    tokio::spawn(admin::serve(admin, gateway.admin.clone(), shutdown.clone()));
    tokio::spawn(reload::run(gateway.clone(), sources, hangup));
    let refreshed = gateway.clone();
    let refresh: Task = Box::new(move || refreshed.refresh());
    let _housekeeping = Housekeeping::spawn(REFRESH, vec![refresh])?;
    for (n, listener) in listeners.into_iter().enumerate() {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _context = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let worker = worker::run(listener, gateway.clone(), shutdown.clone());
        let end = End(ended.clone());
        thread::Builder::new().name(format!("worker-{n}")).spawn(move || {
            let _end = end;
            runtime.block_on(worker);
        })?;
    }
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = ends.recv() => {
            error!("a worker died");
            return Ok(ExitCode::from(exit::SOFTWARE));
        }
        () = events_ended(&gateway) => {
            error!("a thread of the events died");
            return Ok(ExitCode::from(exit::SOFTWARE));
        }
    }
    info!("draining");
    shutdown.cancel();
    for _ in 0..workers {
        ends.recv().await;
    }
    let _ = spawn_blocking(move || gateway.stop_events()).await; // the panic hook has logged a panic
    info!("stopped");
    Ok(ExitCode::SUCCESS)
}

fn bind_error(setting: &str, address: SocketAddr, why: &io::Error) -> io::Error {
    io::Error::new(why.kind(), format!("{setting} {address}: {why}"))
}

/// Waits until a thread of the events has ended.
async fn events_ended(gateway: &Gateway) {
    match &gateway.events {
        Some(events) => events.ended().await,
        None => std::future::pending().await,
    }
}

/// Reports on drop that its thread has ended, by a panic too.
struct End(mpsc::UnboundedSender<()>);

impl Drop for End {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}
