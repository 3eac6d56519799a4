//! The gateway itself: listeners, one thread per worker, signals.

use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::{OS_ERROR, SOFTWARE, wrong};
use crate::gateway::Gateway;
use crate::overview::Overview;
use crate::settings::{File, LogFormat, Settings, Sources};
use crate::{admin, reload, worker};

pub(super) fn run(mut sources: Sources) -> ExitCode {
    let settings = match sources.load() {
        Ok(settings) => settings,
        Err(mistakes) => return wrong(&mistakes),
    };
    log(&settings.file);
    match listen(settings, sources) {
        Ok(code) => code,
        Err(why) => {
            error!(%why, "can't serve");
            ExitCode::from(OS_ERROR)
        }
    }
}

fn log(file: &File) {
    let log = tracing_subscriber::fmt()
        .with_env_filter(file.log.filter())
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr);
    match file.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}

fn listen(settings: Settings, sources: Sources) -> io::Result<ExitCode> {
    let listen = settings.file.listen;
    let listeners =
        worker::bind(listen, settings.workers()).map_err(|e| bind_error("listen", listen, &e))?;
    let main = Builder::new_current_thread().enable_all().build()?;
    main.block_on(serve(settings, sources, listeners))
}

async fn serve(
    settings: Settings,
    sources: Sources,
    listeners: Vec<std::net::TcpListener>,
) -> io::Result<ExitCode> {
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let hangup = signal(SignalKind::hangup())?;
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
    Overview::of(&settings).log();
    let (shutdown, gateway) = (CancellationToken::new(), Arc::new(Gateway::new(settings)));
    let mut admin = tokio::spawn(admin::serve(admin, gateway.clone(), shutdown.clone()));
    tokio::spawn(reload::run(gateway.clone(), sources, hangup));
    let fresh = gateway.clone();
    tokio::spawn(async move { fresh.keep_fresh().await });
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
            return Ok(ExitCode::from(SOFTWARE));
        }
        failed = &mut admin => failed??,
    }
    info!("draining");
    shutdown.cancel();
    for _ in 0..workers {
        ends.recv().await;
    }
    info!("stopped");
    Ok(ExitCode::SUCCESS)
}

fn bind_error(setting: &str, address: SocketAddr, why: &io::Error) -> io::Error {
    io::Error::new(why.kind(), format!("{setting} {address}: {why}"))
}

/// Says that its thread has ended, by a panic too.
struct End(mpsc::UnboundedSender<()>);

impl Drop for End {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}
