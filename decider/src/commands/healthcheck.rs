//! `healthcheck`: checks the health of the decider on this host.

mod trust;

use crate::cli::Cli;
use crate::settings::address;
use hyper_util::rt::TokioIo;
use process::listen::reachable;
use process::tls::H2;
use rustls::AlertDescription;
use rustls::pki_types::ServerName;
use std::error::Error;
use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tower::service_fn;

/// The time for the whole check. Container runtimes wait longer.
const LIMIT: Duration = Duration::from_secs(2);

pub(super) fn run(cli: &Cli) -> ExitCode {
    match check(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => super::fail(&why, ExitCode::FAILURE),
    }
}

/// Calls the decider that was started with the same arguments for address and TLS. No file is read: a file that is
/// wrong by now does not make a running decider unhealthy.
#[tokio::main(flavor = "current_thread")]
async fn check(cli: &Cli) -> Result<(), String> {
    let address = reachable(address(&cli.listen).map_err(|mistake| mistake.to_string())?);
    let callers = &cli.callers;
    let answer = timeout(LIMIT, async {
        match (&callers.tls_certificate, &callers.tls_client_ca) {
            (Some(_), Some(_)) => wants_a_certificate(secure(address).await?).await,
            (Some(_), None) => serves(secure(address).await?).await,
            (None, _) => serves(TcpStream::connect(address).await?).await,
        }
    });
    match answer.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(why)) => Err(format!("{address}: {why}")),
        Err(_) => Err(format!("{address}: no answer within 2 seconds")),
    }
}

async fn secure(address: SocketAddr) -> Result<TlsStream<TcpStream>, Box<dyn Error>> {
    let mut config = trust::anybody()?;
    config.alpn_protocols = vec![H2.to_vec()];
    let stream = TcpStream::connect(address).await?;
    let connector = TlsConnector::from(Arc::new(config));
    Ok(connector.connect(ServerName::from(address.ip()), stream).await?)
}

/// Calls gRPC's health service.
async fn serves<S>(stream: S) -> Result<(), Box<dyn Error>>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut stream = Some(TokioIo::new(stream));
    let taken = || io::Error::from(io::ErrorKind::NotConnected);
    let connector = service_fn(move |_| ready(stream.take().ok_or_else(taken)));
    let channel = Endpoint::from_static("http://decider").connect_with_connector(connector).await?;
    let health = HealthClient::new(channel).check(HealthCheckRequest::default()).await;
    match health.map_err(|status| format!("{}: {}", status.code(), status.message()))?.into_inner()
    {
        health if health.status() == ServingStatus::Serving => Ok(()),
        health => Err(health.status().as_str_name().into()),
    }
}

/// A decider that requires a client's certificate reports its absence. That proves it alive: the same threads decide.
async fn wants_a_certificate(mut stream: TlsStream<TcpStream>) -> Result<(), Box<dyn Error>> {
    let Err(error) = stream.read_u8().await else {
        return Err("asks for no certificate, though there is --tls-client-ca".into());
    };
    let alert = error.get_ref().and_then(|error| error.downcast_ref());
    match alert {
        Some(rustls::Error::AlertReceived(AlertDescription::CertificateRequired)) => Ok(()),
        _ => Err(error.into()),
    }
}
