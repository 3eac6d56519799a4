//! The gateway as a process.

mod answers;
mod command_line;
mod lifecycle;
mod log;
mod play;
mod projects;
mod reload;
mod resources;
mod secrets;
mod support;
