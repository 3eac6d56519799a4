//! A decider that allows everything unread: the baseline of other deciders in load tests.

use axum::extract::Request;
use axum::http::Response;
use contract::DESCRIPTOR_SET;
use std::error::Error;
use tonic::Status;
use tonic::body::Body;
use tonic::server::Grpc;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic_prost::ProstCodec;
use tower::service_fn;

/// One thread, as `callback-decider --workers 1`.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:50051".to_owned());
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTOR_SET)
        .build_v1()?;
    let routes = Routes::new(reflection).into_axum_router().fallback(allow);
    Server::builder().add_routes(routes.into()).serve(listen.parse()?).await?;
    Ok(())
}

/// `()` decodes every rpc's request, as a message of unknown fields, and encodes its empty response.
async fn allow(request: Request) -> Response<Body> {
    let nothing = async |_: tonic::Request<()>| Ok::<_, Status>(tonic::Response::new(()));
    Grpc::new(ProstCodec::<(), ()>::default()).unary(service_fn(nothing), request).await
}
