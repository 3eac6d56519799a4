//! `healthcheck`: asks a gateway on this host whether it lives.

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{Request, StatusCode};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use process::listen::reachable;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::settings::Sources;
use process::exit::mistaken;

/// How long the whole may take. Container runtimes wait longer.
const LIMIT: Duration = Duration::from_secs(2);

/// Readiness is no reason to restart: a gateway that drains is not ready, and must be left to finish.
const PATH: &str = "/livez";

/// Only the admin address is taken from the settings: those in the file may be wrong by now, and a gateway that keeps
/// the old ones lives.
pub(super) fn run(sources: &Sources) -> ExitCode {
    let address = match sources.admin() {
        Ok(address) => reachable(address),
        Err(mistakes) => return mistaken(&mistakes),
    };
    match ask(address) {
        Ok(StatusCode::OK) => ExitCode::SUCCESS,
        Ok(status) => unhealthy(address, &status),
        Err(why) => unhealthy(address, &why),
    }
}

fn unhealthy(address: SocketAddr, why: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("http://{address}{PATH}: {why}");
    ExitCode::FAILURE
}

#[tokio::main(flavor = "current_thread")]
async fn ask(address: SocketAddr) -> Result<StatusCode, Box<dyn Error>> {
    timeout(LIMIT, async {
        let stream = TcpStream::connect(address).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let request = Request::get(PATH).header(HOST, address.to_string());
        let response = sender.send_request(request.body(Empty::<Bytes>::new())?).await?;
        Ok(response.status())
    })
    .await?
}
