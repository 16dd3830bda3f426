//! Requests to the kernel's audit system.

mod apply;
pub(crate) mod installed;
pub(crate) mod registration;
mod request;
pub(crate) mod settings;

use std::time::Duration;

pub use self::apply::{ApplyMode, ApplyReport};
use self::request::{Exchange, protocol_error};
pub(crate) use self::settings::Settings;
use crate::error::{Error, ErrorKind};
use crate::message_type::MessageType;
use crate::netlink::socket::NetlinkSocket;
use crate::rule::Rule;
use crate::wire::request::{equivalence, user_text};
use crate::wire::rule as rule_codec;
use crate::wire::status::{Enabled, FailureMode, FeatureSwitches, Features, Mask, Status};

/// Sends requests to the kernel's audit system.
///
/// Every method is one request, or says how many it makes. A request needs `CAP_AUDIT_CONTROL` in
/// the initial user and pid namespace, a [user message](Self::user_message) `CAP_AUDIT_WRITE`.
///
/// A request can be made to wait in the kernel, up to the backlog wait time, while the kernel's
/// queue is over its limit: do not make requests on the thread that receives.
///
/// Source: `kernel/audit.c`, `audit_netlink_ok`, `audit_receive`.
#[derive(Debug)]
pub struct Control {
    exchange: Exchange,
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
        Ok(Self { exchange: Exchange::new(socket, None) })
    }

    /// Asks for a receive buffer of so many bytes, and returns what the kernel granted, in its own
    /// accounting. Default 8 MiB, room for a listing of some thousand rules.
    ///
    /// # Errors
    ///
    /// An error of the operating system.
    pub fn set_receive_buffer(&mut self, bytes: usize) -> Result<usize, Error> {
        self.exchange.set_receive_buffer(bytes)
    }

    /// Sets how long an answer is waited for. Default 10 s.
    pub const fn set_time_limit(&mut self, limit: Duration) {
        self.exchange.set_time_limit(limit);
    }

    /// Reads the settings and counters.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoPermission`] or [`ErrorKind::Namespace`] if the kernel does not answer this
    /// process, [`ErrorKind::Timeout`] if it does not answer at all. So do all other requests.
    #[doc(alias = "AUDIT_GET")]
    pub fn status(&mut self) -> Result<Status, Error> {
        self.exchange.status()
    }

    /// Changes settings, in one request each, and returns their former values.
    ///
    /// If one cannot be changed, those changed before are put back.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Locked`] if the configuration is locked, [`ErrorKind::Invalid`] for a value
    /// that is out of range, or for the failure mode panic, unless it is put back.
    #[doc(alias = "AUDIT_SET")]
    pub fn configure(&mut self, settings: &Settings) -> Result<Settings, Error> {
        if settings.asks_for_panic() {
            let remedy = "call Control::panic_on_loss, if any lost record shall halt the machine";
            return Err(Error::new("set the failure mode", ErrorKind::Invalid, remedy)
                .with_text("panic is not set together with other settings"));
        }
        let status = self.status()?;
        let former = settings.former(&status);
        let mut changed = Mask::empty();
        for (operation, mask, change) in settings.steps() {
            let Err(error) = self.change(operation, mask, &change) else {
                changed |= mask;
                continue;
            };
            for (operation, mask, before) in former.steps() {
                if !changed.contains(mask) {
                    continue;
                }
                self.change(operation, mask, &before).map_err(|second| {
                    Error::new(
                        "put settings back after a failure",
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

    /// Turns auditing on or off.
    pub fn set_enabled(&mut self, on: bool) -> Result<(), Error> {
        self.configure(&Settings::new().enabled(on)).map(drop)
    }

    /// Locks rules and settings until the next boot. There is no way back.
    pub fn lock(&mut self) -> Result<(), Error> {
        let status = Status { enabled: Enabled::LOCKED, ..Status::zero() };
        self.change("lock the audit configuration", Mask::ENABLED, &status)
    }

    /// Has the kernel **halt the machine** from now on whenever it counts a lost record, whatever
    /// the reason: a full queue, the rate limit, short memory.
    ///
    /// A reader that stalls is enough. [`set_failure`](Self::set_failure) takes it back.
    #[doc(alias = "AUDIT_FAIL_PANIC")]
    pub fn panic_on_loss(&mut self) -> Result<(), Error> {
        let status = Status { failure: FailureMode::PANIC, ..Status::zero() };
        self.change("set the failure mode", Mask::FAILURE, &status)
    }

    /// Sets what the kernel does when it cannot record: silent or printk.
    pub fn set_failure(&mut self, mode: FailureMode) -> Result<(), Error> {
        self.configure(&Settings::new().failure(mode)).map(drop)
    }

    /// Sets how many records a second the kernel lets through; 0 for no limit.
    pub fn set_rate_limit(&mut self, records: u32) -> Result<(), Error> {
        self.configure(&Settings::new().rate_limit(records)).map(drop)
    }

    /// Sets how many records the kernel queues; 0 for no limit.
    pub fn set_backlog_limit(&mut self, records: u32) -> Result<(), Error> {
        self.configure(&Settings::new().backlog_limit(records)).map(drop)
    }

    /// Sets how long a process may be made to wait for room in the queue, in kernel ticks.
    pub fn set_backlog_wait_time(&mut self, ticks: u32) -> Result<(), Error> {
        self.configure(&Settings::new().backlog_wait_time(ticks)).map(drop)
    }

    /// Sets the counter of lost records to zero and returns what it was.
    ///
    /// # Kernel version
    ///
    /// Since 4.11, see [`FeatureBitmap::LOST_RESET`](crate::wire::status::FeatureBitmap).
    pub fn reset_lost(&mut self) -> Result<u32, Error> {
        self.reset("reset the counter of lost records", Mask::LOST)
    }

    /// Sets the time that processes waited to zero and returns what it was, in kernel ticks.
    ///
    /// # Kernel version
    ///
    /// Since 5.9.
    pub fn reset_backlog_wait_time_actual(&mut self) -> Result<u32, Error> {
        self.reset("reset the time waited", Mask::BACKLOG_WAIT_TIME_ACTUAL)
    }

    /// Reads the switches that guard login users.
    #[doc(alias = "AUDIT_GET_FEATURE")]
    pub fn features(&mut self) -> Result<Features, Error> {
        const OPERATION: &str = "read the audit features";
        let data = self.exchange.fetch(OPERATION, MessageType::GET_FEATURE, &[])?;
        Features::parse(&data).map_err(|error| protocol_error(OPERATION, &error))
    }

    /// Sets those of the switches in `which` that are in `on`, and clears the others of them.
    #[doc(alias = "AUDIT_SET_FEATURE")]
    pub fn set_features(
        &mut self,
        which: FeatureSwitches,
        on: FeatureSwitches,
    ) -> Result<(), Error> {
        let payload = Features::request(which, on, FeatureSwitches::empty());
        self.exchange.ask("set audit features", MessageType::SET_FEATURE, &payload).map(drop)
    }

    /// Locks the switches in `which`, as they are, until the next boot. There is no way back.
    pub fn lock_features(&mut self, which: FeatureSwitches) -> Result<(), Error> {
        let on = self.features()?.on;
        let payload = Features::request(which, on, which);
        self.exchange.ask("lock audit features", MessageType::SET_FEATURE, &payload).map(drop)
    }

    /// Lists the loaded rules, list by list, each in the order in which the kernel tries them.
    ///
    /// A listing of which parts were dropped on their way is asked for again.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Overrun`] if it was cut short three times.
    #[doc(alias = "AUDIT_LIST_RULES")]
    pub fn rules(&mut self) -> Result<Vec<Rule>, Error> {
        const OPERATION: &str = "list the audit rules";
        let mut attempt = 1;
        let answer = loop {
            match self.exchange.ask(OPERATION, MessageType::LIST_RULES, &[]) {
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
    /// [`ErrorKind::RuleExists`], [`ErrorKind::Locked`], or [`ErrorKind::Invalid`] for a field,
    /// operator or list that this kernel does not know, [`ErrorKind::NoSuchPath`] for a path whose
    /// directory does not exist.
    #[doc(alias = "AUDIT_ADD_RULE")]
    pub fn add_rule(&mut self, rule: &Rule) -> Result<(), Error> {
        self.exchange
            .ask("add a rule", MessageType::ADD_RULE, &rule_codec::to_bytes(rule))
            .map(drop)
            .map_err(|error| error.with_value(rule))
    }

    /// Deletes a rule, which must be the same in list, action, calls, and fields in their order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::RuleNotFound`] or [`ErrorKind::Locked`].
    #[doc(alias = "AUDIT_DEL_RULE")]
    pub fn delete_rule(&mut self, rule: &Rule) -> Result<(), Error> {
        let mut bytes = rule_codec::to_bytes(rule);
        if rule.prepend {
            // where a rule stands is not part of it: the kernel finds no rule with this bit
            bytes = rule_codec::to_bytes(&Rule { prepend: false, ..rule.clone() });
        }
        let answer = self.exchange.ask("delete a rule", MessageType::DEL_RULE, &bytes);
        answer.map(drop).map_err(|error| error.with_value(rule))
    }

    /// Deletes the rules that have this key, and returns how many there were.
    pub fn delete_rules_by_key(&mut self, key: impl AsRef<[u8]>) -> Result<usize, Error> {
        let key = key.as_ref();
        self.delete_rules(|rule| rule.keys().any(|other| other == key))
    }

    /// Deletes all rules, and returns how many there were.
    pub fn delete_all_rules(&mut self) -> Result<usize, Error> {
        self.delete_rules(|_| true)
    }

    /// Drops the watches of trees that are no longer mounted.
    #[doc(alias = "AUDIT_TRIM")]
    pub fn trim(&mut self) -> Result<(), Error> {
        self.exchange.ask("trim watched trees", MessageType::TRIM, &[]).map(drop)
    }

    /// Makes a subtree part of the watches on a mount point, as after a bind mount.
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
        self.exchange.ask("make a subtree equivalent", MessageType::MAKE_EQUIV, &payload).map(drop)
    }

    /// Writes a record of one's own into the audit trail.
    ///
    /// The type must be one of those for user space, 1100 to 1199 or 2100 to 2999. The kernel
    /// keeps 8,559 bytes of the text; it puts the sender's ids in front and the text in `msg='…'`.
    /// While auditing is off, the kernel says yes and drops it.
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
        self.exchange.ask("send a user message", message_type, &payload).map(drop)
    }

    /// Adds a rule unless it is loaded; tells whether it was added.
    pub(super) fn add_if_new(&mut self, rule: &Rule) -> Result<bool, Error> {
        match self.add_rule(rule) {
            Ok(()) => Ok(true),
            Err(error) if *error.kind() == ErrorKind::RuleExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Deletes a rule unless it is gone.
    pub(super) fn delete_if_loaded(&mut self, rule: &Rule) -> Result<(), Error> {
        match self.delete_rule(rule) {
            Err(error) if *error.kind() == ErrorKind::RuleNotFound => Ok(()),
            other => other,
        }
    }

    /// Changes the settings in `mask`.
    fn change(
        &mut self,
        operation: &'static str,
        mask: Mask,
        status: &Status,
    ) -> Result<(), Error> {
        self.exchange.change(operation, mask, status).map(drop)
    }

    fn reset(&mut self, operation: &'static str, mask: Mask) -> Result<u32, Error> {
        let answer = self.exchange.change(operation, mask, &Status::zero())?;
        Ok(u32::try_from(answer.code).unwrap_or_default())
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
