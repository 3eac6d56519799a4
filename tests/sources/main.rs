//! The sources and the contract, read without a socket.

mod contract;
mod imports;
mod openim;
