//! The part of a call that travels beside its message: deadline and metadata.

use std::time::Duration;

use http::header::{
    AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TE, USER_AGENT,
};
use tokio::time::Instant;

use crate::decider::Decider;

/// The deadline and the metadata of a call, and the use of its outcome.
#[derive(Clone, Debug)]
pub struct Context {
    /// The metadata of this call; that of gRPC itself, `user-agent` and `authorization` are added.
    ///
    /// A value that hardly comes twice is to be marked as sensitive. It must not fill the table of HPACK: it would push
    /// out values that do come twice, and h2 looks through all values of a name. It is indexed on a connection's first
    /// call only, which brings the name into the table.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The end of the call, which the decider is told as `grpc-timeout`.
    pub deadline: Instant,
    /// True if the outcome moves the circuit to the endpoint: a failure opens it, a success closes it.
    pub counts: bool,
}

static TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
/// Of a time that is left, in milliseconds, whole multiples are nearly always all of a call's time, which comes again.
const COMMON: u128 = 100;
const ALMOST_A_MILLISECOND: Duration = Duration::from_nanos(999_999);

impl Context {
    /// The headers of a call that is sent now.
    pub(crate) fn headers(&self, decider: &Decider, now: Instant, first: bool) -> HeaderMap {
        let left = self.deadline.saturating_duration_since(now) + ALMOST_A_MILLISECOND;
        let left = left.as_millis();
        let mut timeout = milliseconds(left);
        timeout.set_sensitive(!first && !left.is_multiple_of(COMMON));
        let mut headers = HeaderMap::with_capacity(12);
        headers.insert(&TIMEOUT, timeout);
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(USER_AGENT, decider.user_agent.clone());
        if let Some(token) = decider.token() {
            headers.insert(AUTHORIZATION, token);
        }
        for (name, value) in &self.headers {
            let mut value = value.clone();
            value.set_sensitive(value.is_sensitive() && !first);
            headers.append(name, value);
        }
        headers
    }
}

/// A time as gRPC writes it: whole milliseconds, of eight digits at most.
fn milliseconds(number: u128) -> HeaderValue {
    let mut number = u32::try_from(number).unwrap_or(u32::MAX).min(99_999_999);
    let (mut text, mut first) = ([b'm'; 9], 8);
    loop {
        first -= 1;
        text[first] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return HeaderValue::from_bytes(&text[first..]).expect("digits and a letter");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::decider::test_decider;

    /// The names whose values are not indexed by HPACK.
    fn unindexed(headers: &HeaderMap) -> Vec<&str> {
        let sensitive = headers.iter().filter(|(_, value)| value.is_sensitive());
        sensitive.map(|(name, _)| name.as_str()).collect()
    }

    #[tokio::test]
    async fn values_that_hardly_come_twice_are_indexed_on_a_connection_s_first_call_only() {
        let (decider, now) = (test_decider(Config::default()), Instant::now());
        let mut id = HeaderValue::from_static("1");
        id.set_sensitive(true);
        let headers = vec![
            (HeaderName::from_static("id"), id),
            (HeaderName::from_static("command"), HeaderValue::from_static("c")),
        ];
        let context =
            |left| Context { headers: headers.clone(), deadline: now + left, counts: true };
        let whole = context(Duration::from_millis(1_999) + Duration::from_micros(1));
        let part = context(Duration::from_millis(1_998));
        for (context, first, expected) in [
            (&whole, true, &[][..]),
            (&whole, false, &["id"]),
            (&part, true, &[]),
            (&part, false, &["grpc-timeout", "id"]),
        ] {
            assert_eq!(unindexed(&context.headers(&decider, now, first)), expected, "{context:?}");
        }
        assert_eq!(whole.headers(&decider, now, true)["grpc-timeout"], "2000m");
        assert_eq!(whole.headers(&decider, now, true)["user-agent"], "test");
    }

    #[test]
    fn a_timeout_has_eight_digits_at_most() {
        for (number, text) in [(0, "0m"), (7, "7m"), (2_000, "2000m"), (u128::MAX, "99999999m")] {
            assert_eq!(milliseconds(number), text);
        }
    }
}
