//! Records with the details of particular calls.

use super::path::mode;
use super::security::word;
use super::syscall::text;
use super::{getters, view};
use crate::bytestr::ByteStr;
use crate::constants::{
    Flags, MAP_FLAGS, Mode, NETFILTER_FAMILIES, Named, OPEN_FLAGS, RESOLVE_FLAGS, Signal,
};
use crate::message_type::MessageType;
use crate::record::Value;

view! {
    /// An `MMAP` record: a file was mapped into memory.
    ///
    /// Source: `kernel/auditsc.c`, `show_special`.
    Mmap, as_mmap, "an `MMAP` record", record, record.message_type() == MessageType::MMAP
}

getters! {
    Mmap {
        descriptor, "fd", Value::decimal => i32, "Returns the file's descriptor.";
        flags, "flags", |value: Value<'a>| flags(value.hexadecimal(), &MAP_FLAGS) => Flags,
            "Returns the flags.";
    }
}

view! {
    /// An `FD_PAIR` record: the two descriptors of `pipe` or `socketpair`.
    ///
    /// Source: `kernel/auditsc.c`, `audit_log_exit`.
    FdPair, as_fd_pair, "an `FD_PAIR` record", record,
    record.message_type() == MessageType::FD_PAIR
}

getters! {
    FdPair {
        first, "fd0", Value::decimal => i32, "Returns the first descriptor.";
        second, "fd1", Value::decimal => i32, "Returns the second descriptor.";
    }
}

view! {
    /// An `IPC` or `IPC_SET_PERM` record: the owner of an object of System V IPC, and what it is
    /// changed to.
    ///
    /// Source: `kernel/auditsc.c`, `show_special`.
    Ipc, as_ipc, "an `IPC` or `IPC_SET_PERM` record", record,
    matches!(record.message_type(), MessageType::IPC | MessageType::IPC_SET_PERM)
}

getters! {
    Ipc {
        owner, "ouid", Value::id => u32, "Returns the owner.";
        group, "ogid", Value::id => u32, "Returns the group.";
        mode, "mode", mode => Mode, "Returns the permissions.";
        queue_bytes, "qbytes", Value::hexadecimal => u64,
            "Returns the limit of a message queue in bytes, where it is set.";
    }
}

view! {
    /// An `MQ_*` record: the details of a call on POSIX message queues.
    ///
    /// Source: `kernel/auditsc.c`, `show_special`.
    Mq, as_mq, "an `MQ_*` record", record, matches!(record.message_type().number(), 1312..=1315)
}

getters! {
    Mq {
        descriptor, "mqdes", Value::decimal => i32,
            "Returns the queue's descriptor; absent for `MQ_OPEN`.";
        open_flags, "oflag", |value: Value<'a>| flags(value.hexadecimal(), &OPEN_FLAGS) => Flags,
            "Returns the flags of `mq_open`.";
        mode, "mode", mode => Mode, "Returns the permissions of a new queue.";
        max_messages, "mq_maxmsg", Value::decimal => u64, "Returns how many messages it holds.";
        message_size, "mq_msgsize", Value::decimal => u64,
            "Returns the size of a message in bytes.";
        message_length, "msg_len", Value::decimal => u64,
            "Returns the length of the message that was sent or received, in bytes.";
        priority, "msg_prio", Value::decimal => u32, "Returns the priority of the message.";
        signal, "sigev_signo", |value: Value<'a>| value.decimal().map(Signal::new) => Signal,
            "Returns the signal that `mq_notify` asks for.";
    }
}

view! {
    /// A `KERN_MODULE` record: a module was loaded or removed.
    ///
    /// Source: `kernel/auditsc.c`, `show_special`.
    KernModule, as_kern_module, "a `KERN_MODULE` record", record,
    record.message_type() == MessageType::KERN_MODULE
}

getters! {
    KernModule {
        name, "name", text => ByteStr<'a>, "Returns the module's name.";
    }
}

