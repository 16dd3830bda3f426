//! Records of security modules and filters: what was asked for, and what was decided.

use std::net::IpAddr;

use super::syscall::{arch, text};
use super::{getters, view};
use crate::arch::Arch;
use crate::bytestr::ByteStr;
use crate::constants::{
    Capability, CapabilitySet, FANOTIFY_RESPONSES, Named, SECCOMP_ACTIONS, Signal, TRUST,
};
use crate::message_type::MessageType;
use crate::record::label::label;
use crate::record::{Fields, Label, Value};

view! {
    /// A decision of SELinux or AppArmor: an `AVC` record, or a `USER_AVC` record of a program that
    /// asks SELinux itself.
    ///
    /// Both modules use the same type; [`verdict`](Self::verdict) understands both forms.
    ///
    /// Source: `security/selinux/avc.c`, `security/lsm_audit.c`, `security/apparmor/audit.c`.
    Avc, as_avc, "an `AVC` or `USER_AVC` record", record,
    matches!(record.message_type(), MessageType::AVC | MessageType::USER_AVC)
}

impl<'a> Avc<'a> {
    /// Returns the fields of the decision: for `USER_AVC` those that the program wrote.
    #[must_use]
    pub fn fields(&self) -> Fields<'a> {
        match self.record.as_user_message() {
            Some(message) => message.fields(),
            None => self.record.fields(),
        }
    }

    fn field(&self, name: &str) -> Option<Value<'a>> {
        self.fields().find(|field| field.name == name.as_bytes()).map(|field| field.value)
    }

    /// Returns the words before the fields, such as `avc:  denied  { read } for`.
    #[must_use]
    pub fn text(&self) -> Option<&'a [u8]> {
        self.fields().next().filter(|field| field.name.is_empty()).map(|field| field.value.bytes())
    }

    /// Returns whether access was granted; `None` if the record is no decision, but a notice.
    ///
    /// AppArmor's `DENIED` and `KILLED` are denials, `ALLOWED` and `AUDIT` are not.
    #[must_use]
    pub fn verdict(&self) -> Option<bool> {
        if let Some(word) = self.field("apparmor") {
            return match word.bytes() {
                b"DENIED" | b"KILLED" => Some(false),
                b"ALLOWED" | b"AUDIT" => Some(true),
                _ => None,
            };
        }
        let text = self.text()?;
        let mut words = text.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
        words.find_map(|word| match word {
            b"granted" => Some(true),
            b"denied" => Some(false),
            _ => None,
        })
    }

    /// Returns the permissions in question: those in braces, or AppArmor's mask as one word.
    pub fn permissions(&self) -> impl Iterator<Item = &'a [u8]> {
        let inside = self.text().and_then(|text| {
            let start = memchr::memchr(b'{', text)? + 1;
            let end = memchr::memrchr(b'}', text)?;
            text.get(start..end)
        });
        let mask = self.field("requested_mask").map(Value::bytes);
        inside.or(mask).unwrap_or_default().split(|byte| *byte == b' ').filter(|p| !p.is_empty())
    }

    /// Returns whether the policy was only watched and access given all the same (`permissive=1`).
    #[must_use]
    pub fn is_permissive(&self) -> Option<bool> {
        self.field("permissive").and_then(Value::boolean)
    }

    /// Returns the label of who asked, `scontext`.
    #[must_use]
    pub fn subject(&self) -> Option<Label<'a>> {
        self.field("scontext").and_then(label)
    }

    /// Returns the label of what was asked for, `tcontext`.
    #[must_use]
    pub fn target(&self) -> Option<Label<'a>> {
        self.field("tcontext").and_then(label)
    }

    /// Returns the class of what was asked for, such as `file`; for AppArmor `class` or absent.
    #[must_use]
    pub fn class(&self) -> Option<&'a [u8]> {
        self.field("tclass").or_else(|| self.field("class")).map(Value::bytes)
    }

    /// Returns the process that asked.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.field("pid").and_then(Value::decimal)
    }

    /// Returns the name of the thread that asked.
    #[must_use]
    pub fn comm(&self) -> Option<ByteStr<'a>> {
        self.field("comm").and_then(text)
    }

    /// Returns the path or name of the object, where it has one.
    #[must_use]
    pub fn path(&self) -> Option<ByteStr<'a>> {
        self.field("path").or_else(|| self.field("name")).and_then(text)
    }

    /// Returns AppArmor's profile, the label of who asked.
    #[must_use]
    pub fn profile(&self) -> Option<ByteStr<'a>> {
        self.field("profile").and_then(text)
    }

    /// Returns the capability that was asked for, where it is one.
    #[must_use]
    pub fn capability(&self) -> Option<Capability> {
        self.field("capability").and_then(Value::decimal).map(Capability::new)
    }
}

