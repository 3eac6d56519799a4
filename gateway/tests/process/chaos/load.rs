//! The messages that are posted.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use harness::{Client, Request, Style};
use serde_json::json;

use super::ledger::Number;
use super::{POSTERS, Shared};

const COMMAND: &str = "callbackAfterSendSingleMsgCommand";
const CHATS: usize = 48;
/// The pause after each message. What is posted must not be more than a debug build on two cores delivers.
const PAUSE: Duration = Duration::from_millis(5);

/// Posts to the chats of a poster, one after the other, until the chaos ends.
pub(super) fn post(shared: &Shared, poster: usize) {
    let chats = (poster..CHATS).step_by(POSTERS).cycle();
    let mut client = None;
    for chat in chats {
        if shared.ended.load(Ordering::Relaxed) {
            return;
        }
        thread::sleep(PAUSE);
        if client.is_none() {
            let address = *shared.address();
            client = address.and_then(|address| Client::try_connect(address).ok());
        }
        let Some(connection) = &mut client else { continue };
        let number = shared.ledger().next(chat);
        match connection.try_send(&message(chat, number)) {
            Ok(response) if response.verdict(Style::Path).is_allow() => {
                shared.ledger().acknowledge(chat, number);
            }
            Ok(response) => panic!("an event is refused: {response:?}"),
            Err(_) => client = None,
        }
    }
}

/// A message between the two of a chat, who take turns.
fn message(chat: usize, number: Number) -> Request {
    let (left, right) = (format!("left{chat}"), format!("right{chat}"));
    let (from, to) = if number.is_multiple_of(2) { (left, right) } else { (right, left) };
    let content = format!("{chat} {number}");
    let body = json!({ "sendID": from, "recvID": to, "content": content });
    Request::callback(Style::Path, COMMAND, &body)
}
