//! [`Control`]: the requests.

use std::time::Duration;

use super::settings::Settings;
use super::socket::{RequestSocket, protocol_error};
use crate::error::{Error, ErrorKind};
use crate::message_type::MessageType;
use crate::netlink::socket::NetlinkSocket;
use crate::rule::Rule;
use crate::setting::Setting;
use crate::wire::request::{equivalence, user_text};
use crate::wire::rule as rule_codec;
use crate::wire::status::{Change, Enabled, FailureMode, FeatureSwitches, Features, Status};

/// Makes requests to the kernel's audit system.
///
/// A method makes one request, unless its documentation says otherwise. Requests require
/// `CAP_AUDIT_CONTROL` in the initial user and pid namespace; a [user message](Self::user_message)
/// requires `CAP_AUDIT_WRITE`.
///
/// While the kernel's queue exceeds its limit, a request can block in the kernel, for up to the backlog
/// wait time. Do not make requests on the thread that receives records.
///
/// Source: `kernel/audit.c`, `audit_netlink_ok`, `audit_receive`.
///
/// # Examples
///
/// ```no_run
/// use auditlink::{Control, Settings};
///
/// let mut control = Control::open()?;
/// let former = control.configure(&Settings::lossless())?;
/// println!("{} records lost since boot", control.status()?.lost);
/// control.configure(&former)?;
/// # Ok::<(), auditlink::Error>(())
/// ```
#[derive(Debug)]
pub struct Control {
    pub(super) socket: RequestSocket,
}

impl Control {
    /// Opens a control socket.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotSupported`] if the kernel has no audit system, or was booted with `audit=0`.
    pub fn open() -> Result<Self, Error> {
        let socket = NetlinkSocket::open()?;
        socket.shorten_acknowledgements()?;
        socket.set_receive_buffer(LISTING_BUFFER)?;
        Ok(Self { socket: RequestSocket::new(socket) })
    }

    /// Requests a receive buffer of this many bytes, and returns the size that the kernel granted, in
    /// its own accounting. Default 8 MiB, room for a listing of some thousand rules.
    ///
    /// # Errors
    ///
    /// An error of the operating system.
    pub fn set_receive_buffer(&mut self, bytes: usize) -> Result<usize, Error> {
        self.socket.set_receive_buffer(bytes)
    }

    /// Sets how long to wait for the answer to a request. Default 10 s.
    pub const fn set_time_limit(&mut self, limit: Duration) {
        self.socket.set_time_limit(limit);
    }

    /// Reads the settings and counters.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoPermission`] or [`ErrorKind::Namespace`] if this process may not make requests,
    /// [`ErrorKind::Timeout`] if the kernel does not answer. All other requests return these errors,
    /// too.
    #[doc(alias = "AUDIT_GET")]
    pub fn status(&mut self) -> Result<Status, Error> {
        self.socket.status()
    }

