//! Bodies that are too large, too late, or do not come at all.

use std::time::Instant;

use harness::{Request, STYLES, Style};
use serde_json::json;

use super::requests::{Fixture, open};
use super::{ADD_BLACK, DEADLINE, GRACE, soon};

#[test]
fn a_body_over_the_limit_is_refused() {
    let fixture = Fixture::new("[limits]\nbody = 1000");
    let fill = |length: usize| {
        let empty = json!({ "callbackCommand": ADD_BLACK, "x": "" }).to_string().len();
        json!({ "x": "y".repeat(length - empty) })
    };
    for style in STYLES {
        let over = Request::callback(style, ADD_BLACK, &fill(1001));
        assert_eq!(over.body.len(), 1001);
        fixture.refuses(&over, style, 413, "larger than 1000 bytes");
        fixture.refuses(&chunked(&over), style, 413, "larger than 1000 bytes");
        let far_over = Request::callback(style, ADD_BLACK, &fill(3 << 20));
        fixture.refuses(&far_over, style, 413, "larger than 1000 bytes");
        fixture.refuses(&chunked(&far_over), style, 413, "larger than 1000 bytes");
    }
    for style in STYLES {
        let at_it = Request::callback(style, ADD_BLACK, &fill(1000));
        assert!(fixture.gateway.send(&at_it).verdict(style).is_allow());
        assert!(fixture.gateway.send(&chunked(&at_it)).verdict(style).is_allow());
    }
}

#[test]
fn a_body_that_never_ends_is_refused_without_reading_it_all() {
    let fixture = Fixture::new("");
    let head = Request::post(format!("/{ADD_BLACK}"), "").header("Content-Length", "1099511627776");
    let mut client = fixture.gateway.connect();
    client.write(&head.head());
    for _ in 0..32 {
        client.write(&vec![b' '; 1 << 20]);
    }
    fixture.assert_refused(&client.read(), Style::Path, 413, "larger than 1048576 bytes");
}

/// The same request, its body in chunks.
fn chunked(request: &Request) -> Request {
    let chunks = request
        .body
        .chunks(700)
        .flat_map(|chunk| [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
    let body = chunks.chain(*b"0\r\n\r\n").collect();
    Request { body, ..request.clone().header("Transfer-Encoding", "chunked") }
}

#[test]
fn a_body_that_is_not_complete_by_the_deadline_is_refused() {
    let fixture = Fixture::new(&soon(""));
    for style in STYLES {
        let request = Request::callback(style, ADD_BLACK, &json!({}));
        for bytes in [request.head(), request.bytes()[..request.bytes().len() - 1].to_vec()] {
            let began = Instant::now();
            let mut client = fixture.gateway.connect();
            client.write(&bytes);
            fixture.assert_refused(&client.read(), style, 408, "not complete within the deadline");
            let took = began.elapsed();
            assert!((DEADLINE..DEADLINE + GRACE).contains(&took), "{took:?}");
        }
    }
}

#[test]
fn a_body_that_is_cut_off_is_refused() {
    let fixture = open();
    let request = Request::callback(Style::Path, ADD_BLACK, &json!({}));
    let mut client = fixture.gateway.connect();
    client.write(&request.bytes()[..request.bytes().len() - 1]);
    client.finish();
    fixture.assert_refused(&client.read(), Style::Path, 400, "the body could not be read");
}

#[test]
fn a_body_in_broken_chunks_is_refused() {
    let fixture = open();
    let request =
        Request::post(format!("/{ADD_BLACK}"), "x\r\n").header("Transfer-Encoding", "chunked");
    fixture.refuses(&request, Style::Path, 400, "the body could not be read");
}

#[test]
fn a_refused_request_does_not_end_the_connection() {
    let fixture = open();
    let mut client = fixture.gateway.connect();
    for _ in 0..3 {
        assert!(client.send(&Request::post("/x", "[]")).verdict(Style::Path).is_refuse());
        let request = Request::callback(Style::Path, ADD_BLACK, &json!({}));
        assert!(client.send(&request).verdict(Style::Path).is_allow());
    }
}
