//! Records: their fields as they came, and what the numbers among them mean.

use std::collections::HashMap;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::Bytes;
use crate::bytestr::ByteStr;
use crate::record::{Field, Interpretation, Record, Value};

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &self.message_type())?;
        map.serialize_entry("type_code", &self.message_type().number())?;
        let meanings: Vec<_> = self.interpretations().collect();
        map.serialize_entry("fields", &FieldMap { record: *self, fields: &meanings })?;
        let numbers: Vec<_> = meanings.iter().filter(|(_, meaning)| has_name(meaning)).collect();
        if !numbers.is_empty() {
            map.serialize_entry("interpreted", &Interpreted(&numbers))?;
        }
        let enriched: Vec<_> = self.enriched().collect();
        if !enriched.is_empty() {
            map.serialize_entry("enriched", &Enriched(&enriched))?;
        }
        map.end()
    }
}

/// Fields as they came; strings are decoded, a name that stands twice has a list.
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
            let Some(places) = at.get(field.name).filter(|places| places.first() == Some(&index))
            else {
                continue;
            };
            let values: Vec<_> = places
                .iter()
                .filter_map(|place| self.fields.get(*place))
                .map(|(field, meaning)| FieldValue { record: self.record, field, meaning })
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
    meaning: &'m Interpretation<'a>,
}

impl Serialize for FieldValue<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = self.field.value;
        match self.meaning {
            Interpretation::Message(_) => {
                let Some(message) = self.record.as_user_message() else {
                    return Bytes(value.bytes()).serialize(serializer);
                };
                let meanings: Vec<_> = message.interpretations().collect();
                FieldMap { record: self.record, fields: &meanings }.serialize(serializer)
            }
            Interpretation::Text(_)
            | Interpretation::Keys(_)
            | Interpretation::Arguments(_)
            | Interpretation::Keystrokes(_) => match value.untrusted().bytes() {
                Some(bytes) => Bytes(&bytes).serialize(serializer),
                None => serializer.serialize_none(),
            },
            Interpretation::Absent(crate::record::Absent::Null) => serializer.serialize_none(),
            _ => Bytes(value.bytes()).serialize(serializer),
        }
    }
}

/// Tells whether a meaning says more than the field's own text.
fn has_name(meaning: &Interpretation<'_>) -> bool {
    match meaning {
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
        for (field, meaning) in self.0 {
            map.serialize_entry(&String::from_utf8_lossy(field.name), meaning)?;
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
