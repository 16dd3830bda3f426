//! Settings of the kernel, features, and the words of monitor and preflight.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::control::Setting;
use crate::control::settings::Settings;
use crate::monitor::MonitorKind;
use crate::preflight::{Check, Level};
use crate::wire::status::{Enabled, FailureMode, FeatureBitmap, FeatureSwitches, Features};

macro_rules! as_text {
    ($($name:ty),*) => {
        $(
            impl Serialize for $name {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.collect_str(self)
                }
            }
        )*
    };
}

as_text!(Setting, MonitorKind, Check, Level, FeatureBitmap, FeatureSwitches);

/// Serializes values as the kernel's number, as in the status.
macro_rules! as_number {
    ($($name:ty),*) => {
        $(
            impl Serialize for $name {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.serialize_u32(self.number())
                }
            }
        )*
    };
}

as_number!(Enabled, FailureMode);

impl Serialize for Settings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl Serialize for Features {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("on", &self.on)?;
        map.serialize_entry("locked", &self.locked)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_an_object_of_numbers() {
        let settings = Settings::new().failure(FailureMode::PRINTK).backlog_limit(64);
        let json = serde_json::to_string(&settings).expect("JSON");
        assert_eq!(json, r#"{"backlog_limit":64,"failure":1}"#);
    }

    #[test]
    fn values_are_words_or_numbers() {
        let values = (Setting::RateLimit, MonitorKind::Pidfd, Level::Missed, Enabled::LOCKED);
        let json = serde_json::to_string(&values).expect("JSON");
        assert_eq!(json, r#"["rate_limit","pidfd","missed",2]"#);
        let on = FeatureSwitches::LOGINUID_IMMUTABLE;
        assert_eq!(serde_json::to_string(&on).expect("JSON"), r#""LOGINUID_IMMUTABLE""#);
    }
}