view! {
    /// A `SECCOMP` record: a filter stopped a call, or logged it.
    ///
    /// Source: `kernel/auditsc.c`, `audit_seccomp`.
    Seccomp, as_seccomp, "a `SECCOMP` record", record,
    record.message_type() == MessageType::SECCOMP
}

getters! {
    Seccomp {
        pid, "pid", Value::decimal => u32, "Returns the process.";
        auid, "auid", Value::id => u32, "Returns the user who logged in.";
        uid, "uid", Value::id => u32, "Returns the user.";
        session, "ses", Value::id => u32, "Returns the login session.";
        comm, "comm", text => ByteStr<'a>, "Returns the name of the thread.";
        exe, "exe", text => ByteStr<'a>, "Returns the program.";
        signal, "sig", |value: Value<'a>| value.decimal().map(Signal::new) => Signal,
            "Returns the signal that was sent; `SIG0` if none was.";
        arch, "arch", arch => Arch, "Returns the machine whose call numbers are used.";
        number, "syscall", Value::decimal => u32, "Returns the number of the call.";
        instruction, "ip", Value::hexadecimal => u64, "Returns the address that called.";
        code, "code", Value::hexadecimal => u64,
            "Returns what the filter returned: the action above, its data in the low 16 bits.";
    }
}

impl Seccomp<'_> {
    /// Returns the name of the call on its machine.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        self.arch()?.syscall_name(self.number()?)
    }

    /// Returns what the filter decided.
    #[must_use]
    pub fn action(&self) -> Option<Named> {
        self.code().map(|code| Named::new(code & 0xFFFF_0000, &SECCOMP_ACTIONS))
    }

    /// Returns the filter's own number: the errno for `errno`, a message for `trace`.
    #[must_use]
    pub fn data(&self) -> Option<u16> {
        self.code().and_then(|code| u16::try_from(code & 0xFFFF).ok())
    }
}

view! {
    /// A `CAPSET` record: a process set its capabilities.
    ///
    /// In Linux 6.18.2 and 6.19 `cap_pi` is a copy of the effective set, by a mistake.
    ///
    /// Source: `kernel/auditsc.c`, `__audit_log_capset`.
    Capset, as_capset, "a `CAPSET` record", record, record.message_type() == MessageType::CAPSET
}

getters! {
    Capset {
        pid, "pid", Value::decimal => u32, "Returns the process.";
        inheritable, "cap_pi", capabilities => CapabilitySet, "Returns the inheritable set.";
        permitted, "cap_pp", capabilities => CapabilitySet, "Returns the permitted set.";
        effective, "cap_pe", capabilities => CapabilitySet, "Returns the effective set.";
        ambient, "cap_pa", capabilities => CapabilitySet, "Returns the ambient set.";
    }
}

view! {
    /// A `BPRM_FCAPS` record: a program with capabilities in its file was started.
    ///
    /// Source: `kernel/auditsc.c`, `__audit_log_bprm_fcaps`.
    FileCapabilities, as_file_capabilities, "a `BPRM_FCAPS` record", record,
    record.message_type() == MessageType::BPRM_FCAPS
}

getters! {
    FileCapabilities {
        file_permitted, "fp", capabilities => CapabilitySet, "Returns the file's permitted set.";
        file_inheritable, "fi", capabilities => CapabilitySet,
            "Returns the file's inheritable set.";
        file_effective, "fe", Value::boolean => bool, "Returns the file's effective bit.";
        old_permitted, "old_pp", capabilities => CapabilitySet,
            "Returns the permitted set before.";
        old_effective, "old_pe", capabilities => CapabilitySet,
            "Returns the effective set before.";
        permitted, "pp", capabilities => CapabilitySet, "Returns the permitted set after.";
        effective, "pe", capabilities => CapabilitySet, "Returns the effective set after.";
    }
}

