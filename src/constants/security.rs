//! Names of capabilities, filters and their decisions.

use std::fmt;

use super::{Names, flags, names};
use crate::macros::kernel_number;
use crate::macros::pad_with;

kernel_number! {
    /// A capability: one of the privileges of the superuser.
    ///
    /// Source: `include/uapi/linux/capability.h`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::constants::Capability;
    ///
    /// assert_eq!(Capability::new(12).name(), Some("net_admin"));
    /// assert_eq!(Capability::new(99).to_string(), "99");
    /// ```
    #[doc(alias = "CAP_")]
    Capability(u32)
}

impl Capability {
    /// Returns the name in lower case without `cap_`, such as `net_admin`.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        CAPABILITIES.name(u64::from(self.0))
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => pad_with(f, |out| write!(out, "{}", self.0)),
        }
    }
}

kernel_number! {
    /// A set of capabilities, one bit for each.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::constants::{Capability, CapabilitySet};
    ///
    /// let set = CapabilitySet::new(0b1001);
    /// assert_eq!(set.to_string(), "chown,fowner");
    /// assert!(set.contains(Capability::new(3)) && set.iter().count() == 2);
    /// ```
    CapabilitySet(u64)
}

impl CapabilitySet {
    /// Iterates over the capabilities in the order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        (0..64).filter(move |bit| self.0 >> bit & 1 != 0).map(Capability::new)
    }

    /// Returns whether the set contains a capability.
    #[must_use]
    pub const fn contains(self, capability: Capability) -> bool {
        capability.number() < 64 && self.0 >> capability.number() & 1 != 0
    }
}

impl fmt::Display for CapabilitySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.pad("none");
        }
        pad_with(f, |out| {
            for (index, capability) in self.iter().enumerate() {
                write!(out, "{}{capability}", if index == 0 { "" } else { "," })?;
            }
            Ok(())
        })
    }
}

flags! {
    /// The kinds of access that a watch covers, `AUDIT_PERM_*`.
    PERMISSIONS {
        0x1 exec, 0x2 write, 0x4 read, 0x8 attr,
    }
}