    /// Changes settings, in one request each, and returns their former values.
    ///
    /// If a change fails, the changes before it are reverted.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Locked`] if the configuration is locked, [`ErrorKind::Invalid`] for a value that is
    /// out of range, for the failure mode panic unless it is restored, and for a lock.
    #[doc(alias = "AUDIT_SET")]
    pub fn configure(&mut self, settings: &Settings) -> Result<Settings, Error> {
        let refused = |setting: Setting, cause, remedy: &'static str| {
            Err(Error::new(setting.change(), ErrorKind::Invalid, remedy).with_text(cause))
        };
        if settings.requests_panic() {
            let remedy = "call Control::panic_on_loss to halt the machine on any loss";
            return refused(Setting::Failure, "panic is not set with other settings", remedy);
        }
        if settings.requests_lock() {
            let remedy = "call Control::lock to lock the configuration";
            return refused(Setting::Enabled, "it is not locked with other settings", remedy);
        }
        let former = settings.former(&self.status()?);
        let mut changed = Vec::new();
        for (setting, value) in settings.iter() {
            let Err(error) = self.set(setting, value) else {
                changed.push(setting);
                continue;
            };
            for (setting, value) in former.iter().filter(|(setting, _)| changed.contains(setting)) {
                self.set(setting, value).map_err(|second| {
                    Error::new(
                        "revert settings after a failure",
                        second.kind().clone(),
                        "read the status to see which settings are changed",
                    )
                    .with_text(format_args!("first {error}, then {second}"))
                })?;
            }
            return Err(error);
        }
        Ok(former)
    }

    /// Enables or disables auditing.
    ///
    /// # Errors
    ///
    /// Those of [`configure`](Self::configure).
    pub fn set_enabled(&mut self, on: bool) -> Result<(), Error> {
        self.configure(&Settings::new().enabled(on)).map(drop)
    }

    /// Locks rules and settings until the next boot. This cannot be undone.
    ///
    /// # Errors
    ///
    /// Those of [`status`](Self::status).
    pub fn lock(&mut self) -> Result<(), Error> {
        let change = Change::Setting(Setting::Enabled, Enabled::LOCKED.number());
        self.socket.change("lock the audit configuration", change).map(drop)
    }

    /// Makes the kernel **halt the machine** whenever it counts a lost record, whatever the reason: a
    /// full queue, the rate limit, lack of memory.
    ///
    /// A reader that stalls is enough. [`configure`](Self::configure) with another
    /// [failure mode](Settings::failure) undoes it.
    ///
    /// # Errors
    ///
    /// Those of [`configure`](Self::configure).
    #[doc(alias = "AUDIT_FAIL_PANIC")]
    pub fn panic_on_loss(&mut self) -> Result<(), Error> {
        self.set(Setting::Failure, FailureMode::PANIC.number())
    }

    /// Resets the counter of lost records, and returns its former value.
    ///
    /// # Errors
    ///
    /// Those of [`configure`](Self::configure).
    ///
    /// # Kernel version
    ///
    /// Since 4.11, see [`FeatureBitmap::LOST_RESET`](crate::wire::status::FeatureBitmap).
    #[doc(alias = "AUDIT_STATUS_LOST")]
    pub fn reset_lost(&mut self) -> Result<u32, Error> {
        self.reset("reset the counter of lost records", Change::ResetLost)
    }

    /// Resets the time that processes have waited, and returns its former value, in kernel ticks.
    ///
    /// # Errors
    ///
    /// Those of [`configure`](Self::configure).
    ///
    /// # Kernel version
    ///
    /// Since 5.9.
    #[doc(alias = "AUDIT_STATUS_BACKLOG_WAIT_TIME_ACTUAL")]
    pub fn reset_backlog_wait_time_actual(&mut self) -> Result<u32, Error> {
        self.reset("reset the time that processes have waited", Change::ResetWaitTimeActual)
    }

    /// Reads the switches that protect login user ids.
    ///
    /// # Errors
    ///
    /// Those of [`status`](Self::status).
    #[doc(alias = "AUDIT_GET_FEATURE")]
    pub fn features(&mut self) -> Result<Features, Error> {
        const OPERATION: &str = "read the audit features";
        let data = self.socket.request_data(OPERATION, MessageType::GET_FEATURE)?;
        Features::parse(&data).map_err(|error| protocol_error(OPERATION, &error))
    }

    /// Sets the switches in `which`: on if they are in `on`, off otherwise.
    ///
    /// # Errors
    ///
    /// Those of [`configure`](Self::configure).
    #[doc(alias = "AUDIT_SET_FEATURE")]
    pub fn set_features(
        &mut self,
        which: FeatureSwitches,
        on: FeatureSwitches,
    ) -> Result<(), Error> {
        let payload = Features::request(which, on, FeatureSwitches::empty());
        self.socket.request("set audit features", MessageType::SET_FEATURE, &payload).map(drop)
    }

    /// Locks the switches in `which`, in their current state, until the next boot. This takes two
    /// requests and cannot be undone.
    ///
    /// # Errors
    ///
    /// Those of [`status`](Self::status).
    pub fn lock_features(&mut self, which: FeatureSwitches) -> Result<(), Error> {
        let on = self.features()?.on;
        let payload = Features::request(which, on, which);
        self.socket.request("lock audit features", MessageType::SET_FEATURE, &payload).map(drop)
    }

    /// Lists the loaded rules, list by list, each in the order in which the kernel evaluates them.
    ///
    /// If the receive buffer overflows, the request is repeated twice.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Overrun`] if the receive buffer overflowed each time.
    #[doc(alias = "AUDIT_LIST_RULES")]
    pub fn rules(&mut self) -> Result<Vec<Rule>, Error> {
        const OPERATION: &str = "list the audit rules";
        let mut attempt = 1;
        let answer = loop {
            match self.socket.request(OPERATION, MessageType::LIST_RULES, &[]) {
                Err(error) if *error.kind() == ErrorKind::Overrun && attempt < 3 => attempt += 1,
                other => break other?,
            }
        };
        let rules = answer.data.iter().map(|payload| {
            rule_codec::parse(payload).map_err(|error| protocol_error(OPERATION, &error))
        });
        rules.collect()
    }

    /// Adds a rule.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::RuleExists`]; [`ErrorKind::Locked`]; [`ErrorKind::Invalid`] for a field, operator
    /// or list that this kernel does not support; [`ErrorKind::NoSuchPath`] for a path whose directory
    /// does not exist.
    #[doc(alias = "AUDIT_ADD_RULE")]
    pub fn add_rule(&mut self, rule: &Rule) -> Result<(), Error> {
        let bytes = rule_codec::to_bytes(rule);
        let answer = self.socket.request("add a rule", MessageType::ADD_RULE, &bytes);
        answer.map(drop).map_err(|error| error.with_value(rule))
    }

    /// Deletes the rule that has the same list, action, system calls, and fields in the same order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::RuleNotFound`] or [`ErrorKind::Locked`].
    #[doc(alias = "AUDIT_DEL_RULE")]
    pub fn delete_rule(&mut self, rule: &Rule) -> Result<(), Error> {
        let mut bytes = rule_codec::to_bytes(rule);
        if rule.prepend {
            // the position is not part of a rule: with this bit, the kernel finds none
            bytes = rule_codec::to_bytes(&Rule { prepend: false, ..rule.clone() });
        }
        let answer = self.socket.request("delete a rule", MessageType::DEL_RULE, &bytes);
        answer.map(drop).map_err(|error| error.with_value(rule))
    }

    /// Deletes the rules that have this key, one request each, and returns their number.
    ///
    /// # Errors
    ///
    /// Those of [`rules`](Self::rules) and [`delete_rule`](Self::delete_rule).
    pub fn delete_rules_by_key(&mut self, key: impl AsRef<[u8]>) -> Result<usize, Error> {
        let key = key.as_ref();
        self.delete_rules(|rule| rule.keys().any(|other| other == key))
    }

    /// Deletes all rules, one request each, and returns their number.
    ///
    /// # Errors
    ///
    /// Those of [`rules`](Self::rules) and [`delete_rule`](Self::delete_rule).
    pub fn delete_all_rules(&mut self) -> Result<usize, Error> {
        self.delete_rules(|_| true)
    }

    /// Removes the watches of trees that are no longer mounted.
    ///
    /// # Errors
    ///
    /// Those of [`status`](Self::status).
    #[doc(alias = "AUDIT_TRIM")]
    pub fn trim(&mut self) -> Result<(), Error> {
        self.socket.request("trim watched trees", MessageType::TRIM, &[]).map(drop)
    }

    /// Extends the watches on a mount point to a subtree, as needed after a bind mount.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoSuchPath`] if one of the paths does not exist.
    #[doc(alias = "AUDIT_MAKE_EQUIV")]
    pub fn make_equivalent(
        &mut self,
        mount: impl AsRef<[u8]>,
        subtree: impl AsRef<[u8]>,
    ) -> Result<(), Error> {
        let payload = equivalence(mount.as_ref(), subtree.as_ref());
        self.socket
            .request("make a subtree equivalent", MessageType::MAKE_EQUIV, &payload)
            .map(drop)
    }

    /// Sends a message, which the kernel records in the audit trail.
    ///
    /// The type must be one of those for user space, 1100 to 1199 or 2100 to 2999. The kernel keeps
    /// 8,559 bytes of the text. The record has the sender's ids first, then the text in `msg='…'`. While
    /// auditing is off, the kernel accepts the message and discards it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoPermission`] without `CAP_AUDIT_WRITE`.
    pub fn user_message(
        &mut self,
        message_type: MessageType,
        text: impl AsRef<[u8]>,
    ) -> Result<(), Error> {
        let payload = user_text(text.as_ref());
        self.socket.request("send a user message", message_type, &payload).map(drop)
    }

    /// Adds a rule unless it is loaded. Returns whether it was added.
    pub(super) fn add_if_new(&mut self, rule: &Rule) -> Result<bool, Error> {
        match self.add_rule(rule) {
            Ok(()) => Ok(true),
            Err(error) if *error.kind() == ErrorKind::RuleExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Deletes a rule if it is loaded.
    pub(super) fn delete_if_loaded(&mut self, rule: &Rule) -> Result<(), Error> {
        match self.delete_rule(rule) {
            Err(error) if *error.kind() == ErrorKind::RuleNotFound => Ok(()),
            other => other,
        }
    }

    fn set(&mut self, setting: Setting, value: u32) -> Result<(), Error> {
        let answer = self.socket.change(setting.change(), Change::Setting(setting, value));
        answer.map(drop).map_err(|error| error.with_value(value))
    }

    fn reset(&mut self, operation: &'static str, change: Change) -> Result<u32, Error> {
        let former = self.socket.change(operation, change)?;
        Ok(u32::try_from(former).unwrap_or_default())
    }

    fn delete_rules(&mut self, which: impl Fn(&Rule) -> bool) -> Result<usize, Error> {
        let rules = self.rules()?;
        let mut deleted = 0;
        for rule in rules.iter().filter(|rule| which(rule)) {
            self.delete_rule(rule)?;
            deleted += 1;
        }
        Ok(deleted)
    }
}

/// Room for a listing of some thousand rules.
const LISTING_BUFFER: usize = 8 << 20;