view! {
    /// An `INTEGRITY_*` record: IMA or EVM measured, appraised or refused something.
    ///
    /// Source: `security/integrity/integrity_audit.c`.
    Integrity, as_integrity, "an `INTEGRITY_*` record", record,
    matches!(record.message_type().number(), 1800..=1899)
}

getters! {
    Integrity {
        pid, "pid", Value::decimal => u32, "Returns the process.";
        uid, "uid", Value::id => u32, "Returns the user.";
        auid, "auid", Value::id => u32, "Returns the user who logged in.";
        op, "op", word => &'a [u8], "Returns the operation, such as `appraise_data`.";
        cause, "cause", word => &'a [u8], "Returns the reason, such as `missing-hash`.";
        comm, "comm", text => ByteStr<'a>, "Returns the name of the thread.";
        name, "name", text => ByteStr<'a>, "Returns the file.";
        device, "dev", text => ByteStr<'a>, "Returns the name of the file system's device.";
        inode, "ino", Value::decimal => u64, "Returns the inode number.";
        result, "res", Value::boolean => bool, "Returns whether it was in order.";
    }
}

view! {
    /// A record of a change to mandatory access control: `MAC_*`.
    ///
    /// Policies, modes, booleans, and NetLabel's and IPsec's labels.
    ///
    /// Source: `security/selinux/selinuxfs.c`, `net/netlabel/`, `net/xfrm/`.
    MacChange, as_mac_change, "a `MAC_*` record", record,
    matches!(record.message_type().number(), 1403..=1419)
}

getters! {
    MacChange {
        auid, "auid", Value::id => u32, "Returns the user who logged in.";
        session, "ses", Value::id => u32, "Returns the login session.";
        op, "op", word => &'a [u8], "Returns the operation, for NetLabel and IPsec.";
        lsm, "lsm", word => &'a [u8],
            "Returns the security module; absent before Linux 4.18, when there was but SELinux.";
        enforcing, "enforcing", Value::boolean => bool, "Returns whether SELinux now enforces.";
        was_enforcing, "old_enforcing", Value::boolean => bool,
            "Returns whether SELinux enforced before.";
        boolean, "bool", word => &'a [u8], "Returns the boolean of the policy that was set.";
        source, "src", address => IpAddr, "Returns the source address, for IPsec.";
        destination, "dst", address => IpAddr, "Returns the destination address, for IPsec.";
        result, "res", Value::boolean => bool, "Returns whether the change was made.";
    }
}

view! {
    /// A `LANDLOCK_ACCESS` or `LANDLOCK_DOMAIN` record (Linux 6.15).
    ///
    /// Source: `security/landlock/audit.c`.
    Landlock, as_landlock, "a `LANDLOCK_*` record", record,
    matches!(record.message_type(), MessageType::LANDLOCK_ACCESS | MessageType::LANDLOCK_DOMAIN)
}

getters! {
    Landlock {
        domain, "domain", Value::hexadecimal => u64, "Returns the sandbox's number.";
        path, "path", text => ByteStr<'a>, "Returns the file to which access was denied.";
        device, "dev", text => ByteStr<'a>, "Returns the name of the file's device.";
        inode, "ino", Value::decimal => u64, "Returns the file's inode number.";
        other_pid, "opid", Value::decimal => u32,
            "Returns the process to which access was denied.";
        port, "dest", Value::decimal => u16, "Returns the port to which access was denied.";
        status, "status", word => &'a [u8],
            "Returns what happened to the sandbox: `allocated` or `deallocated`.";
        pid, "pid", Value::decimal => u32, "Returns the process that made the sandbox.";
        exe, "exe", text => ByteStr<'a>, "Returns the program that made the sandbox.";
        comm, "comm", text => ByteStr<'a>, "Returns the name of the thread that made it.";
        denials, "denials", Value::decimal => u64,
            "Returns how often the sandbox denied something, when it ends.";
    }
}