view! {
    /// A `TIME_INJOFFSET` or `TIME_ADJNTPVAL` record: the clock was set or its course changed.
    ///
    /// Source: `kernel/auditsc.c`, `audit_log_time`.
    TimeAdj, as_time_adj, "a `TIME_*` record", record,
    matches!(record.message_type(), MessageType::TIME_INJOFFSET | MessageType::TIME_ADJNTPVAL)
}

getters! {
    TimeAdj {
        seconds, "sec", Value::decimal => i64, "Returns the seconds by which it was set.";
        nanoseconds, "nsec", Value::decimal => i64,
            "Returns the nanoseconds by which it was set, beside the seconds.";
        op, "op", word => &'a [u8],
            "Returns what was changed: `offset`, `freq`, `status`, `adjust`, `tick` or `tai`.";
        old_value, "old", Value::decimal => i64,
            "Returns the value before, in the kernel's unit.";
        new_value, "new", Value::decimal => i64, "Returns the value after.";
    }
}

view! {
    /// A `BPF` record: a program was loaded into the kernel, or is gone (Linux 5.15).
    ///
    /// Source: `kernel/bpf/syscall.c`, `bpf_audit_prog`.
    Bpf, as_bpf, "a `BPF` record", record, record.message_type() == MessageType::BPF
}

getters! {
    Bpf {
        program, "prog-id", Value::decimal => u32, "Returns the program's number.";
        op, "op", word => &'a [u8], "Returns what happened: `LOAD` or `UNLOAD`.";
    }
}

view! {
    /// A `NETFILTER_CFG` record: a table of packet filter rules was changed.
    ///
    /// Source: `net/netfilter/x_tables.c`, `net/netfilter/nf_tables_api.c`.
    NetfilterCfg, as_netfilter_cfg, "a `NETFILTER_CFG` record", record,
    record.message_type() == MessageType::NETFILTER_CFG
}

getters! {
    NetfilterCfg {
        family, "family",
            |value: Value<'a>| Some(Named::new(value.decimal()?, &NETFILTER_FAMILIES)) => Named,
            "Returns the protocol family.";
        entries, "entries", Value::decimal => u32, "Returns how many entries are concerned.";
        op, "op", word => &'a [u8], "Returns the operation (Linux 5.7).";
        pid, "pid", Value::decimal => u32,
            "Returns the thread that did it (Linux 5.7): its own id, not that of its process.";
        comm, "comm", text => ByteStr<'a>, "Returns the name of the thread (Linux 5.7).";
    }
}

impl<'a> NetfilterCfg<'a> {
    /// Returns the name of the table.
    #[must_use]
    pub fn table(&self) -> Option<&'a [u8]> {
        self.divided().map(|(table, _)| table)
    }

    /// Returns the generation of nftables' rules, from `table=NAME:GENERATION;…`.
    #[must_use]
    pub fn generation(&self) -> Option<u32> {
        self.divided().and_then(|(_, generation)| Value::Bare(generation?).decimal())
    }

    fn divided(&self) -> Option<(&'a [u8], Option<&'a [u8]>)> {
        let table = self.record.field("table")?.bytes();
        let first = table.split(|byte| *byte == b';').next().unwrap_or(table);
        Some(match memchr::memrchr(b':', first) {
            Some(at) => (first.get(..at)?, first.get(at + 1..)),
            None => (first, None),
        })
    }
}

view! {
    /// An `OPENAT2` record: how a file was to be opened (Linux 5.16).
    ///
    /// Source: `kernel/auditsc.c`, `show_special`.
    OpenHow, as_open_how, "an `OPENAT2` record", record,
    record.message_type() == MessageType::OPENAT2
}

getters! {
    OpenHow {
        flags, "oflag", |value: Value<'a>| flags(value.octal(), &OPEN_FLAGS) => Flags,
            "Returns the flags, which this record writes in octal.";
        mode, "mode", mode => Mode, "Returns the permissions of a new file.";
        resolve, "resolve", |value: Value<'a>| flags(value.hexadecimal(), &RESOLVE_FLAGS) => Flags,
            "Returns how the path is confined.";
    }
}

