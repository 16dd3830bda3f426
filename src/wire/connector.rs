//! Messages of the process connector, which reports every task that is created or exits.
//!
//! A datagram is a netlink header of 16 bytes, a connector header of 20 (`struct cn_msg`), and the
//! event of 40 (`struct proc_event`; 24 to 40 in older kernels), all in host byte order.
//!
//! Source: `include/uapi/linux/connector.h`, `include/uapi/linux/cn_proc.h`,
//! `drivers/connector/cn_proc.c`.

use std::time::Duration;

use crate::decode::{Cursor, DecodeError};

/// A message of the process connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// The sequence number, which has gaps only if messages were lost. Each CPU has its own.
    pub(crate) sequence: u32,
    /// The CPU that sent the message.
    pub(crate) cpu: u32,
    /// The time of the event on the kernel's monotonic clock.
    pub(crate) monotonic: Duration,
    pub(crate) event: TaskEvent,
}

/// What happened to a task. All PIDs are those of the initial pid namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TaskEvent {
    /// The task was created; `parent` is the PID of its parent process.
    Fork { parent: u32, task: u32, process: u32 },
    /// The process executed a program.
    Exec { process: u32 },
    /// The task exited; `status` is that of wait(2).
    Exit { task: u32, process: u32, status: i32 },
    /// The answer to a request, with an errno.
    Answer { errno: u32 },
    /// Another event, such as a change of the user or of the command.
    Other,
}

impl Message {
    pub(crate) fn parse(datagram: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(datagram, "a message of the process connector");
        cursor.bytes(16)?;
        let (index, value, sequence) = (cursor.u32()?, cursor.u32()?, cursor.u32()?);
        if (index, value) != (CN_IDX_PROC, CN_VAL_PROC) {
            let what = "the connector's address";
            return Err(DecodeError::Impossible { what, value: u64::from(index) });
        }
        cursor.bytes(8)?; // an acknowledgement, a length and flags
        let (what, cpu) = (cursor.u32()?, cursor.u32()?);
        let nanos = cursor.u64()?;
        let event = match what {
            PROC_EVENT_NONE => TaskEvent::Answer { errno: cursor.u32()? },
            PROC_EVENT_FORK => {
                let (_, parent) = (cursor.u32()?, cursor.u32()?);
                TaskEvent::Fork { parent, task: cursor.u32()?, process: cursor.u32()? }
            }
            PROC_EVENT_EXEC => {
                let (_, process) = (cursor.u32()?, cursor.u32()?);
                TaskEvent::Exec { process }
            }
            PROC_EVENT_EXIT => {
                let (task, process) = (cursor.u32()?, cursor.u32()?);
                TaskEvent::Exit { task, process, status: cursor.i32()? }
            }
            _ => TaskEvent::Other,
        };
        Ok(Self { sequence, cpu, monotonic: Duration::from_nanos(nanos), event })
    }
}

/// Writes the request to start or stop sending messages.
pub(crate) fn request(listen: bool) -> Vec<u8> {
    let operation = if listen { PROC_CN_MCAST_LISTEN } else { PROC_CN_MCAST_IGNORE };
    let mut bytes = Vec::with_capacity(40);
    bytes.extend_from_slice(&40_u32.to_ne_bytes());
    bytes.extend_from_slice(&NLMSG_DONE.to_ne_bytes());
    bytes.extend_from_slice(&[0; 10]); // flags, sequence number, port
    for word in [CN_IDX_PROC, CN_VAL_PROC, 0, 0] {
        bytes.extend_from_slice(&word.to_ne_bytes());
    }
    bytes.extend_from_slice(&4_u16.to_ne_bytes());
    bytes.extend_from_slice(&[0; 2]);
    bytes.extend_from_slice(&operation.to_ne_bytes());
    bytes
}

const NLMSG_DONE: u16 = 3;
const CN_IDX_PROC: u32 = 1;
const CN_VAL_PROC: u32 = 1;
const PROC_CN_MCAST_LISTEN: u32 = 1;
const PROC_CN_MCAST_IGNORE: u32 = 2;
const PROC_EVENT_NONE: u32 = 0;
const PROC_EVENT_FORK: u32 = 1;
const PROC_EVENT_EXEC: u32 = 2;
const PROC_EVENT_EXIT: u32 = 0x8000_0000;

#[cfg(test)]
mod tests {
    use super::*;

    /// A message as Linux 6.18 sends it on x86-64, little-endian: a process was killed.
    #[cfg(target_endian = "little")]
    const KILLED: [u8; 76] = {
        let mut bytes = [0; 76];
        bytes[0] = 76;
        bytes[4] = 3;
        bytes[16] = 1;
        bytes[20] = 1;
        bytes[24] = 7; // the sequence number
        bytes[32] = 40;
        bytes[39] = 0x80; // what: PROC_EVENT_EXIT
        bytes[40] = 1; // the CPU
        bytes[45] = 1; // 256 ns
        bytes[52] = 0x46;
        bytes[53] = 0x47;
        bytes[56] = 0x46;
        bytes[57] = 0x47;
        bytes[60] = 9;
        bytes[64] = 17;
        bytes
    };

    #[test]
    #[cfg(target_endian = "little")]
    fn an_exit_by_signal_is_parsed() {
        let message = Message::parse(&KILLED).expect("a message");
        assert_eq!((message.sequence, message.cpu), (7, 1));
        assert_eq!(message.monotonic, Duration::from_nanos(256));
        assert_eq!(message.event, TaskEvent::Exit { task: 18_246, process: 18_246, status: 9 });
        for end in 0..64 {
            assert!(Message::parse(&KILLED[..end]).is_err(), "{end}");
        }
        // older kernels send fewer bytes after the status
        assert!(Message::parse(&KILLED[..64]).is_ok());
        let mut foreign = KILLED;
        foreign[16] = 9;
        assert!(matches!(Message::parse(&foreign), Err(DecodeError::Impossible { .. })));
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn forks_executions_and_answers_are_parsed() {
        let mut bytes = KILLED;
        (bytes[36], bytes[39]) = (1, 0);
        let task = TaskEvent::Fork { parent: 18_246, task: 9, process: 17 };
        assert_eq!(Message::parse(&bytes).expect("a message").event, task);
        bytes[36] = 2;
        let program = TaskEvent::Exec { process: 18_246 };
        assert_eq!(Message::parse(&bytes).expect("a message").event, program);
        bytes[36] = 0;
        let answer = TaskEvent::Answer { errno: 18_246 };
        assert_eq!(Message::parse(&bytes).expect("a message").event, answer);
        bytes[36] = 4;
        assert_eq!(Message::parse(&bytes).expect("a message").event, TaskEvent::Other);
    }

    #[test]
    fn a_request_has_its_length() {
        let bytes = request(true);
        assert_eq!(bytes.len(), 40);
        assert_eq!(bytes.get(..4), Some(&40_u32.to_ne_bytes()[..]));
        assert_eq!(bytes.get(36..), Some(&PROC_CN_MCAST_LISTEN.to_ne_bytes()[..]));
        assert_ne!(bytes, request(false));
    }
}