impl<'a> Landlock<'a> {
    /// Returns the rights that were asked for and are not given, such as `fs.make_reg`.
    pub fn blockers(&self) -> impl Iterator<Item = &'a [u8]> {
        let blockers = self.record.field("blockers").map(Value::bytes).unwrap_or_default();
        blockers.split(|byte| *byte == b',').filter(|right| !right.is_empty())
    }
}

view! {
    /// A `FANOTIFY` record: a listener allowed or denied an access.
    ///
    /// Source: `kernel/auditsc.c`, `__audit_fanotify`.
    Fanotify, as_fanotify, "a `FANOTIFY` record", record,
    record.message_type() == MessageType::FANOTIFY
}

getters! {
    Fanotify {
        response, "resp", |value: Value<'a>| named(value, &FANOTIFY_RESPONSES) => Named,
            "Returns the decision: `allow` or `deny`.";
        rule, "fan_info", Value::hexadecimal => u64,
            "Returns the number of the listener's own rule (Linux 6.3).";
        subject_trust, "subj_trust", |value: Value<'a>| named(value, &TRUST) => Named,
            "Returns whether the listener trusts the process (Linux 6.3).";
        object_trust, "obj_trust", |value: Value<'a>| named(value, &TRUST) => Named,
            "Returns whether the listener trusts the file (Linux 6.3).";
    }
}

fn named(value: Value<'_>, names: &'static crate::constants::Names) -> Option<Named> {
    value.decimal().map(|number| Named::new(number, names))
}

pub(super) fn capabilities(value: Value<'_>) -> Option<CapabilitySet> {
    value.hexadecimal().map(CapabilitySet::new)
}

fn address(value: Value<'_>) -> Option<IpAddr> {
    std::str::from_utf8(value.bytes()).ok()?.parse().ok()
}

