//! A policy as what a server answers, with a line in the log for whatever was not simply allowed.

use crate::serve::Decide;
use policy::Policy;
use prost_reflect::{DynamicMessage, MethodDescriptor};
use std::sync::Arc;
use tonic::Status;
use tonic::metadata::MetadataMap;
use tracing::{error, info};

impl Decide for Arc<Policy> {
    async fn decide(
        &self,
        rpc: &MethodDescriptor,
        metadata: &MetadataMap,
        request: DynamicMessage,
    ) -> Result<DynamicMessage, Status> {
        let rpc_name = rpc.name();
        // Whoever caused the call may have chosen these, so they are logged escaped.
        let id = |key| metadata.get(key).and_then(|id| id.to_str().ok()).unwrap_or_default();
        let (callback_id, operation_id) = (id("callback-id"), id("openim-operation-id"));
        match self.evaluate(rpc, &request) {
            Ok(decision) => {
                if let Some(rule) = decision.denied_by {
                    info!(rpc = rpc_name, rule, ?callback_id, ?operation_id, "denied");
                }
                Ok(decision.response)
            }
            Err(failed) => {
                error!(rpc = rpc_name, ?callback_id, ?operation_id, "{failed}");
                Err(Status::internal(failed.to_string()))
            }
        }
    }
}
