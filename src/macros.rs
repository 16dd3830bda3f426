//! Helpers that every module uses: newtypes over kernel numbers, and padded output.

use std::fmt;

/// Defines a newtype of a number that the kernel defines. It holds every number, named or not.
macro_rules! kernel_number {
    ($(#[$doc:meta])* $name:ident($number:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($number);

        impl $name {
            /// Creates the value from the kernel's number.
            #[must_use]
            pub const fn new(number: $number) -> Self {
                Self(number)
            }

            /// Returns the kernel's number.
            #[must_use]
            pub const fn number(self) -> $number {
                self.0
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }
    };
}

pub(crate) use kernel_number;

/// Prints `text`, honouring the width and alignment of the formatter.
///
/// Without a width nothing is allocated.
pub(crate) fn pad(f: &mut fmt::Formatter<'_>, text: fmt::Arguments<'_>) -> fmt::Result {
    if f.width().is_none() && f.precision().is_none() {
        f.write_fmt(text)
    } else {
        f.pad(&text.to_string())
    }
}

/// Prints through a function, which gets a formatter without width; the width is honoured.
pub(crate) fn pad_with(
    f: &mut fmt::Formatter<'_>,
    print: impl Fn(&mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    struct Print<F>(F);

    impl<F: Fn(&mut fmt::Formatter<'_>) -> fmt::Result> fmt::Display for Print<F> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            (self.0)(f)
        }
    }

    pad(f, format_args!("{}", Print(print)))
}
