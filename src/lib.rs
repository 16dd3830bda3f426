//! placeholder
#![forbid(unsafe_code)]
mod cursor;
pub mod time;
pub use cursor::DecodeError;
pub mod message_type;
pub use message_type::MessageType;
pub mod arch;
pub mod record;
pub mod rule;
pub mod wire;
