//! The fields of the messages that user-space programs send.

use super::{Kind, common};
use crate::message_type::MessageType;

/// Returns what a field of a program's message holds; a word if nothing is known of it.
pub(in crate::record) const fn kind(message_type: MessageType, name: &[u8]) -> Kind {
    use MessageType as T;
    match (message_type, name) {
        // a group in records about groups, else a user
        (T::ADD_GROUP | T::DEL_GROUP | T::GRP_MGMT | T::GRP_CHAUTHTOK | T::CHGRP_ID, b"id") => {
            Kind::Group
        }
        (_, b"id") => Kind::User,
        (_, b"data") => Kind::Keystrokes,
        // programs spell these as they like
        (
            _,
            b"saddr" | b"family" | b"proto" | b"code" | b"flags" | b"mode" | b"perm" | b"list"
            | b"fp",
        ) => Kind::Word,
        (
            _,
            b"acct" | b"cmd" | b"vm" | b"grp" | b"new_group" | b"old-disk" | b"new-disk"
            | b"old-chardev" | b"new-chardev" | b"old-fs" | b"new-fs" | b"old-net" | b"new-net"
            | b"old-rng" | b"new-rng" | b"device" | b"sw" | b"root_dir",
        ) => Kind::Text,
        _ => match common::kind(name) {
            Some(kind) => kind,
            None => Kind::Word,
        },
    }
}
