//! Operators, which compare a field with a value.

use std::fmt;

use netlink_packet_audit::constants as audit;

use crate::macros::kernel_number;

kernel_number! {
    /// How a rule compares a field with a value.
    ///
    /// An unknown number survives a listing and prints as `?0x<number>?`.
    ///
    /// Source: `include/uapi/linux/audit.h`, `AUDIT_OPERATORS`.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::rule::Operator;
    ///
    /// assert_eq!(Operator::GREATER_OR_EQUAL.to_string(), ">=");
    /// assert_eq!(Operator::new(0x7700_0000).to_string(), "?0x77000000?");
    /// ```
    #[doc(alias = "AUDIT_OPERATORS")]
    Operator(u32)
}

impl Operator {
    /// `=`
    #[doc(alias = "AUDIT_EQUAL")]
    pub const EQUAL: Self = Self(audit::AUDIT_EQUAL);
    /// `!=`
    #[doc(alias = "AUDIT_NOT_EQUAL")]
    pub const NOT_EQUAL: Self = Self(audit::AUDIT_NOT_EQUAL);
    /// `<`
    #[doc(alias = "AUDIT_LESS_THAN")]
    pub const LESS: Self = Self(audit::AUDIT_LESS_THAN);
    /// `<=`
    #[doc(alias = "AUDIT_LESS_THAN_OR_EQUAL")]
    pub const LESS_OR_EQUAL: Self = Self(audit::AUDIT_LESS_THAN_OR_EQUAL);
    /// `>`
    #[doc(alias = "AUDIT_GREATER_THAN")]
    pub const GREATER: Self = Self(audit::AUDIT_GREATER_THAN);
    /// `>=`
    #[doc(alias = "AUDIT_GREATER_THAN_OR_EQUAL")]
    pub const GREATER_OR_EQUAL: Self = Self(audit::AUDIT_GREATER_THAN_OR_EQUAL);
    /// `&`: any of the bits is set.
    #[doc(alias = "AUDIT_BIT_MASK")]
    pub const BIT_MASK: Self = Self(audit::AUDIT_BIT_MASK);
    /// `&=`: all of the bits are set.
    #[doc(alias = "AUDIT_BIT_TEST")]
    pub const BIT_TEST: Self = Self(audit::AUDIT_BIT_TEST);

    /// Returns the sign that `auditctl -F` takes, or `None` for an unknown number.
    #[must_use]
    pub fn sign(self) -> Option<&'static str> {
        SIGNS.iter().find(|(operator, _)| *operator == self).map(|(_, sign)| *sign)
    }

    /// Splits `name<sign>value`; `None` if the text contains no sign.
    pub(super) fn split(text: &str) -> Option<(&str, Self, &str)> {
        let at = text.find(['=', '!', '<', '>', '&'])?;
        let (name, rest) = text.split_at_checked(at)?;
        SIGNS.iter().find_map(|(operator, sign)| Some((name, *operator, rest.strip_prefix(sign)?)))
    }
}

/// The operators with their signs, longer signs first.
pub(super) const SIGNS: &[(Operator, &str)] = &[
    (Operator::NOT_EQUAL, "!="),
    (Operator::LESS_OR_EQUAL, "<="),
    (Operator::GREATER_OR_EQUAL, ">="),
    (Operator::BIT_TEST, "&="),
    (Operator::EQUAL, "="),
    (Operator::LESS, "<"),
    (Operator::GREATER, ">"),
    (Operator::BIT_MASK, "&"),
];

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sign() {
            Some(sign) => f.pad(sign),
            None => f.pad(&format!("?{:#x}?", self.0)),
        }
    }
}

/// The operators that a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operators {
    /// `=`
    Equal,
    /// `=` and `!=`
    Equality,
    /// All but `&` and `&=`.
    Order,
    /// All of `auditctl`.
    All,
}

impl Operators {
    /// Returns whether an operator is among these. Unknown operators are left to the kernel.
    pub(super) fn contains(self, operator: Operator) -> bool {
        match operator {
            Operator::EQUAL => true,
            Operator::NOT_EQUAL => self != Self::Equal,
            Operator::BIT_MASK | Operator::BIT_TEST => self == Self::All,
            _ if operator.sign().is_none() => true,
            _ => matches!(self, Self::Order | Self::All),
        }
    }

    /// Lists the signs, for a message.
    pub(super) const fn signs(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::Equality => "= and !=",
            Self::Order => "=, !=, <, <=, > and >=",
            Self::All => "=, !=, <, <=, >, >=, & and &=",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sign_is_split_off() {
        for (operator, sign) in SIGNS {
            let text = format!("a0{sign}5");
            assert_eq!(Operator::split(&text), Some(("a0", *operator, "5")));
        }
        assert_eq!(Operator::split("a0"), None);
        assert_eq!(Operator::split("a0!5"), None);
    }

    #[test]
    fn the_signs_in_messages_are_those_of_the_set() {
        for set in [Operators::Equal, Operators::Equality, Operators::Order, Operators::All] {
            let listed: Vec<&str> =
                set.signs().split([',', ' ']).filter(|word| !["", "and"].contains(word)).collect();
            for (operator, sign) in SIGNS {
                assert_eq!(listed.contains(sign), set.contains(*operator), "{set:?} {sign}");
            }
            assert!(set.contains(Operator::new(0x7700_0000)), "an unknown operator");
        }
    }
}
