//! `healthcheck`: checks that the gateway on this host is alive.

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use http::{Request, StatusCode};
use http_body_util::Full;
use process::listen::reachable;

use super::admin::send;
use crate::settings::Sources;
use process::exit::mistaken;

/// The time for the whole check. Container runtimes wait longer.
const LIMIT: Duration = Duration::from_secs(2);

/// Not readiness: a gateway that drains is not ready, and must not be restarted.
const PATH: &str = "/livez";

/// Only the admin address is taken from the settings: the file may be wrong by now, while the gateway runs on with the
/// old ones.
pub(super) fn run(sources: &Sources) -> ExitCode {
    let address = match sources.admin() {
        Ok(address) => reachable(address),
        Err(mistakes) => return mistaken(&mistakes),
    };
    match livez(address) {
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
async fn livez(address: SocketAddr) -> Result<StatusCode, Box<dyn Error>> {
    let request = Request::get(PATH).body(Full::default())?;
    Ok(send(address, request, LIMIT).await?.status())
}
