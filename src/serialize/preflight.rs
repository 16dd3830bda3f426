//! What a preflight found.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::host::procfs::Process;
use crate::preflight::{Finding, Report};
use crate::rule::CoverageRow;

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("would_miss", &self.would_miss())?;
        map.serialize_entry("findings", &self.findings)?;
        map.serialize_entry("older_processes", &self.older_processes)?;
        map.serialize_entry("coverage", &self.coverage)?;
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
        map.serialize_entry("remedy", self.remedy.unwrap_or_default())?;
        map.end()
    }
}

impl Serialize for CoverageRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("group", self.group)?;
        map.serialize_entry("call", self.call)?;
        if let Some(argument) = self.argument {
            map.serialize_entry("argument", argument)?;
        }
        map.serialize_entry("b64", &self.b64)?;
        map.serialize_entry("b32", &self.b32)?;
        map.serialize_entry("x32", &self.x32)?;
        map.serialize_entry("io_uring", &self.io_uring)?;
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
