//! Message types: number, name, origin, and role in an event.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::macros::{kernel_number, pad};

kernel_number! {
    /// The type of a netlink audit message, such as `SYSCALL` (1300).
    ///
    /// Unknown numbers are valid, and print as `UNKNOWN[n]`, as in the audit tools.
    ///
    /// Source: `include/uapi/linux/audit.h`; user space writes the types 1100 to 1299 and 2100 to 2999,
    /// which libaudit names.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::MessageType;
    /// use auditlink::message_type::RecordRole;
    ///
    /// assert_eq!(MessageType::new(1320), MessageType::EOE);
    /// assert_eq!(MessageType::EOE.role(), RecordRole::End);
    /// assert_eq!("SYSCALL".parse(), Ok(MessageType::SYSCALL));
    /// assert_eq!(MessageType::new(1499).to_string(), "UNKNOWN[1499]");
    /// ```
    MessageType(u16)
}

/// The role of a record in its event, according to its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecordRole {
    /// The record is a whole event.
    Standalone,
    /// The record may be part of a larger event or the only record of one. The window decides.
    Member,
    /// The record describes a system call or an operation of io_uring. An end record follows.
    Head,
    /// The record ends its event (`EOE`).
    End,
    /// The message is a request, a reply or a notification, and not a record.
    Control,
}

/// The author of a record's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// The kernel.
    Kernel,
    /// A program. The kernel prepends the sender.
    UserSpace,
    /// The audit daemon, about itself. These records are in its log only, and have their own serials.
    Daemon,
}

impl MessageType {
    /// Returns the name without the prefix `AUDIT_`, or `None` for an unknown number.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        NAMES
            .binary_search_by_key(&self.0, |entry| entry.0)
            .ok()
            .and_then(|index| NAMES.get(index))
            .map(|entry| entry.1)
    }

    /// Returns the role of such a record in its event.
    ///
    /// Types are [`RecordRole::Standalone`] only if the kernel never writes them inside another event. A
    /// [member](RecordRole::Member) of a system call's event is alone if the call is not audited, and
    /// then has no end record.
    ///
    /// Source: `kernel/auditsc.c`, `audit_log_exit`, `audit_log_uring`; `kernel/audit.c`,
    /// `audit_receive_msg`; `net/netfilter/xt_AUDIT.c`; `kernel/auditsc.c`, `audit_seccomp`.
    #[must_use]
    #[inline]
    pub const fn role(self) -> RecordRole {
        if (self.0 as usize) < ROLES.len() { ROLES[self.0 as usize] } else { RecordRole::Member }
    }

    const fn compute_role(self) -> RecordRole {
        match self {
            Self::LOGIN => RecordRole::Member,
            Self::USER | Self::NETFILTER_PKT | Self::SECCOMP | Self::ANOM_ABEND | Self::KERNEL => {
                RecordRole::Standalone
            }
            Self::SYSCALL | Self::URINGOP => RecordRole::Head,
            Self::EOE => RecordRole::End,
            Self::REPLACE => RecordRole::Control,
            Self(0..=1099) => RecordRole::Control,
            Self(1100..=1299 | 2100..=2999) => RecordRole::Standalone,
            Self(_) => RecordRole::Member,
        }
    }

    /// Returns the author of such a record's text.
    #[must_use]
    pub const fn origin(self) -> Origin {
        match self.0 {
            1005 | 1100..=1199 | 2100..=2999 => Origin::UserSpace,
            1200..=1299 => Origin::Daemon,
            _ => Origin::Kernel,
        }
    }
}

/// The role of each number. A table, because it is read for every record.
static ROLES: [RecordRole; 3000] = {
    let mut roles = [RecordRole::Member; 3000];
    let mut number = 0;
    while number < roles.len() {
        roles[number] = MessageType(number as u16).compute_role();
        number += 1;
    }
    roles
};

impl fmt::Display for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => pad(f, format_args!("UNKNOWN[{}]", self.0)),
        }
    }
}

/// A text is not a message type.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is not a message type: use a name such as SYSCALL, a number, or UNKNOWN[n]")]
pub struct UnknownMessageType(String);