names! {
    /// The capabilities.
    CAPABILITIES {
        chown = 0, dac_override = 1, dac_read_search = 2, fowner = 3, fsetid = 4, kill = 5,
        setgid = 6, setuid = 7, setpcap = 8, linux_immutable = 9, net_bind_service = 10,
        net_broadcast = 11, net_admin = 12, net_raw = 13, ipc_lock = 14, ipc_owner = 15,
        sys_module = 16, sys_rawio = 17, sys_chroot = 18, sys_ptrace = 19, sys_pacct = 20,
        sys_admin = 21, sys_boot = 22, sys_nice = 23, sys_resource = 24, sys_time = 25,
        sys_tty_config = 26, mknod = 27, lease = 28, audit_write = 29, audit_control = 30,
        setfcap = 31, mac_override = 32, mac_admin = 33, syslog = 34, wake_alarm = 35,
        block_suspend = 36, audit_read = 37, perfmon = 38, bpf = 39, checkpoint_restore = 40,
    }

    /// The actions of seccomp filters: the upper half of `code=`.
    SECCOMP_ACTIONS {
        kill_process = 0x8000_0000, kill_thread = 0x0, trap = 0x3_0000, errno = 0x5_0000,
        user_notif = 0x7fc0_0000, trace = 0x7ff0_0000, log = 0x7ffc_0000, allow = 0x7fff_0000,
    }

    /// The operations of `seccomp`.
    SECCOMP_OPERATIONS {
        SECCOMP_SET_MODE_STRICT = 0, SECCOMP_SET_MODE_FILTER = 1, SECCOMP_GET_ACTION_AVAIL = 2,
        SECCOMP_GET_NOTIF_SIZES = 3,
    }

    /// The commands of `bpf`.
    BPF_COMMANDS {
        BPF_MAP_CREATE = 0, BPF_MAP_LOOKUP_ELEM = 1, BPF_MAP_UPDATE_ELEM = 2,
        BPF_MAP_DELETE_ELEM = 3, BPF_MAP_GET_NEXT_KEY = 4, BPF_PROG_LOAD = 5, BPF_OBJ_PIN = 6,
        BPF_OBJ_GET = 7, BPF_PROG_ATTACH = 8, BPF_PROG_DETACH = 9, BPF_PROG_TEST_RUN = 10,
        BPF_PROG_GET_NEXT_ID = 11, BPF_MAP_GET_NEXT_ID = 12, BPF_PROG_GET_FD_BY_ID = 13,
        BPF_MAP_GET_FD_BY_ID = 14, BPF_OBJ_GET_INFO_BY_FD = 15, BPF_PROG_QUERY = 16,
        BPF_RAW_TRACEPOINT_OPEN = 17, BPF_BTF_LOAD = 18, BPF_BTF_GET_FD_BY_ID = 19,
        BPF_TASK_FD_QUERY = 20, BPF_MAP_LOOKUP_AND_DELETE_ELEM = 21, BPF_MAP_FREEZE = 22,
        BPF_BTF_GET_NEXT_ID = 23, BPF_MAP_LOOKUP_BATCH = 24,
        BPF_MAP_LOOKUP_AND_DELETE_BATCH = 25, BPF_MAP_UPDATE_BATCH = 26,
        BPF_MAP_DELETE_BATCH = 27, BPF_LINK_CREATE = 28, BPF_LINK_UPDATE = 29,
        BPF_LINK_GET_FD_BY_ID = 30, BPF_LINK_GET_NEXT_ID = 31, BPF_ENABLE_STATS = 32,
        BPF_ITER_CREATE = 33, BPF_LINK_DETACH = 34, BPF_PROG_BIND_MAP = 35,
        BPF_TOKEN_CREATE = 36, BPF_PROG_STREAM_READ_BY_FD = 37, BPF_PROG_ASSOC_STRUCT_OPS = 38,
    }

    /// The filter lists of audit rules.
    AUDIT_LISTS {
        user = 0, task = 1, entry = 2, watch = 3, exit = 4, exclude = 5, filesystem = 6,
        io_uring = 7,
    }

    /// The protocol families of netfilter.
    NETFILTER_FAMILIES {
        unspecified = 0, inet = 1, ipv4 = 2, arp = 3, netdev = 5, bridge = 7, ipv6 = 10,
        decnet = 12,
    }

    /// The hooks of netfilter for IP.
    NETFILTER_HOOKS {
        PREROUTING = 0, INPUT = 1, FORWARD = 2, OUTPUT = 3, POSTROUTING = 4, BROUTING = 5,
    }

    /// The hooks of netfilter for ARP.
    NETFILTER_ARP_HOOKS {
        INPUT = 0, OUTPUT = 1, FORWARD = 2,
    }

    /// The decisions that the netfilter target `AUDIT` reports.
    NETFILTER_ACTIONS {
        ACCEPT = 0, DROP = 1, REJECT = 2,
    }

    /// The protocols above Ethernet, `ETH_P_*`.
    ETHERTYPES {
        ETH_P_802_3 = 0x1, ETH_P_AX25 = 0x2, ETH_P_ALL = 0x3, ETH_P_802_2 = 0x4,
        ETH_P_SNAP = 0x5, ETH_P_DDCMP = 0x6, ETH_P_WAN_PPP = 0x7, ETH_P_PPP_MP = 0x8,
        ETH_P_LOCALTALK = 0x9, ETH_P_CAN = 0xc, ETH_P_CANFD = 0xd, ETH_P_CANXL = 0xe,
        ETH_P_PPPTALK = 0x10, ETH_P_TR_802_2 = 0x11, ETH_P_MOBITEX = 0x15, ETH_P_CONTROL = 0x16,
        ETH_P_IRDA = 0x17, ETH_P_ECONET = 0x18, ETH_P_HDLC = 0x19, ETH_P_ARCNET = 0x1a,
        ETH_P_DSA = 0x1b, ETH_P_TRAILER = 0x1c, ETH_P_LOOP = 0x60, ETH_P_PHONET = 0xf5,
        ETH_P_IEEE802154 = 0xf6, ETH_P_CAIF = 0xf7, ETH_P_XDSA = 0xf8, ETH_P_MAP = 0xf9,
        ETH_P_MCTP = 0xfa, ETH_P_PUP = 0x200, ETH_P_PUPAT = 0x201, ETH_P_IP = 0x800,
        ETH_P_X25 = 0x805, ETH_P_ARP = 0x806, ETH_P_BPQ = 0x8ff, ETH_P_IEEEPUP = 0xa00,
        ETH_P_IEEEPUPAT = 0xa01, ETH_P_ERSPAN2 = 0x22eb, ETH_P_TSN = 0x22f0,
        ETH_P_BATMAN = 0x4305, ETH_P_DEC = 0x6000, ETH_P_DNA_DL = 0x6001, ETH_P_DNA_RC = 0x6002,
        ETH_P_DNA_RT = 0x6003, ETH_P_LAT = 0x6004, ETH_P_DIAG = 0x6005, ETH_P_CUST = 0x6006,
        ETH_P_SCA = 0x6007, ETH_P_TEB = 0x6558, ETH_P_RARP = 0x8035, ETH_P_ATALK = 0x809b,
        ETH_P_AARP = 0x80f3, ETH_P_8021Q = 0x8100, ETH_P_IPX = 0x8137, ETH_P_IPV6 = 0x86dd,
        ETH_P_PAUSE = 0x8808, ETH_P_SLOW = 0x8809, ETH_P_WCCP = 0x883e, ETH_P_MPLS_UC = 0x8847,
        ETH_P_MPLS_MC = 0x8848, ETH_P_ATMMPOA = 0x884c, ETH_P_PPP_DISC = 0x8863,
        ETH_P_PPP_SES = 0x8864, ETH_P_LINK_CTL = 0x886c, ETH_P_ATMFATE = 0x8884,
        ETH_P_PAE = 0x888e, ETH_P_PROFINET = 0x8892, ETH_P_REALTEK = 0x8899, ETH_P_AOE = 0x88a2,
        ETH_P_ETHERCAT = 0x88a4, ETH_P_8021AD = 0x88a8, ETH_P_802_EX1 = 0x88b5,
        ETH_P_ERSPAN = 0x88be, ETH_P_PREAUTH = 0x88c7, ETH_P_TIPC = 0x88ca, ETH_P_LLDP = 0x88cc,
        ETH_P_MRP = 0x88e3, ETH_P_MACSEC = 0x88e5, ETH_P_8021AH = 0x88e7, ETH_P_MVRP = 0x88f5,
        ETH_P_1588 = 0x88f7, ETH_P_NCSI = 0x88f8, ETH_P_PRP = 0x88fb, ETH_P_CFM = 0x8902,
        ETH_P_FCOE = 0x8906, ETH_P_TDLS = 0x890d, ETH_P_FIP = 0x8914, ETH_P_IBOE = 0x8915,
        ETH_P_80221 = 0x8917, ETH_P_HSR = 0x892f, ETH_P_NSH = 0x894f, ETH_P_LOOPBACK = 0x9000,
        ETH_P_QINQ1 = 0x9100, ETH_P_QINQ2 = 0x9200, ETH_P_QINQ3 = 0x9300, ETH_P_EDSA = 0xdada,
        ETH_P_DSA_8021Q = 0xdadb, ETH_P_DSA_A5PSW = 0xe001, ETH_P_IFE = 0xed3e,
        ETH_P_AF_IUCV = 0xfbfb,
    }

    /// The multicast groups of audit's netlink family.
    MULTICAST_GROUPS {
        none = 0, readlog = 1,
    }

    /// The decisions of fanotify listeners, `resp=`.
    FANOTIFY_RESPONSES {
        allow = 1, deny = 2,
    }

    /// The types of information that a fanotify listener adds, `fan_type=`.
    FANOTIFY_INFO_TYPES {
        none = 0, rule_info = 1,
    }

    /// Whether a fanotify listener trusts, `subj_trust=` and `obj_trust=`.
    TRUST {
        no = 0, yes = 1, unknown = 2,
    }
}

/// The types of ICMP messages.
#[rustfmt::skip]
pub(crate) static ICMP_TYPES: Names = Names::new(&[
    (0, "echo-reply"), (3, "destination-unreachable"), (4, "source-quench"), (5, "redirect"),
    (8, "echo"), (9, "router-advertisement"), (10, "router-selection"), (11, "time-exceeded"),
    (12, "parameter-problem"), (13, "timestamp-request"), (14, "timestamp-reply"),
    (15, "info-request"), (16, "info-reply"), (17, "address-mask-request"),
    (18, "address-mask-reply"),
]);
