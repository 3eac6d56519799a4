//! The gateway as a process.

mod answers;
mod chaos;
mod command_line;
mod events;
mod faults;
mod lifecycle;
mod log;
mod play;
mod projects;
mod reload;
mod resources;
mod secrets;
mod support;
