//! Answers calls by a policy, and logs denials, rules that failed and those that are not enforced.

use crate::serve::Decide;
use policy::{Logged, Policy, RuleFailure};
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

/// A line about a call, at a level, with the call's own fields.
macro_rules! about {
    ($level:ident, $rpc:expr, $metadata:expr, $($line:tt)+) => {
        $level!(
            callback = CALLBACKS.get($rpc.name()).map_or("unknown", String::as_str),
            rpc = $rpc.name(),
            callback_id = ?text($metadata, "callback-id"),
            operation_id = ?text($metadata, "openim-operation-id"),
            $($line)+
        )
    };
}

impl Decide for Arc<Policy> {
    async fn decide(
        &self,
        rpc: &MethodDescriptor,
        metadata: &MetadataMap,
        request: DynamicMessage,
    ) -> Result<DynamicMessage, Status> {
        let decision = self.evaluate(rpc, &request);
        for RuleFailure { rule, place, on_error, why } in &decision.failures {
            about!(
                error,
                rpc,
                metadata,
                rule,
                place,
                on_error = on_error.as_str(),
                why,
                "rule failed"
            );
        }
        for Logged { rule, verdict } in &decision.logged {
            about!(info, rpc, metadata, rule, verdict, "not enforced");
        }
        if let Some(rule) = decision.denied_by {
            about!(info, rpc, metadata, rule, "denied");
        }
        let is_unknown = !CALLBACKS.contains_key(rpc.name());
        if is_unknown && !decision.has_verdict {
            return Err(Status::unimplemented("no rule gives a verdict"));
        }
        Ok(decision.response)
    }
}

/// A value that a user may have chosen; it is logged escaped.
fn text<'a>(metadata: &'a MetadataMap, key: &str) -> &'a str {
    metadata.get(key).and_then(|text| text.to_str().ok()).unwrap_or_default()
}
