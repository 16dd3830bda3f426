//! Counts of what was shown.

use auditlink::event::Stats;
use auditlink::{Delivery, Error, Event, MessageType};

use crate::options::Options;
use crate::stdio;

/// The counts of the last line on standard error.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) shown: u64,
    records: u64,
    losses: u64,
    incomplete: u64,
    config_changes: u64,
    has_recording_error: bool,
}

impl Tally {
    /// Counts a delivery and returns whether it is shown.
    pub(crate) fn count(&mut self, delivery: &Delivery, options: &Options) -> bool {
        match delivery {
            Delivery::Loss(_) => {
                self.losses += 1;
                true
            }
            Delivery::Event(event) if options.wants(event) => {
                if options.count.is_some_and(|count| self.shown >= count) {
                    return false;
                }
                self.shown += 1;
                self.add(event);
                true
            }
            Delivery::Event(_) => false,
        }
    }

    fn add(&mut self, event: &Event) {
        self.records += u64::try_from(event.records().len()).unwrap_or(u64::MAX);
        self.incomplete += u64::from(!event.is_whole());
        let is_config = event.records_of(MessageType::CONFIG_CHANGE).next().is_some();
        self.config_changes += u64::from(is_config);
    }

    /// Reports once that the recording has ended, as soon as it has.
    pub(crate) fn note_recording_error(&mut self, error: Option<&Error>) {
        if let Some(error) = error.filter(|_| !self.has_recording_error) {
            self.has_recording_error = true;
            stdio::warn(format_args!("the recording has ended: {error}"));
        }
    }

    /// Writes the counts to standard error.
    pub(crate) fn report(&self, stats: &Stats) {
        if self.config_changes > 0 {
            stdio::warn(format_args!("config_change={} of the events", self.config_changes));
        }
        if stats.refused > 0 {
            stdio::warn(format_args!(
                "refused={} datagrams that the kernel did not send",
                stats.refused
            ));
        }
        if stats.registration_probes > 0 {
            stdio::warn(format_args!(
                "registration_probes={} attempts to register as the audit daemon",
                stats.registration_probes
            ));
        }
        stdio::warn(format_args!("completeness={}", stats.completeness()));
        stdio::warn(format_args!(
            "events={} records={} losses={} incomplete={}",
            self.shown, self.records, self.losses, self.incomplete
        ));
    }
}
