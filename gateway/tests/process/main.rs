//! The gateway as a process.

mod answers;
mod command_line;
mod lifecycle;
mod play;
mod reload;
mod secrets;
mod support;
