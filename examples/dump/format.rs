//! The output formats.

use std::io::{self, IsTerminal as _, Write};
use std::str::FromStr;

use auditlink::Delivery;
use auditlink::host::UserNames;
use auditlink::record::LogLine;

use crate::text::{Style, event_line, loss_line};

/// The output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// One line for each event or loss, for people.
    Text,
    /// One JSON object per line, for programs.
    Json,
    /// One record per line, as auditd writes them.
    Log,
    /// Nothing but the counts on standard error.
    None,
}

impl Format {
    /// Every format with its name on the command line.
    const NAMES: [(&str, Self); 4] =
        [("text", Self::Text), ("json", Self::Json), ("log", Self::Log), ("none", Self::None)];

    /// Iterates over the names of the formats.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().map(|(name, _)| name)
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let format = Self::NAMES.into_iter().find(|(name, _)| *name == word);
        format.map(|(_, format)| format).ok_or_else(|| format!("unknown format '{word}'"))
    }
}

/// Prints deliveries in a format.
pub(crate) struct Printer {
    format: Format,
    style: Style,
    /// User names, if the events are of this machine.
    names: Option<UserNames>,
}

impl Printer {
    pub(crate) fn new(format: Format, is_of_this_machine: bool) -> Self {
        let wants_colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let style =
            if wants_colour && io::stdout().is_terminal() { Style::Colour } else { Style::Plain };
        Self { format, style, names: is_of_this_machine.then(UserNames::new) }
    }

    /// Prints a delivery.
    pub(crate) fn write(&self, output: &mut impl Write, delivery: &Delivery) -> io::Result<()> {
        match (self.format, delivery) {
            (Format::None, _) => Ok(()),
            (Format::Text, Delivery::Event(event)) => {
                writeln!(output, "{}", event_line(event, self.names.as_ref(), self.style))
            }
            (Format::Text, Delivery::Loss(loss)) => {
                writeln!(output, "{}", loss_line(loss, self.style))
            }
            (Format::Json, delivery) => {
                serde_json::to_writer(&mut *output, delivery)?;
                writeln!(output)
            }
            (Format::Log, Delivery::Event(event)) => event.records().try_for_each(|record| {
                output.write_all(&LogLine::of(&record).to_bytes())?;
                writeln!(output)
            }),
            (Format::Log, Delivery::Loss(loss)) => writeln!(output, "# {loss}"),
        }
    }
}
