//! Entries of the journal in its export form: one field per line, and an empty line after each entry.

use super::wrapped;

/// An entry whose lines are read one by one.
///
/// The journal receives records from the kernel's log, where the message is the record, or from the
/// kernel's audit socket; then the parts of the header are fields of their own.
///
/// Source: systemd, `docs/JOURNAL_EXPORT_FORMATS.md`; `src/journal/journald-audit.c`.
#[derive(Clone, Debug)]
pub(crate) struct JournalEntry {
    is_open: bool,
    fields: [Option<Vec<u8>>; FIELDS.len()],
}

/// The fields that are kept.
const FIELDS: [&str; 5] =
    ["MESSAGE", "_HOSTNAME", "_AUDIT_TYPE", "_AUDIT_ID", "_SOURCE_REALTIME_TIMESTAMP"];

impl JournalEntry {
    pub(crate) const fn new() -> Self {
        Self { is_open: false, fields: [const { None }; FIELDS.len()] }
    }

    /// Adds a line; returns whether it is a field of an entry, which begins with its cursor.
    pub(crate) fn add(&mut self, line: &[u8]) -> bool {
        self.is_open |= line.starts_with(b"__CURSOR=");
        let field = wrapped::journal_field(line).filter(|_| self.is_open);
        let Some((name, value)) = field else { return false };
        let kept = FIELDS.iter().zip(&mut self.fields).find(|(kept, _)| kept.as_bytes() == name);
        if let Some((_, field)) = kept {
            *field = Some(value.to_vec());
        }
        true
    }

    /// Returns whether a line is the name of a field whose value follows in binary form, as that of a text
    /// with a control character does, such as an enriched record.
    pub(crate) fn is_binary_field(&self, line: &[u8]) -> bool {
        self.is_open && wrapped::is_journal_name(line)
    }

    /// Ends the entry, and returns its record as a line of a log; `None` if it has nothing to do with
    /// records.
    pub(crate) fn finish(&mut self) -> Option<Vec<u8>> {
        let Self { fields, .. } = std::mem::replace(self, Self::new());
        let field = |name: &str| {
            let index = FIELDS.iter().position(|kept| *kept == name)?;
            fields.get(index)?.clone()
        };
        let Some(entry) = wrapped::of_entry(field) else {
            let message = [b"MESSAGE=", &field("MESSAGE")?[..]].concat();
            return Some(message).filter(|message| !wrapped::is_other(message));
        };
        match entry.host.filter(|_| !entry.inside.starts_with(b"node=")) {
            Some(host) => Some([b"node=", &host[..], b" ", &entry.inside].concat()),
            None => Some(entry.inside.into_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(lines: &[&str]) -> Option<String> {
        let mut entry = JournalEntry::new();
        for line in lines {
            assert!(entry.add(line.as_bytes()), "{line}");
        }
        entry.finish().map(|line| String::from_utf8(line).expect("text"))
    }

    #[test]
    fn entries_from_the_kernel_and_from_its_audit_socket() {
        let kernel = [
            "__CURSOR=s=1;i=2",
            "MESSAGE=audit: type=1307 audit(1.000:2): cwd=\"/\"",
            "_HOSTNAME=host1",
            "_TRANSPORT=kernel",
        ];
        let expected = "node=host1 type=1307 audit(1.000:2): cwd=\"/\"";
        assert_eq!(record(&kernel).as_deref(), Some(expected));
        let audit = [
            "__CURSOR=s=1;i=3",
            "_TRANSPORT=audit",
            "_AUDIT_TYPE=1307",
            "_AUDIT_ID=42",
            "_SOURCE_REALTIME_TIMESTAMP=1700000000234000",
            "MESSAGE=CWD cwd=\"/\"",
        ];
        let expected = "type=1307 msg=audit(1700000000.234:42): cwd=\"/\"";
        assert_eq!(record(&audit).as_deref(), Some(expected));
        assert_eq!(record(&["__CURSOR=s", "MESSAGE=Started session", "_HOSTNAME=h"]), None);
        let lost = "MESSAGE=audit: audit_lost=1 audit_rate_limit=0";
        assert_eq!(
            record(&["__CURSOR=s", lost]).as_deref(),
            Some(lost),
            "not a record, but a loss"
        );
        assert_eq!(record(&[]), None);
        let mut entry = JournalEntry::new();
        assert!(!entry.add(b"MESSAGE=audit: type=1307 audit(1.000:2): x"), "without a cursor");
        assert!(entry.add(b"__CURSOR=s") && !entry.add(b"type=CWD msg=audit(1.000:2): x"));
    }
}
