//! A disk that fails and loses power.

pub(crate) mod disk;
mod shim;
