//! Certificates and keys in PEM files. Each problem begins with the file's path.

use std::fmt;
use std::fs;
use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The certificates in a file, at least one.
///
/// # Errors
/// The file can't be read, or holds no certificate.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = read(path)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match certificates {
        Ok(none) if none.is_empty() => Err(problem(path, "holds no certificate in PEM")),
        Ok(certificates) => Ok(certificates),
        Err(why) => Err(problem(path, why)),
    }
}

/// The private key in a file.
///
/// # Errors
/// The file can't be read, or holds no private key.
pub fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    // The parser's error is left out, since it could quote a part of the key.
    PrivateKeyDer::from_pem_slice(&read(path)?)
        .map_err(|_| problem(path, "holds no private key in PEM"))
}

/// The certificates in a file, to be trusted as authorities.
///
/// # Errors
/// The file can't be read, or one of its certificates can't be an authority.
pub fn roots(path: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|why| problem(path, why))?;
    }
    Ok(roots)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|why| problem(path, why))
}

fn problem(path: &Path, why: impl fmt::Display) -> String {
    format!("{}: {why}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_key_is_a_mistake_that_does_not_quote_it() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let key = "-----BEGIN PRIVATE KEY-----\nsecret?\n-----END PRIVATE KEY-----\n";
        fs::write(&file, key).expect("written");
        let why = private_key(file.path()).expect_err("no key");
        assert_eq!(why, format!("{}: holds no private key in PEM", file.path().display()));
    }

    #[test]
    fn a_file_without_a_certificate_is_a_mistake() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let expected = format!("{}: holds no certificate in PEM", file.path().display());
        assert_eq!(certificates(file.path()), Err(expected));
    }

    #[test]
    fn a_missing_file_is_named() {
        let why = roots(Path::new("missing.pem")).expect_err("no file");
        assert!(why.starts_with("missing.pem: No such file"), "{why}");
    }
}
