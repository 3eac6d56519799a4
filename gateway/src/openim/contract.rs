//! The table of OpenIM's callbacks, generated from `proto/`.

use crate::openim::exchange::Exchange;

/// One of OpenIM's callbacks.
#[derive(Debug)]
pub struct Callback {
    /// The rpc that stands for it; also its index in [`CALLBACKS`].
    pub rpc: Rpc,
    /// The name of that rpc.
    pub name: &'static str,
    /// Its command in today's servers.
    pub command: &'static str,
    /// Its key in OpenIM's webhooks.yml, and in the gateway's settings.
    pub setting: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// A body as OpenIM sends it. It lacks the members that only some servers or clients send.
    pub sample: &'static str,
    /// The keys of all members that a body may have, besides its command. Others are ignored.
    pub members: &'static [&'static str],
    /// From its JSON to its rpc's messages, and back.
    pub exchange: Exchange,
    /// The edits whose counterpart in the request is not the whole member of the same key, by their keys in the reply.
    pub counterparts: &'static [(&'static str, Counterpart)],
}

impl Callback {
    /// The entry of [`Self::counterparts`] for an edit, by its key in the reply.
    #[must_use]
    pub fn counterpart(&self, reply: &str) -> Option<&'static Counterpart> {
        self.counterparts.iter().find(|(key, _)| *key == reply).map(|(_, counterpart)| counterpart)
    }
}

/// The part of a request that an edit replaces.
#[derive(Debug)]
pub enum Counterpart {
    /// The member with this key.
    Member(&'static str),
    /// The members that lie beside the request's others, and that the edit has in an object of its own.
    Beside,
    /// Entries of a list.
    Entries {
        /// The list's key.
        list: &'static str,
        /// The key that identifies an entry in both lists.
        key: &'static str,
        /// The keys of all members that an entry of the request may have. Others are ignored.
        members: &'static [&'static str],
        /// True if the gateway completes the edit with the request's entries and values.
        whole: bool,
    },
}

/// The kind of a callback, by its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Before something happens; the answer may refuse or edit.
    Before,
    /// After something has happened; the answer changes nothing.
    After,
}

pub use generated::{CALLBACKS, Rpc, find};

#[allow(clippy::clone_on_copy, unused_mut, unused_variables)]
mod generated {
    use std::borrow::Cow;

    use serde::ser::{Serialize, SerializeMap, Serializer};

    use super::{Callback, Counterpart, Kind};
    use crate::openim::edits::{self, Dropped, Response, WrongAnswer};
    use crate::openim::exchange::Exchange;
    use crate::openim::{json, order, v1};

    include!(concat!(env!("OUT_DIR"), "/contract.rs"));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of every after-callback's sample; none if it is unordered.
    const KEYS: [(&str, Option<&str>); 29] = [
        ("afterCreateSingleChatConversations", Some("u1001,u1002")),
        ("afterCreateGroupChatConversations", Some("g2001")),
        ("afterCreateGroup", Some("g2001")),
        ("afterSetGroupMemberInfo", Some("g2001")),
        ("afterQuitGroup", Some("g2001")),
        ("afterKickGroupMember", Some("g2001")),
        ("afterDismissGroup", Some("g2001")),
        ("afterJoinGroup", Some("g2001")),
        ("afterTransferGroupOwner", Some("g2001")),
        ("afterSetGroupInfo", Some("g2001")),
        ("afterSetGroupInfoEx", Some("g2001")),
        ("afterSendSingleMsg", Some("u1001,u1002")),
        ("afterSendGroupMsg", Some("g2001")),
        // No server sends both in one body, as the sample has them.
        ("afterMsgSaveDB", Some("g2001,u1002")),
        ("afterGroupMsgRead", Some("u1001")),
        ("afterSingleMsgRead", Some("si_u1001_u1002")),
        ("afterRevokeMsg", Some("si_u1001_u1002")),
        ("afterAddFriend", Some("u1001,u1002")),
        ("afterAddFriendAgree", Some("u1001,u1002")),
        ("afterDeleteFriend", Some("u1001,u1002")),
        ("afterSetFriendRemark", Some("u1001,u1002")),
        ("afterImportFriends", Some("u1001")),
        ("afterRemoveBlack", Some("u1001,u1002")),
        ("afterUserRegister", None),
        ("afterUpdateUserInfo", Some("u1001")),
        ("afterUpdateUserInfoEx", Some("u1001")),
        ("afterUserOnline", Some("u1001")),
        ("afterUserOffline", Some("u1001")),
        ("afterUserKickOff", Some("u1001")),
    ];

    fn key(callback: &Callback, body: &str) -> Option<String> {
        (callback.exchange.open)(body, "", 100).expect("a body").key
    }

    fn of(kind: Kind) -> impl Iterator<Item = &'static Callback> {
        CALLBACKS.iter().filter(move |callback| callback.kind == kind)
    }

    #[test]
    fn every_after_callback_has_its_key() {
        let keys: Vec<_> = of(Kind::After).map(|c| (c.setting, key(c, c.sample))).collect();
        let keys: Vec<_> = keys.iter().map(|(setting, key)| (*setting, key.as_deref())).collect();
        assert_eq!(keys, KEYS);
    }

    #[test]
    fn no_before_callback_has_a_key() {
        for callback in of(Kind::Before) {
            assert_eq!(key(callback, callback.sample), None, "{}", callback.name);
        }
    }

    #[test]
    fn a_body_without_values_has_no_key() {
        for callback in of(Kind::After) {
            assert_eq!(key(callback, "{}"), None, "{}", callback.name);
        }
    }

    #[test]
    fn all_that_happens_in_a_conversation_has_one_key_as_far_as_bodies_tell() {
        for (setting, body, expected) in [
            ("afterSendSingleMsg", r#"{"sendID":"b","recvID":"a"}"#, "a,b"),
            ("afterSendSingleMsg", r#"{"sendID":"a","recvID":"b"}"#, "a,b"),
            ("afterDeleteFriend", r#"{"ownerUserID":"b","friendUserID":"a"}"#, "a,b"),
            ("afterSendGroupMsg", r#"{"sendID":"a","groupID":"g","recvID":"b"}"#, "g"),
            ("afterMsgSaveDB", r#"{"sendID":"a","groupID":"g","recvID":""}"#, "g"),
            ("afterMsgSaveDB", r#"{"sendID":"a","groupID":"","recvID":"b"}"#, "b"),
        ] {
            let callback = CALLBACKS.iter().find(|callback| callback.setting == setting);
            let key = key(callback.expect("a callback"), body);
            assert_eq!(key.as_deref(), Some(expected), "{setting}: {body}");
        }
    }
}