view! {
    /// A `SOCKETCALL` record: the arguments of a call on sockets on machines where these are one
    /// system call, such as i386.
    ///
    /// Source: `kernel/auditsc.c`, `show_special`.
    SocketCall, as_socket_call, "a `SOCKETCALL` record", record,
    record.message_type() == MessageType::SOCKETCALL
}

impl SocketCall<'_> {
    /// Returns the arguments, `a0` to `a5`.
    #[must_use]
    pub fn arguments(&self) -> Vec<u64> {
        let is_argument = |name: &[u8]| matches!(name, [b'a', b'0'..=b'9']);
        let fields = self.record.fields().filter(|field| is_argument(field.name));
        fields.filter_map(|field| field.value.hexadecimal()).collect()
    }
}

view! {
    /// A `DM_CTRL` or `DM_EVENT` record of the device mapper (Linux 5.16).
    ///
    /// Source: `drivers/md/dm-audit.c`.
    DeviceMapper, as_device_mapper, "a `DM_*` record", record,
    matches!(record.message_type(), MessageType::DM_CTRL | MessageType::DM_EVENT)
}

getters! {
    DeviceMapper {
        module, "module", word => &'a [u8], "Returns the target's module, such as `verity`.";
        op, "op", word => &'a [u8], "Returns the operation.";
        device, "dev", Value::decimal_device => (u32, u32), "Returns major and minor number.";
        sector, "sector", Value::decimal => u64, "Returns the sector, for an event.";
        result, "res", Value::boolean => bool, "Returns whether it succeeded.";
    }
}

