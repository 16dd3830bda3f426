//! Records: their fields as they came, and the interpretations of numbers.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::Bytes;
use crate::bytestr::ByteStr;
use crate::record::{
    Absent, Field, Interpretation, Record, SelinuxLabel, Untrusted, Value, enriched_text,
};

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &self.message_type())?;
        map.serialize_entry("type_code", &self.type_number())?;
        let interpretations: Vec<_> = self.interpretations().collect();
        map.serialize_entry("fields", &FieldMap { record: *self, fields: &interpretations })?;
        let interpreted = Interpreted(&interpretations);
        if interpretations.iter().any(|(_, interpretation)| has_name(interpretation)) {
            map.serialize_entry("interpreted", &interpreted)?;
        }
        let enriched: Vec<_> = self.enriched().collect();
        if !enriched.is_empty() {
            map.serialize_entry("enriched", &Enriched(&enriched))?;
        }
        map.end()
    }
}

/// Groups items by their names, so that no name occurs twice in an object. Names are compared in the
/// form that JSON has.
fn by_name<'f, T>(
    items: &'f [T],
    name: impl Fn(&'f T) -> &'f [u8],
) -> Vec<(Cow<'f, str>, Vec<&'f T>)> {
    let mut groups: Vec<(Cow<'f, str>, Vec<&'f T>)> = Vec::with_capacity(items.len());
    let mut places: HashMap<Cow<'f, str>, usize> = HashMap::with_capacity(items.len());
    for item in items {
        let name = String::from_utf8_lossy(name(item));
        match places.get(&name).and_then(|place| groups.get_mut(*place)) {
            Some((_, group)) => group.push(item),
            None => {
                places.insert(name.clone(), groups.len());
                groups.push((name, vec![item]));
            }
        }
    }
    groups
}

/// Returns whether the names of fields are text and obviously distinct, as in most records. Looking is
/// cheaper than grouping as long as they are few.
fn are_distinct(fields: &[(Field<'_>, Interpretation<'_>)]) -> bool {
    const FEW: usize = 40;
    let mut names = fields.iter().map(|(field, _)| field.name).enumerate();
    fields.len() <= FEW
        && names.all(|(index, name)| {
            let before = fields.iter().take(index);
            name.is_ascii() && !before.into_iter().any(|(field, _)| field.name == name)
        })
}

/// Fields as they came; strings are decoded, and a name that occurs twice has a list.
struct FieldMap<'m, 'a> {
    record: Record<'a>,
    fields: &'m [(Field<'a>, Interpretation<'a>)],
}

impl Serialize for FieldMap<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if are_distinct(self.fields) {
            for (field, interpretation) in self.fields {
                let value = FieldValue { record: self.record, field, interpretation };
                map.serialize_entry(&String::from_utf8_lossy(field.name), &value)?;
            }
            return map.end();
        }
        for (name, fields) in by_name(self.fields, |(field, _)| field.name) {
            let values = fields.iter().map(|(field, interpretation)| FieldValue {
                record: self.record,
                field,
                interpretation,
            });
            match &values.collect::<Vec<_>>()[..] {
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

/// The interpretations that add to the fields' text; of a name that occurs twice, a list as long as that
/// of the fields.
struct Interpreted<'m, 'a>(&'m [(Field<'a>, Interpretation<'a>)]);

impl Serialize for Interpreted<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if are_distinct(self.0) {
            for (field, meaning) in self.0.iter().filter(|(_, meaning)| has_name(meaning)) {
                map.serialize_entry(&String::from_utf8_lossy(field.name), meaning)?;
            }
            return map.end();
        }
        for (name, fields) in by_name(self.0, |(field, _)| field.name) {
            let meanings =
                fields.iter().map(|(_, meaning)| Some(meaning).filter(|it| has_name(it)));
            match &meanings.collect::<Vec<_>>()[..] {
                meanings if meanings.iter().all(Option::is_none) => {}
                [meaning] => map.serialize_entry(&name, meaning)?,
                meanings => map.serialize_entry(&name, meanings)?,
            }
        }
        map.end()
    }
}

/// The fields that auditd appended, decoded; a name that occurs twice has a list.
struct Enriched<'m, 'a>(&'m [Field<'a>]);

impl Serialize for Enriched<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, fields) in by_name(self.0, |field| field.name) {
            let values: Vec<_> = fields.into_iter().map(|field| enriched_text(*field)).collect();
            match &values[..] {
                [value] => map.serialize_entry(&name, value)?,
                values => map.serialize_entry(&name, values)?,
            }
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
