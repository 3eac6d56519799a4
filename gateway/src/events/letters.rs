//! Records as an operator sees them, whatever the store: lists, single ones, and the selections to act on.

use serde::{Deserialize, Serialize};
/// The state of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It waits for its delivery.
    Waiting,
    /// No attempt will be made unless somebody replays it.
    Dead,
    /// The decider does not implement its rpc.
    Ignored,
    /// The decider received it.
    Delivered,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Dead, Self::Ignored, Self::Delivered];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Dead => "dead",
            Self::Ignored => "ignored",
            Self::Delivered => "delivered",
        }
    }
}
