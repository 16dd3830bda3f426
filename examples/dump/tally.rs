//! Counting what is shown.

use auditlink::Event;
use auditlink::event::Stats;
use auditlink::{Delivery, MessageType};

use crate::options::Options;

/// The counts of the last line.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) shown: u64,
    records: u64,
    losses: u64,
    incomplete: u64,
    config_changes: u64,
}

impl Tally {
    /// Counts a delivery; tells whether it is to be shown.
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

    pub(crate) fn report(&self, stats: &Stats) {
        if self.config_changes > 0 {
            eprintln!("config_change={} of the events", self.config_changes);
        }
        if stats.refused > 0 {
            eprintln!("refused={} datagrams that the kernel did not send", stats.refused);
        }
        if stats.registration_probes > 0 {
            eprintln!(
                "registration_probes={} attempts to take the daemon's place",
                stats.registration_probes
            );
        }
        let completeness = stats.completeness();
        eprintln!("completeness={completeness}");
        eprintln!(
            "events={} records={} losses={} incomplete={}",
            self.shown, self.records, self.losses, self.incomplete
        );
    }
}
