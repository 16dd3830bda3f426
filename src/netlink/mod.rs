//! The netlink socket, and what its errors mean.

pub(crate) mod error_map;
pub(crate) mod socket;
