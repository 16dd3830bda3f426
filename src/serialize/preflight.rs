//! What a preflight found.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::link::preflight::{Finding, Report};
use crate::link::procfs::Process;

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("would_miss", &self.would_miss())?;
        map.serialize_entry("findings", &self.findings)?;
        map.serialize_entry("older_processes", &self.older_processes)?;
        map.serialize_entry("status", &self.status)?;
        map.end()
    }
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("check", self.check.name())?;
        map.serialize_entry("level", self.level.name())?;
        map.serialize_entry("text", &self.text)?;
        map.serialize_entry("remedy", self.remedy)?;
        map.end()
    }
}

impl Serialize for Process {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("pid", &self.pid)?;
        map.serialize_entry("command", &self.command)?;
        map.serialize_entry("start_ticks", &self.start_ticks)?;
        map.end()
    }
}
