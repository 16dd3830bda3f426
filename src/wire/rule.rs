//! `struct audit_rule_data`: a rule in the form in which the kernel takes and lists it.
//!
//! Source: `include/uapi/linux/audit.h`; `kernel/auditfilter.c`, `audit_data_to_entry` and
//! `audit_krule_to_data`.

use crate::decode::{Cursor, DecodeError};
use crate::rule::{Action, FieldId, Filter, FilterValue, List, Operator, Rule, SyscallMask};

/// The bit in the number of the list that puts a rule first, `AUDIT_FILTER_PREPEND`.
const PREPEND: u32 = 0x10;

/// Parses a rule of a listing.
///
/// The value of an unknown field is a number, unless the text after the fields is longer than the
/// known fields need, and exactly one unknown field accounts for the rest: then it is text. In
/// either case [`to_bytes`] returns the same bytes.
///
/// # Errors
///
/// [`DecodeError::Short`] if the struct or its text is cut off, [`DecodeError::Impossible`] for
/// more than 64 fields.
///
/// # Examples
///
/// ```
/// use auditlink::Rule;
/// use auditlink::wire::rule::{parse, to_bytes};
///
/// let rule: Rule = "-w /etc/passwd -p wa -k id".parse()?;
/// let bytes = to_bytes(&rule);
/// assert!(bytes.ends_with(b"/etc/passwdid"));
/// assert_eq!(parse(&bytes), Ok(rule));
/// # Ok::<(), auditlink::rule::RuleError>(())
/// ```
#[doc(alias = "AUDIT_LIST_RULES")]
pub fn parse(payload: &[u8]) -> Result<Rule, DecodeError> {
    let mut cursor = Cursor::new(payload, "a rule");
    let [flags, action, field_count] = cursor.u32s()?;
    let syscalls = cursor.u32s::<{ SyscallMask::WORDS }>()?;
    let fields = cursor.u32s::<{ Rule::MAX_FIELDS }>()?;
    let values = cursor.u32s::<{ Rule::MAX_FIELDS }>()?;
    let operators = cursor.u32s::<{ Rule::MAX_FIELDS }>()?;
    let text_length = usize::try_from(cursor.u32()?).unwrap_or(usize::MAX);
    let text = cursor.bytes(text_length)?;

    let count = usize::try_from(field_count).unwrap_or(usize::MAX);
    if count > Rule::MAX_FIELDS {
        let value = u64::from(field_count);
        return Err(DecodeError::Impossible { what: "the number of a rule's fields", value });
    }
    let parts: Vec<(FieldId, Operator, u32)> = fields
        .into_iter()
        .zip(operators)
        .zip(values)
        .take(count)
        .map(|((field, operator), value)| (FieldId::new(field), Operator::new(operator), value))
        .collect();
    let unknown_text = unknown_text(&parts, text_length);

    let mut strings = Cursor::new(text, "the text of a rule");
    let mut filters = Vec::with_capacity(parts.len());
    for (index, (field, operator, value)) in parts.into_iter().enumerate() {
        let value = if field.is_text() || unknown_text == Some(index) {
            let length = usize::try_from(value).unwrap_or(usize::MAX);
            FilterValue::Text(strings.bytes(length)?.to_vec())
        } else {
            FilterValue::Number(value)
        };
        filters.push(Filter { field, operator, value });
    }
    Ok(Rule {
        list: List::new(flags & !PREPEND),
        action: Action::new(action),
        prepend: flags & PREPEND != 0,
        syscalls: SyscallMask::from_words(syscalls),
        filters,
        tail: strings.rest().to_vec(),
    })
}

/// Returns the index of the only unknown field whose value is the length of the remaining text.
fn unknown_text(parts: &[(FieldId, Operator, u32)], text_length: usize) -> Option<usize> {
    let length = |value: u32| usize::try_from(value).unwrap_or(usize::MAX);
    let known: usize = parts
        .iter()
        .filter(|(field, _, _)| field.is_text())
        .fold(0, |sum, (_, _, value)| sum.saturating_add(length(*value)));
    let rest = text_length.checked_sub(known).filter(|rest| *rest > 0)?;
    let mut candidates = parts
        .iter()
        .enumerate()
        .filter(|(_, (field, _, value))| field.name().is_none() && length(*value) == rest)
        .map(|(index, _)| index);
    let only = candidates.next()?;
    candidates.next().is_none().then_some(only)
}

