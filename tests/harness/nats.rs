//! Real NATS servers with JetStream, alone or as a cluster of three, which can be killed and started again one by one.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::PATIENCE;
use crate::port::Port;

/// One NATS server. Its port and what it has stored outlive a kill.
pub struct Nats {
    program: PathBuf,
    port: Port,
    /// For its health.
    monitor: Port,
    /// For the other servers of a cluster.
    _route: Option<Port>,
    directory: TempDir,
    server: Option<Child>,
}

impl Nats {
    /// Starts a server, with further lines of its configuration. None, said on stderr, where none can be installed.
    #[must_use]
    pub fn start(configuration: &str) -> Option<Self> {
        let mut server = Self::down(program()?, None, "alone", configuration);
        server.restart();
        Some(server)
    }

    /// Starts a cluster of three. None, said on stderr, where none can be installed.
    #[must_use]
    pub fn cluster() -> Option<[Self; 3]> {
        let program = program()?;
        let routes = [Port::free(), Port::free(), Port::free()];
        let urls = routes.each_ref().map(|route| format!("nats://{}", route.address())).join(", ");
        let mut names = ["a", "b", "c"].into_iter();
        let mut servers = routes.map(|route| {
            let listen = route.address();
            let cluster =
                format!("cluster {{ name: three, listen: '{listen}', routes: [{urls}] }}");
            let name = names.next().expect("three names");
            Self::down(program, Some(route), name, &cluster)
        });
        servers.iter_mut().for_each(Self::restart);
        Some(servers)
    }

    fn down(program: &Path, route: Option<Port>, name: &str, more: &str) -> Self {
        let directory = TempDir::new().expect("a directory");
        let (port, monitor) = (Port::free(), Port::free());
        let (listen, http, store) = (port.address(), monitor.address(), directory.path().display());
        let text = format!(
            "server_name: {name}\nlisten: '{listen}'\nhttp: '{http}'\n\
             jetstream {{ store_dir: '{store}' }}\n{more}\n"
        );
        fs::write(directory.path().join("server.conf"), text).expect("a file that can be written");
        Self { program: program.to_owned(), port, monitor, _route: route, directory, server: None }
    }

    /// Its URL, the same for its whole life.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://{}", self.port.address())
    }

    /// Ends it at once, by SIGKILL. Connections to it are refused from now on.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().expect("our own process");
            server.wait().expect("our own process");
        }
    }

    /// Starts it again, on the same port and with what it has stored, and waits until it greets its clients.
    pub fn restart(&mut self) {
        self.kill();
        let log = fs::OpenOptions::new().create(true).append(true).open(self.path("server.log"));
        let server = Command::new(&self.program)
            .arg("--config")
            .arg(self.path("server.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.expect("a file that can be written"))
            .spawn();
        self.server = Some(server.expect("a program that runs"));
        let until = Instant::now() + 2 * PATIENCE;
        while !self.greets() {
            assert!(Instant::now() < until, "{}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until it has all that the other servers have.
    ///
    /// # Panics
    /// It does not in time.
    pub fn wait_until_healthy(&self) {
        let until = Instant::now() + 6 * PATIENCE;
        while !self.is_healthy() {
            assert!(Instant::now() < until, "{}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Its log.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("server.log")).unwrap_or_default()
    }

    fn greets(&self) -> bool {
        let mut greeting = [0; 4];
        TcpStream::connect(self.port.address()).is_ok_and(|mut connection| {
            connection.set_read_timeout(Some(PATIENCE)).expect("an option that exists");
            connection.read_exact(&mut greeting).is_ok() && greeting == *b"INFO"
        })
    }

    fn is_healthy(&self) -> bool {
        let request = b"GET /healthz HTTP/1.0\r\n\r\n";
        let mut answer = String::new();
        TcpStream::connect(self.monitor.address()).is_ok_and(|mut connection| {
            connection.set_read_timeout(Some(PATIENCE)).expect("an option that exists");
            connection.write_all(request).is_ok()
                && connection.read_to_string(&mut answer).is_ok()
                && answer.contains(" 200 OK")
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        if thread::panicking() {
            let log = self.log();
            let end: Vec<_> = log.lines().rev().take(30).collect();
            eprintln!(
                "the end of a NATS server's log:\n{}",
                end.into_iter().rev().collect::<Vec<_>>().join("\n")
            );
        }
        self.kill();
    }
}

/// The server's program, installed at the first call as the Makefile says.
fn program() -> Option<&'static Path> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let installed = PROGRAM.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
        let made = Command::new("make").args(["--silent", "nats"]).current_dir(root).output();
        let path = made.map(|made| made.status.success().then_some(made.stdout));
        if let Ok(Some(path)) = path {
            return Some(root.join(String::from_utf8(path).expect("a path").trim()));
        }
        // Not by eprintln, which is shown for failed tests only.
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: tests with NATS, since no server can be installed: is Go here?"
        );
        None
    });
    installed.as_deref()
}
