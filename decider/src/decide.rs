//! Answers calls by a policy, and logs denials and rules that failed.

use crate::serve::Decide;
use policy::{Policy, RuleFailure};
use prost_reflect::{DynamicMessage, MethodDescriptor};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use tonic::Status;
use tonic::metadata::MetadataMap;
use tracing::{error, info};

/// The names by which gateway and operators know the callbacks, by the names of their rpcs.
static CALLBACKS: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    let names =
        |callback: contract::Callback| (callback.rpc.name().to_owned(), callback.option.setting);
    contract::callbacks().map(names).collect()
});

impl Decide for Arc<Policy> {
    async fn decide(
        &self,
        rpc: &MethodDescriptor,
        metadata: &MetadataMap,
        request: DynamicMessage,
    ) -> Result<DynamicMessage, Status> {
        let rpc_name = rpc.name();
        // The log limits the lines about each callback.
        let callback = || CALLBACKS.get(rpc_name).map_or("unknown", String::as_str);
        // Users may have chosen these, so they are logged escaped.
        let id = |key| metadata.get(key).and_then(|id| id.to_str().ok()).unwrap_or_default();
        let (callback_id, operation_id) = (id("callback-id"), id("openim-operation-id"));
        let decision = self.evaluate(rpc, &request);
        for RuleFailure { rule, place, on_error, why } in &decision.failures {
            error!(
                callback = callback(),
                rpc = rpc_name,
                rule,
                place,
                on_error = on_error.as_str(),
                why,
                ?callback_id,
                ?operation_id,
                "rule failed"
            );
        }
        if let Some(rule) = decision.denied_by {
            info!(
                callback = callback(),
                rpc = rpc_name,
                rule,
                ?callback_id,
                ?operation_id,
                "denied"
            );
        }
        Ok(decision.response)
    }
}
