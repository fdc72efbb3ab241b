//! Enums that are words in the database and in the API.

/// An enum whose variants are stored and told as words, with `ALL`, `parse` and `as_str`; ordered as they are written.
///
/// ```
/// sdk::words!(Status { Open = "open", Closed = "closed" });
/// assert_eq!(Status::parse("open"), Some(Status::Open));
/// assert_eq!(Status::Closed.as_str(), "closed");
/// ```
#[macro_export]
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($variant),+ }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}
