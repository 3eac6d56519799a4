//! The floor: the plainest possible forwarder of one callback, with hand-written JSON, axum and a tonic channel. It runs
//! on one thread, like one worker of the gateway.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Json, Router, routing::post};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tonic::transport::{Channel, Endpoint};

mod pb {
    tonic::include_proto!("floor.v1");
}
use pb::decider_client::DeciderClient;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Ask {
    callback_command: String,
    #[serde(rename = "userID")]
    user_id: String,
    nick_name: String,
    #[serde(rename = "faceURL")]
    face_url: String,
    ex: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    action_code: i32,
    err_code: i32,
    err_msg: String,
    err_dlt: String,
    next_code: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    nick_name: Option<String>,
    #[serde(rename = "faceURL", skip_serializing_if = "Option::is_none")]
    face_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ex: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (listen, decider) =
        args.next().zip(args.next()).ok_or("usage: bench-floor LISTEN DECIDER")?;
    let channel = Endpoint::from_shared(format!("http://{decider}"))?.connect_lazy();
    let route = post(forward).with_state(DeciderClient::new(channel));
    let app = Router::new().route("/callbackBeforeUpdateUserInfoCommand", route);
    axum::serve(TcpListener::bind(listen).await?, app).await?;
    Ok(())
}

async fn forward(
    State(mut decider): State<DeciderClient<Channel>>,
    Json(ask): Json<Ask>,
) -> Result<Json<Answer>, StatusCode> {
    let request = pb::Request {
        callback_command: ask.callback_command,
        user_id: ask.user_id,
        nick_name: ask.nick_name,
        face_url: ask.face_url,
        ex: ask.ex,
    };
    let answer = decider.before_update_user_info(request).await;
    let answer = answer.map_err(|_| StatusCode::BAD_GATEWAY)?.into_inner();
    Ok(Json(Answer {
        action_code: answer.action_code,
        err_code: answer.err_code,
        err_msg: answer.err_msg,
        err_dlt: answer.err_dlt,
        next_code: answer.next_code,
        nick_name: answer.nick_name,
        face_url: answer.face_url,
        ex: answer.ex,
    }))
}
