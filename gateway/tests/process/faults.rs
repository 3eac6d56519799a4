//! A disk that fails and loses power, and what becomes of the events on it.

mod damage;
pub(crate) mod disk;
mod errors;
mod full;
mod opening;
mod outage;
mod shim;
mod store;
