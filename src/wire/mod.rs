//! The kernel's byte layouts: netlink messages and the structs that they carry.

pub(crate) mod connector;
pub mod frame;
pub(crate) mod request;
pub mod rule;
pub mod status;
