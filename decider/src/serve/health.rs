//! The health of the server and of each of its services, for gRPC health checks and watches.

use std::iter;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

/// The health of the server, as it is published.
pub(super) struct Health {
    reporter: HealthReporter,
    /// The services, and the empty name, which stands for the whole server.
    names: Vec<String>,
}

impl Health {
    /// Publishes that all services of the contract are serving.
    pub(super) async fn serving(reporter: HealthReporter) -> Self {
        let descriptors = contract::descriptors();
        let services = descriptors.services().map(|service| service.full_name().to_owned());
        let names: Vec<_> = iter::once(String::new()).chain(services).collect();
        for name in &names {
            reporter.set_service_status(name, ServingStatus::Serving).await;
        }
        Self { reporter, names }
    }

    /// Withdraws all. This ends the streams of watchers, which would keep the server from ending.
    pub(super) async fn end(mut self) {
        for name in &self.names {
            self.reporter.clear_service_status(name).await;
        }
    }
}