fn flags(bits: Option<u64>, names: &'static crate::constants::FlagNames) -> Option<Flags> {
    bits.map(|bits| Flags::new(bits, names))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Interpretation, Record};

    fn record(message_type: MessageType, body: &str) -> Record<'static> {
        let text: &'static str = format!("audit(1.000:2): {body}").leak();
        Record::parse(message_type, text.as_bytes()).expect("a head")
    }

    #[test]
    fn tables_of_packet_filters() {
        let old = record(MessageType::NETFILTER_CFG, "table=nat family=2 entries=5");
        let old = old.as_netfilter_cfg().expect("a view");
        assert_eq!((old.table(), old.entries(), old.op()), (Some(&b"nat"[..]), Some(5), None));
        assert_eq!((old.family().and_then(Named::name), old.generation()), (Some("ipv4"), None));
        let new = record(
            MessageType::NETFILTER_CFG,
            r#"table=filter:3;?:0 family=10 entries=2 op=nft_register_chain pid=9 subj=x comm="nft""#,
        );
        let view = new.as_netfilter_cfg().expect("a view");
        assert_eq!((view.table(), view.generation()), (Some(&b"filter"[..]), Some(3)));
        assert_eq!(view.op(), Some(&b"nft_register_chain"[..]));
        assert_eq!(new.field("table").map(Value::bytes), Some(&b"filter:3;?:0"[..]));
    }

    #[test]
    fn a_hyphen_in_a_name() {
        let bpf = record(MessageType::BPF, "prog-id=75 op=LOAD");
        let view = bpf.as_bpf().expect("a view");
        assert_eq!((view.program(), view.op()), (Some(75), Some(&b"LOAD"[..])));
    }

    #[test]
    fn the_arguments_of_a_socket_call() {
        let call = record(MessageType::SOCKETCALL, "nargs=3 a0=2 a1=1 a2=dad");
        assert_eq!(call.as_socket_call().map(|call| call.arguments()), Some(vec![2, 1, 0xdad]));
    }

    #[test]
    fn the_same_name_with_another_meaning() {
        let shown = |message_type, body: &str, field| {
            record(message_type, body).interpret(field).map(|meaning| meaning.to_string())
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(shown(MessageType::MMAP, "fd=3 flags=0x2", "flags"), some("MAP_PRIVATE"));
        assert_eq!(shown(MessageType::MQ_OPEN, "oflag=0x42", "oflag"), some("O_RDWR|O_CREAT"));
        assert_eq!(shown(MessageType::OPENAT2, "oflag=0102", "oflag"), some("O_RDWR|O_CREAT"));
        assert_eq!(shown(MessageType::NETFILTER_CFG, "family=10", "family"), some("ipv6"));
        assert_eq!(shown(MessageType::NETFILTER_PKT, "proto=6", "proto"), some("tcp"));
        assert_eq!(shown(MessageType::NETFILTER_PKT, "saddr=10.0.0.1", "saddr"), some("10.0.0.1"));
        assert_eq!(
            shown(MessageType::LANDLOCK_DOMAIN, "mode=enforcing", "mode"),
            some("enforcing")
        );
        assert_eq!(shown(MessageType::IPC, "mode=0666", "mode"), some("0666"));
        assert_eq!(shown(MessageType::PATH, "mode=0100644", "mode"), some("file,644"));
        assert_eq!(shown(MessageType::CONFIG_CHANGE, "list=4", "list"), some("exit"));
        let id = |message_type, body: &str| {
            let record = record(message_type, body);
            let meanings = record.as_user_message().expect("a program's").interpretations();
            meanings.map(|(_, meaning)| meaning).next()
        };
        let group = "pid=1 msg='id=1'";
        assert_eq!(id(MessageType::ADD_GROUP, group), Some(Interpretation::Group(Some(1))));
        assert_eq!(id(MessageType::ADD_USER, group), Some(Interpretation::User(Some(1))));
    }

    #[test]
    fn details_of_calls() {
        let mq = record(MessageType::MQ_NOTIFY, "mqdes=3 sigev_signo=10").as_mq().expect("a view");
        assert_eq!(mq.signal().and_then(Signal::name), Some("SIGUSR1"));
        let pair = record(MessageType::FD_PAIR, "fd0=3 fd1=4").as_fd_pair().expect("a view");
        assert_eq!((pair.first(), pair.second()), (Some(3), Some(4)));
        let time = record(MessageType::TIME_ADJNTPVAL, "op=offset old=0 new=-5");
        let time = time.as_time_adj().expect("a view");
        assert_eq!(
            (time.op(), time.old_value(), time.new_value()),
            (Some(&b"offset"[..]), Some(0), Some(-5))
        );
        let ipc = record(MessageType::IPC_SET_PERM, "qbytes=4000 ouid=0 ogid=0 mode=0600");
        let ipc = ipc.as_ipc().expect("a view");
        assert_eq!((ipc.queue_bytes(), ipc.mode()), (Some(0x4000), Some(Mode::new(0o600))));
        let how = record(MessageType::OPENAT2, "oflag=0100102 mode=0600 resolve=0x8");
        let how = how.as_open_how().expect("a view");
        assert!(how.resolve().is_some_and(|flags| flags.contains("RESOLVE_BENEATH")));
        assert_eq!(
            how.flags().map(|flags| flags.to_string()).as_deref(),
            Some("O_RDWR|O_CREAT|O_LARGEFILE")
        );
        let module = record(MessageType::KERN_MODULE, r#"name="dummy""#);
        assert_eq!(module.as_kern_module().and_then(|m| m.name()).as_deref(), Some(&b"dummy"[..]));
        let dm = record(
            MessageType::DM_CTRL,
            "module=verity op=ctr dev=252:3 error_msg='success' res=1",
        );
        assert_eq!(dm.as_device_mapper().and_then(|dm| dm.device()), Some((252, 3)));
        assert_eq!(dm.interpret("error_msg"), Some(Interpretation::Text(b"success".into())));
        assert_eq!(dm.interpret("dev"), Some(Interpretation::Device { major: 252, minor: 3 }));
    }
}
