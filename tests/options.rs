//! What the contract says of the rpcs that stand for a callback.

use prost_reflect::MethodDescriptor;
use serde::Deserialize;

/// An rpc of the contract, and its `(callback)` option.
pub(crate) struct Callback {
    pub(crate) rpc: MethodDescriptor,
    pub(crate) option: CallbackOption,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "each test reads some of it")]
pub(crate) struct CallbackOption {
    pub(crate) command: String,
    #[serde(default)]
    pub(crate) aliases: Vec<String>,
    pub(crate) setting: String,
}

impl Callback {
    /// Whether it asks before something happens; otherwise it tells afterwards.
    pub(crate) fn is_before(&self) -> bool {
        self.rpc.name().starts_with("Before")
    }
}

/// All rpcs but the fallback's, which has no such option.
pub(crate) fn callbacks() -> Vec<Callback> {
    let callback = |rpc: MethodDescriptor| {
        let mut options = serde_json::to_value(rpc.options()).expect("options as JSON");
        let option = options.get_mut("[openim.decider.v1.callback]")?.take();
        let option = serde_json::from_value(option).expect("a whole option");
        Some(Callback { rpc, option })
    };
    let contract = callback_decider::contract();
    let rpcs = contract.services().flat_map(|service| service.methods().collect::<Vec<_>>());
    rpcs.filter_map(callback).collect()
}
