//! A record: an after-callback that was understood, with all that its delivery needs.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{BufMut, Bytes, BytesMut};
use http::HeaderValue;
use humantime_serde::re::humantime::{format_rfc3339_millis, parse_rfc3339};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::openim::contract::Callback;
use crate::openim::exchange::PREFIX;

/// An after-callback that was understood. It holds exactly what passes the seam of bytes, so that it can outlive the
/// process.
#[derive(Clone, Debug)]
pub struct Record {
    /// The gateway's id of the callback, the same on every attempt.
    pub id: Uuid,
    /// The callback.
    pub callback: &'static Callback,
    /// The command as OpenIM spelt it.
    pub command: String,
    /// OpenIM's id of the operation; empty if there is none.
    pub operation_id: String,
    /// The caller's place in a distributed trace.
    pub traceparent: Option<HeaderValue>,
    /// Records of one key are delivered one after the other; one without is unordered.
    pub key: Option<String>,
    /// The time when it was received.
    pub received: Millis,
    /// The message with gRPC's prefix.
    pub frame: Bytes,
}

/// A time of the wall clock, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis(pub i64);

impl Record {
    /// The message, without gRPC's prefix.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.frame[PREFIX..]
    }

    /// The bytes that it takes in memory, roughly.
    #[must_use]
    pub fn size(&self) -> usize {
        let key = self.key.as_ref().map_or(0, String::len);
        size_of::<Self>() + self.command.len() + self.operation_id.len() + key + self.frame.len()
    }
}

/// A message as gRPC sends it.
#[must_use]
pub(super) fn framed(payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(PREFIX + payload.len());
    frame.put_u8(0);
    frame.put_u32(u32::try_from(payload.len()).expect("it was framed before"));
    frame.put_slice(payload);
    frame.freeze()
}

impl Millis {
    /// The time now.
    #[must_use]
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// The time since an earlier one; zero if that is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0 - earlier.0).unwrap_or_default())
    }

    /// This much later.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(time.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This much earlier.
    #[must_use]
    pub fn before(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(time.as_millis()).unwrap_or(i64::MAX)))
    }

    /// By RFC 3339, in UTC.
    #[must_use]
    pub fn rfc3339(self) -> String {
        format_rfc3339_millis(self.into()).to_string()
    }
}

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.rfc3339())
    }
}

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_rfc3339(&text).map(Self::from).map_err(D::Error::custom)
    }
}

impl From<SystemTime> for Millis {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

impl From<Millis> for SystemTime {
    fn from(time: Millis) -> Self {
        // The end of the year 9999: what is later has no RFC 3339.
        const LAST: u64 = 253_402_300_799_999;
        UNIX_EPOCH + Duration::from_millis(u64::try_from(time.0).unwrap_or_default().min(LAST))
    }
}
