//! Plays OpenIM: sends callbacks through a gateway of its own to a decider, and reports its decision on each.

mod decision;
mod difference;
mod edits;
mod expectations;
pub mod json_lines;
mod json_text;
mod matching;
mod observed;
mod player;
mod recording;
mod scene;
mod terminal;

pub use self::decision::{Decision, Outcome};
pub use self::edits::Edits;
pub use self::expectations::{Case, Expectations, Expected};
pub use self::observed::EventReader;
pub use self::player::Player;
pub use self::recording::Recording;
pub use self::scene::Scene;
pub use self::terminal::{escaped, escaped_json, shown};
