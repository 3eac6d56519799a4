//! The parts of the callback port that all workers share, and their settings.

use std::path::PathBuf;
use std::sync::Arc;

use process::tls::{Files, H2, HTTP_1, Identity};
use process::{Mistake, Reloadable};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::admission::Room;
use super::callers::{Callers, CallersConfig};
use super::limits::Limits;
use crate::bound::Bound;
use crate::observe::Metrics;

/// The protocols on a TLS connection, the preferred one first.
const PROTOCOLS: &[&[u8]] = &[H2, HTTP_1];

/// Files for TLS on a listener.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TlsConfig {
    /// A file with the certificate chain, in PEM.
    pub certificate: Option<PathBuf>,
    /// A file with its key, in PEM.
    pub key: Option<PathBuf>,
}

impl TlsConfig {
    fn files(&self) -> Result<Option<Files>, Mistake> {
        Files::new("tls.", self.certificate.clone(), self.key.clone(), None)
    }

    fn read(&self) -> Result<Option<Identity>, Vec<Mistake>> {
        let files = self.files().map_err(|mistake| vec![mistake])?;
        files.map(|files| files.read(PROTOCOLS)).transpose()
    }
}

/// The parts of the callback port that all workers share.
#[derive(Debug)]
pub struct Shared {
    pub(super) limits: Limits,
    /// The connections that may still be opened.
    pub(super) connections: Arc<Room>,
    /// The bytes of bodies that are being read, and of the requests made from them.
    pub(super) bodies: Bound,
    pub(super) callers: Reloadable<Callers>,
    pub(super) identity: Option<Reloadable<Identity>>,
    pub(super) metrics: Arc<Metrics>,
    callers_config: CallersConfig,
    tls_config: TlsConfig,
}

impl Shared {
    /// Reads the secrets and certificates that the configurations name.
    ///
    /// # Errors
    /// Those of [`mistakes`].
    pub fn new(
        limits: Limits,
        callers_config: CallersConfig,
        tls_config: TlsConfig,
        metrics: Arc<Metrics>,
    ) -> Result<Self, Vec<Mistake>> {
        let (callers, identity) = read(&callers_config, &tls_config)?;
        Ok(Self {
            connections: Arc::new(Room::new(limits.connections)),
            bodies: Bound::new(limits.bodies),
            limits,
            callers: Reloadable::new(callers),
            identity: identity.map(Reloadable::new),
            metrics,
            callers_config,
            tls_config,
        })
    }

    /// Lowers the bound on connections by `count`.
    pub fn take_connections(&self, count: usize) {
        self.connections.take(count);
    }

    /// Reads secrets and certificates again. Changed ones that can't be used are logged, and the old ones stay.
    pub fn refresh(&self) {
        self.callers.refresh("callers", Callers::read(&self.callers_config));
        if let Some(identity) = &self.identity
            && let Some(read) = self.tls_config.read().transpose()
        {
            identity.refresh("tls", read);
        }
    }
}

/// The mistakes in the files that the configurations name.
#[must_use]
pub fn mistakes(callers: &CallersConfig, tls: &TlsConfig) -> Vec<Mistake> {
    read(callers, tls).err().unwrap_or_default()
}

fn read(
    callers: &CallersConfig,
    tls: &TlsConfig,
) -> Result<(Callers, Option<Identity>), Vec<Mistake>> {
    match (Callers::read(callers), tls.read()) {
        (Ok(callers), Ok(identity)) => Ok((callers, identity)),
        (callers, identity) => {
            Err([callers.err(), identity.err()].into_iter().flatten().flatten().collect())
        }
    }
}
