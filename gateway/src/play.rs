//! Plays OpenIM: sends callbacks through a gateway of its own to a decider, and reports its decision on each.

mod decision;
mod difference;
mod edits;
mod expectations;
mod json_text;
pub mod lines;
mod matching;
mod player;
mod record;
mod recorder;
mod scene;
mod terminal;

pub use self::decision::{Decision, Outcome};
pub use self::edits::Edits;
pub use self::expectations::{Case, Expectations, Expected};
pub use self::player::Player;
pub use self::record::Recording;
pub use self::recorder::Recorder;
pub use self::scene::Scene;
pub use self::terminal::escaped;
