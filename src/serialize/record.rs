//! Records: their fields as they came, and the interpretations of numbers.

use std::collections::HashMap;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::Bytes;
use crate::bytestr::ByteStr;
use crate::record::{Absent, Field, Interpretation, Record, SelinuxLabel, Untrusted, Value};

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &self.message_type())?;
        map.serialize_entry("type_code", &self.message_type().number())?;
        let interpretations: Vec<_> = self.interpretations().collect();
        map.serialize_entry("fields", &FieldMap { record: *self, fields: &interpretations })?;
        let interpreted: Vec<_> =
            interpretations.iter().filter(|(_, interpretation)| has_name(interpretation)).collect();
        if !interpreted.is_empty() {
            map.serialize_entry("interpreted", &Interpreted(&interpreted))?;
        }
        let enriched: Vec<_> = self.enriched().collect();
        if !enriched.is_empty() {
            map.serialize_entry("enriched", &Enriched(&enriched))?;
        }
        map.end()
    }
}

/// Fields as they came; strings are decoded, and a name that occurs twice has a list.
struct FieldMap<'m, 'a> {
    record: Record<'a>,
    fields: &'m [(Field<'a>, Interpretation<'a>)],
}

impl Serialize for FieldMap<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let mut at: HashMap<&[u8], Vec<usize>> = HashMap::new();
        for (index, (field, _)) in self.fields.iter().enumerate() {
            at.entry(field.name).or_default().push(index);
        }
        for (index, (field, _)) in self.fields.iter().enumerate() {
            let Some(positions) =
                at.get(field.name).filter(|positions| positions.first() == Some(&index))
            else {
                continue;
            };
            let values: Vec<_> = positions
                .iter()
                .filter_map(|position| self.fields.get(*position))
                .map(|(field, interpretation)| FieldValue {
                    record: self.record,
                    field,
                    interpretation,
                })
                .collect();
            let name = String::from_utf8_lossy(field.name);
            match &values[..] {
                [value] => map.serialize_entry(&name, value)?,
                values => map.serialize_entry(&name, values)?,
            }
        }
        map.end()
    }
}

struct FieldValue<'m, 'a> {
    record: Record<'a>,
    field: &'m Field<'a>,
    interpretation: &'m Interpretation<'a>,
}

impl Serialize for FieldValue<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = self.field.value;
        match self.interpretation {
            Interpretation::Message(_) => {
                let Some(message) = self.record.as_user_message() else {
                    return Bytes(value.bytes()).serialize(serializer);
                };
                let interpretations: Vec<_> = message.interpretations().collect();
                FieldMap { record: self.record, fields: &interpretations }.serialize(serializer)
            }
            Interpretation::Text(_)
            | Interpretation::Keys(_)
            | Interpretation::Arguments(_)
            | Interpretation::Keystrokes(_) => match value.untrusted().bytes() {
                Some(bytes) => Bytes(&bytes).serialize(serializer),
                None => serializer.serialize_none(),
            },
            Interpretation::Absent(Absent::Null) => serializer.serialize_none(),
            _ => Bytes(value.bytes()).serialize(serializer),
        }
    }
}

/// Returns whether an interpretation adds to the field's text.
fn has_name(interpretation: &Interpretation<'_>) -> bool {
    match interpretation {
        Interpretation::Syscall { name, .. } | Interpretation::Operation { name, .. } => {
            name.is_some()
        }
        Interpretation::Name(name) => name.name().is_some(),
        Interpretation::User(id) | Interpretation::Group(id) | Interpretation::Session(id) => {
            id.is_none()
        }
        Interpretation::Exit(value) => *value < 0,
        Interpretation::Flags(flags) => flags.names().next().is_some(),
        Interpretation::Directory(descriptor) => descriptor.is_none(),
        Interpretation::Arch(_)
        | Interpretation::Errno(_)
        | Interpretation::Signal(_)
        | Interpretation::Mode(_)
        | Interpretation::Permissions(_)
        | Interpretation::Capability(_)
        | Interpretation::Capabilities(_)
        | Interpretation::Address(_)
        | Interpretation::Seccomp { .. }
        | Interpretation::Clone { .. }
        | Interpretation::SharedMemory { .. } => true,
        _ => false,
    }
}

struct Interpreted<'m, 'a>(&'m [&'m (Field<'a>, Interpretation<'a>)]);

impl Serialize for Interpreted<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (field, interpretation) in self.0 {
            map.serialize_entry(&String::from_utf8_lossy(field.name), interpretation)?;
        }
        map.end()
    }
}

struct Enriched<'m, 'a>(&'m [Field<'a>]);

impl Serialize for Enriched<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for field in self.0 {
            let name = String::from_utf8_lossy(field.name);
            map.serialize_entry(&name, &Bytes(Value::bytes(field.value)))?;
        }
        map.end()
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Bytes(self.bytes()).serialize(serializer)
    }
}

impl Serialize for Untrusted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.clone().bytes().serialize(serializer)
    }
}

impl Serialize for Absent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for SelinuxLabel<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("user", &Bytes(self.user))?;
        map.serialize_entry("role", &Bytes(self.role))?;
        map.serialize_entry("type", &Bytes(self.type_))?;
        map.serialize_entry("range", &self.range.map(Bytes))?;
        map.end()
    }
}

impl Serialize for ByteStr<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Bytes(self).serialize(serializer)
    }
}

/// A list of byte strings.
pub(super) struct ByteList<I>(pub(super) I);

impl<B: AsRef<[u8]>, I: Iterator<Item = B> + Clone> Serialize for ByteList<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(None)?;
        for bytes in self.0.clone() {
            sequence.serialize_element(&Bytes(bytes.as_ref()))?;
        }
        sequence.end()
    }
}