impl FromStr for MessageType {
    type Err = UnknownMessageType;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number =
            text.strip_prefix("UNKNOWN[").and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if let Ok(number) = number.parse() {
            return Ok(Self(number));
        }
        NAMES
            .iter()
            .find(|(_, name)| *name == text)
            .map(|(number, _)| Self(*number))
            .ok_or_else(|| UnknownMessageType(text.to_owned()))
    }
}

/// Defines a constant and a table entry for each type.
macro_rules! types {
    ($($name:ident = $number:literal,)*) => {
        impl MessageType {
            $(
                #[doc = concat!("`AUDIT_", stringify!($name), "`, ", stringify!($number), ".")]
                pub const $name: Self = Self($number);
            )*
        }

        /// All named types in the order of their numbers.
        const NAMES: &[(u16, &str)] = &[$(($number, stringify!($name)),)*];
    };
}

types! {
    GET = 1000,
    SET = 1001,
    LIST = 1002,
    ADD = 1003,
    DEL = 1004,
    USER = 1005,
    LOGIN = 1006,
    WATCH_INS = 1007,
    WATCH_REM = 1008,
    WATCH_LIST = 1009,
    SIGNAL_INFO = 1010,
    ADD_RULE = 1011,
    DEL_RULE = 1012,
    LIST_RULES = 1013,
    TRIM = 1014,
    MAKE_EQUIV = 1015,
    TTY_GET = 1016,
    TTY_SET = 1017,
    SET_FEATURE = 1018,
    GET_FEATURE = 1019,
    USER_AUTH = 1100,
    USER_ACCT = 1101,
    USER_MGMT = 1102,
    CRED_ACQ = 1103,
    CRED_DISP = 1104,
    USER_START = 1105,
    USER_END = 1106,
    USER_AVC = 1107,
    USER_CHAUTHTOK = 1108,
    USER_ERR = 1109,
    CRED_REFR = 1110,
    USYS_CONFIG = 1111,
    USER_LOGIN = 1112,
    USER_LOGOUT = 1113,
    ADD_USER = 1114,
    DEL_USER = 1115,
    ADD_GROUP = 1116,
    DEL_GROUP = 1117,
    DAC_CHECK = 1118,
    CHGRP_ID = 1119,
    TEST = 1120,
    TRUSTED_APP = 1121,
    USER_SELINUX_ERR = 1122,
    USER_CMD = 1123,
    USER_TTY = 1124,
    CHUSER_ID = 1125,
    GRP_AUTH = 1126,
    SYSTEM_BOOT = 1127,
    SYSTEM_SHUTDOWN = 1128,
    SYSTEM_RUNLEVEL = 1129,
    SERVICE_START = 1130,
    SERVICE_STOP = 1131,
    GRP_MGMT = 1132,
    GRP_CHAUTHTOK = 1133,
    MAC_CHECK = 1134,
    ACCT_LOCK = 1135,
    ACCT_UNLOCK = 1136,
    USER_DEVICE = 1137,
    SOFTWARE_UPDATE = 1138,
    DAEMON_START = 1200,
    DAEMON_END = 1201,
    DAEMON_ABORT = 1202,
    DAEMON_CONFIG = 1203,
    DAEMON_ROTATE = 1205,
    DAEMON_RESUME = 1206,
    DAEMON_ACCEPT = 1207,
    DAEMON_CLOSE = 1208,
    DAEMON_ERR = 1209,
    SYSCALL = 1300,
    PATH = 1302,
    IPC = 1303,
    SOCKETCALL = 1304,
    CONFIG_CHANGE = 1305,
    SOCKADDR = 1306,
    CWD = 1307,
    EXECVE = 1309,
    IPC_SET_PERM = 1311,
    MQ_OPEN = 1312,
    MQ_SENDRECV = 1313,
    MQ_NOTIFY = 1314,
    MQ_GETSETATTR = 1315,
    KERNEL_OTHER = 1316,
    FD_PAIR = 1317,
    OBJ_PID = 1318,
    TTY = 1319,
    EOE = 1320,
    BPRM_FCAPS = 1321,
    CAPSET = 1322,
    MMAP = 1323,
    NETFILTER_PKT = 1324,
    NETFILTER_CFG = 1325,
    SECCOMP = 1326,
    PROCTITLE = 1327,
    FEATURE_CHANGE = 1328,
    REPLACE = 1329,
    KERN_MODULE = 1330,
    FANOTIFY = 1331,
    TIME_INJOFFSET = 1332,
    TIME_ADJNTPVAL = 1333,
    BPF = 1334,
    EVENT_LISTENER = 1335,
    URINGOP = 1336,
    OPENAT2 = 1337,
    DM_CTRL = 1338,
    DM_EVENT = 1339,
    AVC = 1400,
    SELINUX_ERR = 1401,
    AVC_PATH = 1402,
    MAC_POLICY_LOAD = 1403,
    MAC_STATUS = 1404,
    MAC_CONFIG_CHANGE = 1405,
    MAC_UNLBL_ALLOW = 1406,
    MAC_CIPSOV4_ADD = 1407,
    MAC_CIPSOV4_DEL = 1408,
    MAC_MAP_ADD = 1409,
    MAC_MAP_DEL = 1410,
    MAC_IPSEC_ADDSA = 1411,
    MAC_IPSEC_DELSA = 1412,
    MAC_IPSEC_ADDSPD = 1413,
    MAC_IPSEC_DELSPD = 1414,
    MAC_IPSEC_EVENT = 1415,
    MAC_UNLBL_STCADD = 1416,
    MAC_UNLBL_STCDEL = 1417,
    MAC_CALIPSO_ADD = 1418,
    MAC_CALIPSO_DEL = 1419,
    IPE_ACCESS = 1420,
    IPE_CONFIG_CHANGE = 1421,
    IPE_POLICY_LOAD = 1422,
    LANDLOCK_ACCESS = 1423,
    LANDLOCK_DOMAIN = 1424,
    MAC_TASK_CONTEXTS = 1425,
    MAC_OBJ_CONTEXTS = 1426,
    APPARMOR = 1500,
    APPARMOR_AUDIT = 1501,
    APPARMOR_ALLOWED = 1502,
    APPARMOR_DENIED = 1503,
    APPARMOR_HINT = 1504,
    APPARMOR_STATUS = 1505,
    APPARMOR_ERROR = 1506,
    APPARMOR_KILL = 1507,
    ANOM_PROMISCUOUS = 1700,
    ANOM_ABEND = 1701,
    ANOM_LINK = 1702,
    ANOM_CREAT = 1703,
    INTEGRITY_DATA = 1800,
    INTEGRITY_METADATA = 1801,
    INTEGRITY_STATUS = 1802,
    INTEGRITY_HASH = 1803,
    INTEGRITY_PCR = 1804,
    INTEGRITY_RULE = 1805,
    INTEGRITY_EVM_XATTR = 1806,
    INTEGRITY_POLICY_RULE = 1807,
    INTEGRITY_USERSPACE = 1808,
    KERNEL = 2000,
    ANOM_LOGIN_FAILURES = 2100,
    ANOM_LOGIN_TIME = 2101,
    ANOM_LOGIN_SESSIONS = 2102,
    ANOM_LOGIN_ACCT = 2103,
    ANOM_LOGIN_LOCATION = 2104,
    ANOM_MAX_DAC = 2105,
    ANOM_MAX_MAC = 2106,
    ANOM_AMTU_FAIL = 2107,
    ANOM_RBAC_FAIL = 2108,
    ANOM_RBAC_INTEGRITY_FAIL = 2109,
    ANOM_CRYPTO_FAIL = 2110,
    ANOM_ACCESS_FS = 2111,
    ANOM_EXEC = 2112,
    ANOM_MK_EXEC = 2113,
    ANOM_ADD_ACCT = 2114,
    ANOM_DEL_ACCT = 2115,
    ANOM_MOD_ACCT = 2116,
    ANOM_ROOT_TRANS = 2117,
    ANOM_LOGIN_SERVICE = 2118,
    ANOM_LOGIN_ROOT = 2119,
    ANOM_ORIGIN_FAILURES = 2120,
    ANOM_SESSION = 2121,
    RESP_ANOMALY = 2200,
    RESP_ALERT = 2201,
    RESP_KILL_PROC = 2202,
    RESP_TERM_ACCESS = 2203,
    RESP_ACCT_REMOTE = 2204,
    RESP_ACCT_LOCK_TIMED = 2205,
    RESP_ACCT_UNLOCK_TIMED = 2206,
    RESP_ACCT_LOCK = 2207,
    RESP_TERM_LOCK = 2208,
    RESP_SEBOOL = 2209,
    RESP_EXEC = 2210,
    RESP_SINGLE = 2211,
    RESP_HALT = 2212,
    RESP_ORIGIN_BLOCK = 2213,
    RESP_ORIGIN_BLOCK_TIMED = 2214,
    RESP_ORIGIN_UNBLOCK_TIMED = 2215,
    USER_ROLE_CHANGE = 2300,
    ROLE_ASSIGN = 2301,
    ROLE_REMOVE = 2302,
    LABEL_OVERRIDE = 2303,
    LABEL_LEVEL_CHANGE = 2304,
    USER_LABELED_EXPORT = 2305,
    USER_UNLABELED_EXPORT = 2306,
    DEV_ALLOC = 2307,
    DEV_DEALLOC = 2308,
    FS_RELABEL = 2309,
    USER_MAC_POLICY_LOAD = 2310,
    ROLE_MODIFY = 2311,
    USER_MAC_CONFIG_CHANGE = 2312,
    USER_MAC_STATUS = 2313,
    CRYPTO_TEST_USER = 2400,
    CRYPTO_PARAM_CHANGE_USER = 2401,
    CRYPTO_LOGIN = 2402,
    CRYPTO_LOGOUT = 2403,
    CRYPTO_KEY_USER = 2404,
    CRYPTO_FAILURE_USER = 2405,
    CRYPTO_REPLAY_USER = 2406,
    CRYPTO_SESSION = 2407,
    CRYPTO_IKE_SA = 2408,
    CRYPTO_IPSEC_SA = 2409,
    VIRT_CONTROL = 2500,
    VIRT_RESOURCE = 2501,
    VIRT_MACHINE_ID = 2502,
    VIRT_INTEGRITY_CHECK = 2503,
    VIRT_CREATE = 2504,
    VIRT_DESTROY = 2505,
    VIRT_MIGRATE_IN = 2506,
    VIRT_MIGRATE_OUT = 2507,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_for_binary_search() {
        assert!(NAMES.is_sorted_by(|left, right| left.0 < right.0));
    }

    #[test]
    fn every_number_parses_as_it_prints() {
        for number in 0..=u16::MAX {
            let message_type = MessageType(number);
            assert_eq!(message_type.to_string().parse(), Ok(message_type));
        }
        assert_eq!(MessageType(1499).to_string(), "UNKNOWN[1499]");
        assert!("NO_SUCH".parse::<MessageType>().is_err());
    }

    #[test]
    fn constants_agree_with_netlink_packet_audit() {
        use netlink_packet_audit::constants as theirs;
        assert_eq!(MessageType::SYSCALL.0, theirs::AUDIT_SYSCALL);
        assert_eq!(MessageType::EOE.0, theirs::AUDIT_EOE);
        assert_eq!(MessageType::REPLACE.0, theirs::AUDIT_REPLACE);
        assert_eq!(MessageType::ANOM_LINK.0, theirs::AUDIT_ANOM_LINK);
    }

    #[test]
    fn origins_by_type() {
        assert_eq!(MessageType::DAEMON_START.origin(), Origin::Daemon);
        assert_eq!(MessageType::USER_LOGIN.origin(), Origin::UserSpace);
        assert_eq!(MessageType::ANOM_EXEC.origin(), Origin::UserSpace);
        assert_eq!(MessageType::ANOM_ABEND.origin(), Origin::Kernel);
        assert_eq!(MessageType::LANDLOCK_DOMAIN.origin(), Origin::Kernel);
        assert_eq!(MessageType::USER.origin(), Origin::UserSpace);
    }

    #[test]
    fn roles_by_type() {
        assert_eq!(MessageType::USER_CMD.role(), RecordRole::Standalone);
        // a crash is recorded after the call, on the return to user space
        assert_eq!(MessageType::ANOM_ABEND.role(), RecordRole::Standalone);
        assert_eq!(MessageType::BPF.role(), RecordRole::Member);
        assert_eq!(MessageType::URINGOP.role(), RecordRole::Head);
        assert_eq!(MessageType::EOE.role(), RecordRole::End);
        assert_eq!(MessageType::ADD_RULE.role(), RecordRole::Control);
        assert_eq!(MessageType(1999).role(), RecordRole::Member);
    }
}
