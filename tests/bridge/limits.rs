//! What a request, a connection and the process are limited to, and that those who keep to it are not harmed.

mod bodies;
mod connections;
mod entries;
mod heads;
mod overload;

use harness::{Request, Style};
use serde_json::json;

fn callback() -> Request {
    Request::callback(Style::Path, "callbackBeforeAddBlackCommand", &json!({}))
}
