//! The limits of requests, connections and the process; callers within them are not affected.

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
