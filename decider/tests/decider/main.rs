//! The decider from outside: its server, and the program around it.

mod check;
mod guarded;
mod healthcheck;
mod log;
mod process;
mod reference;
mod reload;
mod serving;
mod support;
mod test_command;
mod workers;
