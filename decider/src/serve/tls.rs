//! TLS: the server's certificate, and the authorities of its clients.

use process::tls::{Files, H2, Identity};
use process::{Mistake, Reloadable};
use std::fmt;
use tokio_rustls::TlsAcceptor;

/// The server's identity. Its files are read again when they change; open connections stay.
pub struct Tls {
    files: Files,
    identity: Reloadable<Identity>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// Every mistake in them.
    pub fn read(files: Files) -> Result<Self, Vec<Mistake>> {
        let identity = Reloadable::new(files.read(&[H2])?);
        Ok(Self { files, identity })
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.identity.current().acceptor()
    }

    pub(super) fn refresh(&self) {
        self.identity.refresh("certificates", self.files.read(&[H2]));
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}
