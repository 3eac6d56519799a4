//! The gateway's process: settings, listeners, one thread per worker, signals.

use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use callback_gateway::metrics::Metrics;
use callback_gateway::settings::{Cli, Settings};
use callback_gateway::{admin, worker};
use clap::Parser;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exit codes as in sysexits.h.
const USAGE: u8 = 64;
const SOFTWARE: u8 = 70;
const OS_ERROR: u8 = 71;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            let _ = e.print();
            return ExitCode::from(if e.use_stderr() { USAGE } else { 0 });
        }
    };
    let settings = match Settings::load(&cli) {
        Ok(settings) => Arc::new(settings),
        Err(mistakes) => {
            mistakes.iter().for_each(|mistake| eprintln!("error: {mistake}"));
            return ExitCode::from(USAGE);
        }
    };
    tracing_subscriber::fmt()
        .with_env_filter(settings.file.log.filter())
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    match run(&settings) {
        Ok(code) => code,
        Err(why) => {
            error!(%why, "can't serve");
            ExitCode::from(OS_ERROR)
        }
    }
}

fn run(settings: &Arc<Settings>) -> io::Result<ExitCode> {
    let listen = settings.file.listen;
    let listeners =
        worker::bind(listen, settings.workers()).map_err(|e| bind_error("listen", listen, &e))?;
    let main = Builder::new_current_thread().enable_all().build()?;
    main.block_on(serve(settings, listeners))
}

async fn serve(
    settings: &Arc<Settings>,
    listeners: Vec<std::net::TcpListener>,
) -> io::Result<ExitCode> {
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let admin = settings.file.admin;
    let admin = TcpListener::bind(admin).await.map_err(|e| bind_error("admin", admin, &e))?;
    let (shutdown, metrics) = (CancellationToken::new(), Arc::new(Metrics::default()));
    let (ended, mut ends) = mpsc::unbounded_channel();
    let workers = listeners.len();
    info!(
        listen = %listeners.first().map_or(Ok(settings.file.listen), |l| l.local_addr())?,
        admin = %admin.local_addr()?,
        decider = %settings.file.decider.uri(),
        workers,
        "serving callbacks"
    );
    let mut admin = tokio::spawn(admin::serve(admin, metrics.clone(), shutdown.clone()));
    for (n, listener) in listeners.into_iter().enumerate() {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _context = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let worker = worker::run(listener, settings.clone(), metrics.clone(), shutdown.clone());
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
