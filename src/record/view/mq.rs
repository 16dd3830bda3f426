//! The records of POSIX message queues: `MQ_OPEN`, `MQ_SENDRECV`, `MQ_NOTIFY`, `MQ_GETSETATTR`.

use super::view;
use crate::constants::{Flags, Mode, Signal};
use crate::record::schema::{DECIMAL, HEX, Kind, Radix};

view! {
    /// An `MQ_*` record: the details of a system call on a POSIX message queue.
    ///
    /// The limits are `long` in the kernel, and the caller chooses them: they can be negative.
    ///
    /// Source: `kernel/auditsc.c`, `show_special`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = b"audit(1700000000.123:30): oflag=0x42 mode=0600 mq_flags=0x0 mq_maxmsg=10 mq_msgsize=8192 mq_curmsgs=0";
    /// let record = Record::parse(MessageType::MQ_OPEN, text)?;
    /// let view = record.as_mq().ok_or("another type")?;
    /// assert_eq!((view.max_messages(), view.message_size()), (Some(10), Some(8192)));
    /// assert!(view.open_flags().is_some_and(|flags| flags.contains("O_CREAT")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_MQ_OPEN")]
    #[doc(alias = "AUDIT_MQ_SENDRECV")]
    #[doc(alias = "AUDIT_MQ_NOTIFY")]
    #[doc(alias = "AUDIT_MQ_GETSETATTR")]
    Mq, as_mq, "an `MQ_*` record", [MQ_OPEN, MQ_SENDRECV, MQ_NOTIFY, MQ_GETSETATTR];
    "mqdes": Kind::Signed => descriptor -> i32,
        "Returns the queue's descriptor; `None` for `MQ_OPEN`.";
    "oflag": Kind::OpenFlags(Radix::Hex) => open_flags -> Flags, "Returns the flags of `mq_open`.";
    "mode": Kind::Permissions(Radix::Octal) => mode -> Mode,
        "Returns the permissions of a new queue.";
    "mq_flags": HEX;
    "mq_maxmsg": Kind::Signed => max_messages -> i64,
        "Returns the maximum number of messages in the queue.";
    "mq_msgsize": Kind::Signed => message_size -> i64,
        "Returns the maximum size of a message in bytes.";
    "mq_curmsgs": Kind::Signed => current_messages -> i64,
        "Returns the number of messages in the queue.";
    "msg_len": Kind::Signed => message_length -> i64,
        "Returns the length of the message that was sent or received, in bytes.";
    "msg_prio": DECIMAL => priority -> u32, "Returns the priority of the message.";
    "abs_timeout_sec": Kind::Signed;
    "abs_timeout_nsec": Kind::Signed;
    "sigev_signo": Kind::Signal(Radix::Decimal) => signal -> Signal,
        "Returns the signal that `mq_notify` requests.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message_type::MessageType;
    use crate::record::Interpretation;
    use crate::record::view::tests::record;

    // `kernel/auditsc.c`, `show_special`: "mq_maxmsg=%ld mq_msgsize=%ld mq_curmsgs=%ld"
    #[test]
    fn limits_of_a_queue_are_signed_numbers() {
        let body = "oflag=0x42 mode=0600 mq_flags=0x0 mq_maxmsg=10 mq_msgsize=-1 mq_curmsgs=0";
        let record = record(MessageType::MQ_OPEN, body);
        let view = record.as_mq().expect("a view");
        assert_eq!((view.max_messages(), view.message_size()), (Some(10), Some(-1)));
        assert_eq!(record.interpret("mq_maxmsg"), Some(Interpretation::Signed(10)));
        assert_eq!(record.interpret("mq_msgsize"), Some(Interpretation::Signed(-1)));
    }

    #[test]
    fn the_requested_signal_has_a_name() {
        let mq = record(MessageType::MQ_NOTIFY, "mqdes=3 sigev_signo=10").as_mq().expect("a view");
        assert_eq!(mq.signal().and_then(Signal::name), Some("SIGUSR1"));
    }
}
