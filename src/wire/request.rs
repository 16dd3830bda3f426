//! Requests to the kernel: one message, one datagram.

use netlink_packet_core::{NLM_F_ACK, NLM_F_REQUEST};

use super::frame;
use crate::message_type::MessageType;

/// Writes a request with the flag `NLM_F_ACK`.
///
/// Every request has the flag, because the kernel does not answer a successful request without it. A
/// datagram holds one request, because the kernel confuses the sequence numbers of several.
pub(crate) fn request(message_type: MessageType, sequence: u32, payload: &[u8]) -> Vec<u8> {
    frame::emit(message_type, NLM_F_REQUEST | NLM_F_ACK, sequence, payload)
}

/// Writes the payload of a user-space message: the text and a final NUL.
///
/// The kernel overwrites the last byte with NUL, so without a final NUL the text loses its last byte.
///
/// Source: `kernel/audit.c`, `audit_receive_msg`.
pub(crate) fn user_text(text: &[u8]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(text.len() + 1);
    payload.extend_from_slice(text);
    payload.push(0);
    payload
}

/// Writes the payload of a request to watch a subtree like its mount point: two lengths, then two paths.
///
/// Source: `kernel/audit.c`, `audit_receive_msg`, `AUDIT_MAKE_EQUIV`.
pub(crate) fn equivalence(mount: &[u8], subtree: &[u8]) -> Vec<u8> {
    let length = |path: &[u8]| u32::try_from(path.len()).unwrap_or(u32::MAX).to_ne_bytes();
    [&length(mount)[..], &length(subtree), mount, subtree].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_these_bytes() {
        let bytes = request(MessageType::GET, 7, &[1, 2]);
        let mut expected = Vec::new();
        expected.extend(18_u32.to_ne_bytes());
        expected.extend(1000_u16.to_ne_bytes());
        expected.extend(5_u16.to_ne_bytes()); // NLM_F_REQUEST | NLM_F_ACK
        expected.extend(7_u32.to_ne_bytes());
        expected.extend([0; 4]); // the kernel fills in the port
        expected.extend([1, 2]);
        assert_eq!(bytes, expected);
    }

    #[test]
    fn user_text_ends_in_nul() {
        assert_eq!(user_text(b"op=x"), b"op=x\0");
    }

    #[test]
    fn the_lengths_of_an_equivalence_precede_its_paths() {
        let expected = [&4_u32.to_ne_bytes()[..], &6_u32.to_ne_bytes(), b"/mnt/other"].concat();
        assert_eq!(equivalence(b"/mnt", b"/other"), expected);
    }
}
