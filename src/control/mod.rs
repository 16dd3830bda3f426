//! Requests to the kernel's audit system: settings, rules, messages.
//!
//! [`Control`] makes the requests. This module holds the types that its methods take and return.

mod apply;
pub(crate) mod installed;
pub(crate) mod registration;
pub(crate) mod requests;
pub(crate) mod settings;
mod socket;

pub use self::apply::{ApplyMode, ApplyReport};
pub(crate) use self::requests::Control;
pub use crate::setting::Setting;
