//! A decider that costs nearly nothing: it edits the floor's nickname, and allows all other calls.

use axum::extract::Request;
use axum::http;
use tonic::body::Body;
use tonic::server::Grpc;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::{Response, Status};
use tonic_prost::ProstCodec;
use tower::service_fn;

mod pb {
    tonic::include_proto!("floor.v1");
}
use pb::decider_server::{Decider, DeciderServer};

struct Edit;

#[tonic::async_trait]
impl Decider for Edit {
    async fn before_update_user_info(
        &self,
        request: tonic::Request<pb::Request>,
    ) -> Result<Response<pb::Response>, Status> {
        let nick_name = Some(format!("*{}", request.get_ref().nick_name));
        Ok(Response::new(pb::Response { nick_name, ..Default::default() }))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listen = std::env::args().nth(1).ok_or("usage: bench-decider LISTEN")?;
    let routes = Routes::new(DeciderServer::new(Edit)).into_axum_router().fallback(allow);
    Server::builder().add_routes(routes.into()).serve(listen.parse()?).await?;
    Ok(())
}

/// `()` reads a request as a message without fields, and as the response it is an empty one: an allow of every rpc.
async fn allow(request: Request) -> http::Response<Body> {
    let empty = async |_: tonic::Request<()>| Ok::<_, Status>(Response::new(()));
    Grpc::new(ProstCodec::<(), ()>::default()).unary(service_fn(empty), request).await
}
