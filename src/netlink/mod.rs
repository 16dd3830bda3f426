//! The netlink socket, and the causes of its errors.

pub(crate) mod batch;
pub(crate) mod error_map;
pub(crate) mod socket;
