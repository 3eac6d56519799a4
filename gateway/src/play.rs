//! Plays OpenIM: sends callbacks through a gateway of its own to a decider, and reports its decision on each.

mod decision;
mod expectations;
mod player;
mod recorder;
mod scene;

pub use self::decision::{Decision, Outcome};
pub use self::expectations::{Case, Expectations, Expected};
pub use self::player::Player;
pub use self::recorder::Recorder;
pub use self::scene::Scene;
