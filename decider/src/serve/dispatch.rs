//! From a request's path to its rpc, and from there to the decision.

use super::codec::DynamicCodec;
use axum::extract::Request;
use axum::http::Response;
use futures_util::FutureExt;
use prost_reflect::{DynamicMessage, MethodDescriptor};
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use tonic::Status;
use tonic::body::Body;
use tonic::metadata::MetadataMap;
use tonic::server::{Grpc, UnaryService};

/// The answers of a server.
pub trait Decide: Clone + Send + Sync + 'static {
    /// Answers one call of `rpc`. The response must be a message of `rpc.output()`.
    ///
    /// A panic is answered with the status `INTERNAL`.
    fn decide(
        &self,
        rpc: &MethodDescriptor,
        metadata: &MetadataMap,
        request: DynamicMessage,
    ) -> impl Future<Output = Result<DynamicMessage, Status>> + Send;
}

/// Every rpc by its path, and the implementation that answers.
#[derive(Clone)]
pub(super) struct Dispatch<D> {
    rpcs: Arc<HashMap<String, MethodDescriptor>>,
    decide: D,
    message_bytes: usize,
}

impl<D: Decide> Dispatch<D> {
    pub(super) fn new(decide: D, message_bytes: usize) -> Self {
        let path = |rpc: &MethodDescriptor| {
            format!("/{}/{}", rpc.parent_service().full_name(), rpc.name())
        };
        let rpcs: HashMap<_, _> = contract::rpcs().map(|rpc| (path(&rpc), rpc)).collect();
        Self { rpcs: Arc::new(rpcs), decide, message_bytes }
    }

    pub(super) async fn answer(&self, request: Request) -> Response<Body> {
        let Some(rpc) = self.rpcs.get(request.uri().path()).cloned() else {
            return Status::unimplemented("the contract has no such rpc").into_http();
        };
        let codec = DynamicCodec::new(rpc.input());
        let call = Call { rpc, decide: self.decide.clone() };
        let mut grpc = Grpc::new(codec).max_decoding_message_size(self.message_bytes);
        grpc.unary(call, request).await
    }
}

/// One call, run by tonic once its request is decoded.
struct Call<D> {
    rpc: MethodDescriptor,
    decide: D,
}

impl<D: Decide> UnaryService<DynamicMessage> for Call<D> {
    type Response = DynamicMessage;
    type Future =
        Pin<Box<dyn Future<Output = Result<tonic::Response<DynamicMessage>, Status>> + Send>>;

    fn call(&mut self, request: tonic::Request<DynamicMessage>) -> Self::Future {
        let (rpc, decide) = (self.rpc.clone(), self.decide.clone());
        let (metadata, _, request) = request.into_parts();
        let decision = async move { decide.decide(&rpc, &metadata, request).await };
        Box::pin(async {
            // An uncaught panic would reset the stream, which looks like a broken connection.
            match AssertUnwindSafe(decision).catch_unwind().await {
                Ok(answer) => answer.map(tonic::Response::new),
                Err(_) => Err(Status::internal("the decision panicked")),
            }
        })
    }
}