/// Returns the bytes of a rule, as the kernel takes them.
///
/// Fields after the 64th are not written; [`RuleBuilder::build`](crate::rule::RuleBuilder::build)
/// refuses them.
#[doc(alias = "AUDIT_ADD_RULE")]
#[doc(alias = "AUDIT_DEL_RULE")]
#[must_use]
pub fn to_bytes(rule: &Rule) -> Vec<u8> {
    let mut fields = [0; Rule::MAX_FIELDS];
    let mut values = [0; Rule::MAX_FIELDS];
    let mut operators = [0; Rule::MAX_FIELDS];
    let mut text = Vec::new();
    let slots = fields.iter_mut().zip(&mut values).zip(&mut operators);
    for (filter, ((field, value), operator)) in rule.filters.iter().zip(slots) {
        *field = filter.field.number();
        *operator = filter.operator.number();
        *value = match &filter.value {
            FilterValue::Number(number) => *number,
            FilterValue::Text(bytes) => {
                text.extend_from_slice(bytes);
                length(bytes)
            }
        };
    }
    text.extend_from_slice(&rule.tail);
    let count = rule.filters.len().min(Rule::MAX_FIELDS);
    let flags = rule.list.number() | if rule.prepend { PREPEND } else { 0 };
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    let words = [flags, rule.action.number(), count]
        .into_iter()
        .chain(*rule.syscalls.words())
        .chain(fields)
        .chain(values)
        .chain(operators)
        .chain([length(&text)]);
    let mut bytes: Vec<u8> = words.flat_map(u32::to_ne_bytes).collect();
    bytes.extend_from_slice(&text);
    bytes
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlink_packet_audit::{RuleField, RuleMessage, rules::RuleBuffer};
    use netlink_packet_core::{Emitable, Parseable};

    fn rule(filters: Vec<Filter>) -> Rule {
        Rule {
            list: List::EXIT,
            action: Action::ALWAYS,
            prepend: false,
            syscalls: SyscallMask::ALL,
            filters,
            tail: Vec::new(),
        }
    }

    fn filter(field: u32, value: impl Into<FilterValue>) -> Filter {
        Filter { field: FieldId::new(field), operator: Operator::EQUAL, value: value.into() }
    }

    fn parse_with_peer(bytes: &[u8]) -> Result<RuleMessage, netlink_packet_core::DecodeError> {
        RuleMessage::parse(&RuleBuffer::new_checked(bytes)?)
    }

    #[test]
    fn a_rule_has_the_layout_of_the_struct() {
        let mut one = rule(vec![filter(11, 0xC000_003E), filter(112, "/bin/x"), filter(210, "k")]);
        one.syscalls = SyscallMask::NONE;
        assert!(one.syscalls.insert(59));
        one.prepend = true;
        let bytes = to_bytes(&one);
        assert_eq!(bytes.len(), 1040 + 7);
        let word = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
        assert_eq!((word(0), word(4), word(8)), (0x14, 2, 3));
        assert_eq!((word(12), word(16)), (0, 1 << 27));
        assert_eq!((word(268), word(272), word(276)), (11, 112, 210));
        assert_eq!((word(524), word(528), word(532)), (0xC000_003E, 6, 1));
        assert_eq!((word(780), word(784)), (0x4000_0000, 0x4000_0000));
        assert_eq!(word(1036), 7);
        assert_eq!(&bytes[1040..], b"/bin/xk");
        assert_eq!(parse(&bytes), Ok(one));
    }

    #[test]
    fn all_text_fields_round_trip() {
        let texts: Vec<_> = (0..=255)
            .filter(|number| FieldId::new(*number).is_text())
            .map(|number| filter(number, format!("text{number}").as_str()))
            .collect();
        assert_eq!(texts.len(), 14);
        let one = rule(texts);
        assert_eq!(parse(&to_bytes(&one)), Ok(one));
    }

    #[test]
    fn unknown_fields_lists_and_actions_round_trip() {
        let mut one = rule(vec![filter(300, 9), filter(112, "/bin/x"), filter(301, 4)]);
        one.list = List::new(9);
        one.action = Action::new(7);
        let bytes = to_bytes(&one);
        assert_eq!(parse(&bytes), Ok(one));
        let text = rule(vec![filter(300, "new text"), filter(112, "/bin/x"), filter(301, 4)]);
        assert_eq!(parse(&to_bytes(&text)), Ok(text), "one unknown field accounts for the rest");
        let two = rule(vec![filter(300, "same"), filter(301, "size"), filter(210, "key")]);
        let bytes = to_bytes(&two);
        let ambiguous = parse(&bytes).expect("a valid rule");
        assert_eq!(to_bytes(&ambiguous), bytes, "the bytes are the same after a wrong guess");
    }

    #[test]
    fn every_truncation_is_refused() {
        let bytes = to_bytes(&rule(vec![filter(112, "/bin/x")]));
        for end in 0..bytes.len() {
            assert!(parse(&bytes[..end]).is_err(), "{end}");
        }
        let mut many = bytes.clone();
        many[8..12].copy_from_slice(&65_u32.to_ne_bytes());
        assert!(matches!(parse(&many), Err(DecodeError::Impossible { value: 65, .. })));
        let mut long = bytes;
        long[524..528].copy_from_slice(&u32::MAX.to_ne_bytes());
        assert!(matches!(parse(&long), Err(DecodeError::Short { .. })));
    }

    #[test]
    fn netlink_packet_audit_writes_the_same_bytes() {
        let one = rule(vec![filter(11, 0xC000_003E), filter(105, "/etc/x"), filter(210, "k")]);
        let bytes = to_bytes(&one);
        let message = parse_with_peer(&bytes).expect("known fields");
        assert_eq!(message.fields.len(), 3);
        assert!(message.fields.iter().any(|(field, _)| *field == RuleField::Filterkey("k".into())));
        let mut again = vec![0; message.buffer_len()];
        message.emit(&mut again);
        assert_eq!(again, bytes, "both codecs write the same bytes");
    }

    #[test]
    fn netlink_packet_audit_misreads_exe_and_newer_fields() {
        // it takes exe for a number, so it takes the key from the bytes of the path
        let bytes = to_bytes(&rule(vec![filter(112, "/bin/x"), filter(210, "xyz")]));
        let message = parse_with_peer(&bytes).expect("no error");
        assert!(
            message.fields.iter().any(|(field, _)| *field == RuleField::Filterkey("/bi".into()))
        );
        // it refuses a rule with an unknown field
        assert!(parse_with_peer(&to_bytes(&rule(vec![filter(113, 2)]))).is_err());
        assert!(parse_with_peer(&to_bytes(&rule(vec![filter(300, 0)]))).is_err());
    }
}