pub(super) fn word(value: Value<'_>) -> Option<&[u8]> {
    Some(value.bytes())
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
    fn avc_braces() {
        let avc = record(
            MessageType::AVC,
            r#"avc:  denied  { read write } for  pid=5 comm="x" name="a b" dev="vda3" ino=7 scontext=u:r:t:s0-s0:c0.c1023 tcontext=u:r:t:s0:c1,c5 tclass=file permissive=0"#,
        );
        let view = avc.as_avc().expect("an AVC record");
        assert_eq!(view.verdict(), Some(false));
        assert_eq!(view.permissions().collect::<Vec<_>>(), [&b"read"[..], b"write"]);
        assert_eq!((view.pid(), view.class()), (Some(5), Some(&b"file"[..])));
        assert_eq!(view.path().as_deref(), Some(&b"a b"[..]));
        assert_eq!(view.is_permissive(), Some(false));
        let range = view.target().and_then(Label::selinux).and_then(|label| label.range);
        assert_eq!(range, Some(&b"s0:c1,c5"[..]));
        assert_eq!(
            avc.interpret("dev"),
            Some(Interpretation::Text(b"vda3".into())),
            "a name, no number"
        );
    }

    #[test]
    fn other_texts_of_avc() {
        let granted = record(MessageType::AVC, "avc:  granted  { setsecparam } for  pid=5");
        assert_eq!(granted.as_avc().and_then(|avc| avc.verdict()), Some(true));
        let notice = record(
            MessageType::USER_AVC,
            r#"pid=1 uid=0 auid=0 ses=1 msg='avc:  received policyload notice (seqno=2)  exe="/usr/lib/systemd/systemd" sauid=0 hostname=? addr=? terminal=?'"#,
        );
        let notice = notice.as_avc().expect("a USER_AVC record");
        assert_eq!(notice.verdict(), None);
        assert_eq!(notice.text(), Some(&b"avc:  received policyload notice (seqno=2)"[..]));
        assert!(notice.fields().all(|field| field.name != b"(seqno"));
    }

    #[test]
    fn apparmor_under_the_same_type() {
        let avc = record(
            MessageType::AVC,
            r#"apparmor="DENIED" operation="open" profile="my app" name="/x" pid=7 requested_mask="r" denied_mask="r""#,
        );
        let view = avc.as_avc().expect("an AVC record");
        assert_eq!(view.verdict(), Some(false));
        assert_eq!(view.permissions().collect::<Vec<_>>(), [&b"r"[..]]);
        assert_eq!(view.profile().as_deref(), Some(&b"my app"[..]));
        assert_eq!(view.subject(), None);
    }

    #[test]
    fn seccomp() {
        // Linux 6.18, x86_64, a filter that kills at ptrace, 2026-11
        let seccomp = record(
            MessageType::SECCOMP,
            r#"auid=0 uid=0 gid=0 ses=1 subj=x pid=5 comm="x" exe="/bin/x" sig=31 arch=c000003e syscall=101 compat=0 ip=0x7f01 code=0x80000000"#,
        );
        let view = seccomp.as_seccomp().expect("a SECCOMP record");
        assert_eq!((view.name(), view.arch()), (Some("ptrace"), Some(Arch::X86_64)));
        assert_eq!(view.signal().and_then(Signal::name), Some("SIGSYS"));
        assert_eq!(view.action().and_then(Named::name), Some("kill_process"));
        assert_eq!((view.data(), view.instruction()), (Some(0), Some(0x7f01)));
        let errno = record(MessageType::SECCOMP, "sig=0 arch=40000003 syscall=11 code=0x50001");
        let view = errno.as_seccomp().expect("a SECCOMP record");
        assert_eq!((view.name(), view.data()), (Some("execve"), Some(1)));
        assert_eq!(view.signal().and_then(Signal::name), Some("SIG0"), "it was only logged");
        assert_eq!(errno.interpret("code").map(|m| m.to_string()).as_deref(), Some("errno(1)"));
    }

    #[test]
    fn a_policy_was_loaded() {
        let old = record(MessageType::MAC_POLICY_LOAD, "policy loaded auid=0 ses=1");
        let new = record(MessageType::MAC_POLICY_LOAD, "auid=0 ses=1 lsm=selinux res=1");
        let (old, new) = (old.as_mac_change().expect("a view"), new.as_mac_change().expect("one"));
        assert_eq!((old.auid(), old.session(), old.lsm()), (Some(0), Some(1), None));
        assert_eq!((new.auid(), new.lsm()), (Some(0), Some(&b"selinux"[..])));
        assert_eq!(new.result(), Some(true));
    }

    #[test]
    fn a_sandbox_denies() {
        // the form of the kernel's own documentation, Documentation/admin-guide/LSM/landlock.rst
        let access = record(
            MessageType::LANDLOCK_ACCESS,
            r#"domain=195ba459b blockers=fs.make_reg,fs.refer path="/usr/bin" dev="vda2" ino=351"#,
        );
        let view = access.as_landlock().expect("a view");
        assert_eq!(view.domain(), Some(0x1_95ba_459b));
        assert_eq!(view.blockers().collect::<Vec<_>>(), [&b"fs.make_reg"[..], b"fs.refer"]);
        assert_eq!((view.path().as_deref(), view.inode()), (Some(&b"/usr/bin"[..]), Some(351)));
    }

    #[test]
    fn capabilities_of_a_process_and_of_a_file() {
        let capset = record(MessageType::CAPSET, "pid=5 cap_pi=0 cap_pp=3 cap_pe=1 cap_pa=0");
        let view = capset.as_capset().expect("a view");
        assert_eq!(
            view.permitted().map(|set| set.to_string()).as_deref(),
            Some("chown,dac_override")
        );
        assert_eq!(view.inheritable(), Some(CapabilitySet::new(0)));
        let file =
            record(MessageType::BPRM_FCAPS, "fver=2 fp=400 fi=0 fe=1 old_pp=0 pp=400 pe=400");
        let view = file.as_file_capabilities().expect("a view");
        let port = Capability::new(10);
        assert!(view.permitted().is_some_and(|set| set.contains(port)));
        assert_eq!(view.file_effective(), Some(true));
    }

    #[test]
    fn a_listener_denies() {
        let fanotify = record(
            MessageType::FANOTIFY,
            "resp=2 fan_type=1 fan_info=3137 subj_trust=2 obj_trust=0",
        );
        let view = fanotify.as_fanotify().expect("a view");
        assert_eq!(view.response().and_then(Named::name), Some("deny"));
        assert_eq!(
            (view.rule(), view.subject_trust().and_then(Named::name)),
            (Some(0x3137), Some("unknown"))
        );
    }
}
