//! The part of a call that travels beside its message: deadline and metadata.

use std::iter::once;
use std::time::Duration;

use http::header::{
    AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TE, USER_AGENT,
};
use tokio::time::Instant;

/// The deadline and the metadata of a call, and the effect of its outcome.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The headers of calls of this kind.
    pub headers: &'a Headers,
    /// The values of the `own` headers, in the order of their names in [`Headers::new`]. An empty value omits its
    /// header.
    pub values: &'a [HeaderValue],
    /// Further headers of this call; they replace those of the same name.
    pub more: &'a [(HeaderName, HeaderValue)],
    /// The end of the call, sent to the decider as `grpc-timeout`.
    pub deadline: Instant,
    /// True if the outcome moves the circuit to the endpoint: a failure opens it, a success closes it.
    pub counts: bool,
}

/// The headers of all calls of one kind, made once: to copy them for a call costs half of what it costs to insert them one
/// by one, which is 3 % of a callback.
#[derive(Clone, Debug)]
pub struct Headers {
    /// The first values, of `grpc-timeout` and `own`, are filled in for each call: a map keeps the order in which the
    /// names came.
    map: HeaderMap,
    own: Vec<HeaderName>,
}

static TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const EMPTY: HeaderValue = HeaderValue::from_static("");
/// A remaining time in milliseconds that is a multiple of this is nearly always a whole configured deadline, which
/// recurs.
const COMMON: u128 = 100;
const ALMOST_A_MILLISECOND: Duration = Duration::from_nanos(999_999);

impl Headers {
    /// The headers of gRPC, the `user_agent`, those with `own` names, whose values differ in each call, and `constant`
    /// ones. `authorization` is added to a call if its decider has a token.
    #[must_use]
    pub fn new(
        user_agent: HeaderValue,
        own: &[HeaderName],
        constant: &[(HeaderName, HeaderValue)],
    ) -> Self {
        let mut map = HeaderMap::with_capacity(12);
        map.insert(&TIMEOUT, EMPTY);
        map.extend(own.iter().map(|name| (name.clone(), EMPTY)));
        map.insert(TE, HeaderValue::from_static("trailers"));
        map.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        map.insert(USER_AGENT, user_agent);
        map.extend(constant.iter().cloned());
        Self { map, own: own.to_vec() }
    }
}

impl Context<'_> {
    /// The headers of this call if it is sent now. The `first` one of a connection brings the names of all into the table
    /// of HPACK, with its own values.
    pub(crate) fn headers(
        &self,
        token: Option<HeaderValue>,
        now: Instant,
        first: bool,
    ) -> HeaderMap {
        // A value that hardly recurs must not fill that table: it would evict those that do, and h2 searches all values
        // of a name.
        let unique = |mut value: HeaderValue| {
            value.set_sensitive(!first);
            value
        };
        let left = self.deadline.saturating_duration_since(now) + ALMOST_A_MILLISECOND;
        let timeout = match left.as_millis() {
            left if left.is_multiple_of(COMMON) => milliseconds(left),
            left => unique(milliseconds(left)),
        };
        let Headers { map, own } = self.headers;
        let mut map = map.clone();
        let values = self.values.iter().take(own.len()).cloned().map(unique);
        map.values_mut().zip(once(timeout).chain(values)).for_each(|(slot, value)| *slot = value);
        for (place, name) in own.iter().enumerate() {
            if self.values.get(place).is_none_or(HeaderValue::is_empty) {
                map.remove(name);
            }
        }
        for (name, value) in self.more {
            map.insert(name, value.clone());
        }
        if let Some(token) = token {
            map.insert(AUTHORIZATION, token);
        }
        map
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

    /// The headers of calls that have an id and a trace of their own.
    fn headers() -> Headers {
        let own = [HeaderName::from_static("id"), HeaderName::from_static("trace")];
        let constant = [(HeaderName::from_static("command"), HeaderValue::from_static("c"))];
        Headers::new(HeaderValue::from_static("test"), &own, &constant)
    }

    /// A call with this much time left, as `name: value` in order; values that HPACK is not to index end in `!`.
    fn sent(values: &[&'static str], left: Duration, first: bool) -> Vec<String> {
        let values: Vec<_> = values.iter().map(|value| HeaderValue::from_static(value)).collect();
        let (headers, now) = (headers(), Instant::now());
        let (deadline, more) = (now + left, &[]);
        let context = Context { headers: &headers, values: &values, more, deadline, counts: true };
        let line = |(name, value): (&HeaderName, &HeaderValue)| {
            let end = if value.is_sensitive() { "!" } else { "" };
            format!("{name}: {}{end}", value.to_str().expect("text"))
        };
        context.headers(None, now, first).iter().map(line).collect()
    }

    #[tokio::test]
    async fn each_value_of_a_call_is_at_its_name() {
        let expected = [
            "grpc-timeout: 2000m",
            "id: 7",
            "trace: 8",
            "te: trailers",
            "content-type: application/grpc",
            "user-agent: test",
            "command: c",
        ];
        assert_eq!(sent(&["7", "8"], Duration::from_secs(2), true), expected);
        // A surplus value goes to no other header.
        assert_eq!(sent(&["7", "8", "9"], Duration::from_secs(2), true), expected);
        for values in [&["7", ""][..], &["7"]] {
            let sent = sent(values, Duration::from_secs(2), true);
            assert!(!sent.iter().any(|line| line.starts_with("trace")), "{sent:?}");
            assert_eq!(sent.len(), expected.len() - 1);
        }
    }

    #[tokio::test]
    async fn values_that_hardly_come_twice_are_indexed_on_a_connection_s_first_call_only() {
        let whole = Duration::from_millis(1_999) + Duration::from_micros(1);
        let part = Duration::from_millis(1_998);
        let unindexed = |left, first| {
            let sent = sent(&["7", "8"], left, first);
            sent.into_iter().filter(|line| line.ends_with('!')).collect::<Vec<_>>()
        };
        assert!(unindexed(whole, true).is_empty());
        assert!(unindexed(part, true).is_empty());
        assert_eq!(unindexed(whole, false), ["id: 7!", "trace: 8!"]);
        assert_eq!(unindexed(part, false), ["grpc-timeout: 1998m!", "id: 7!", "trace: 8!"]);
    }

    #[tokio::test]
    async fn a_call_may_have_further_headers_and_a_token() {
        let (headers, now) = (headers(), Instant::now());
        let more = &[(HeaderName::from_static("command"), HeaderValue::from_static("alias"))];
        let context = Context { headers: &headers, values: &[], more, deadline: now, counts: true };
        let sent = context.headers(Some(HeaderValue::from_static("Bearer x")), now, true);
        assert_eq!(sent["command"], "alias");
        assert_eq!(sent["authorization"], "Bearer x");
    }

    #[test]
    fn a_timeout_has_eight_digits_at_most() {
        for (number, text) in [(0, "0m"), (7, "7m"), (2_000, "2000m"), (u128::MAX, "99999999m")] {
            assert_eq!(milliseconds(number), text);
        }
    }
}
