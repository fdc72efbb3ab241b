//! The two ways in which a dependency is satisfied; every journey goes both.

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Linked at run time: each service has its own instances.
    Links,
    /// Composed into its dependers, as stock Spin does it (`--no-links`).
    Composed,
}

impl Mode {
    pub fn has_links(self) -> bool {
        self == Self::Links
    }

    pub fn other(self) -> Self {
        match self {
            Self::Links => Self::Composed,
            Self::Composed => Self::Links,
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.has_links() { "links" } else { "composed" })
    }
}

/// Makes two tests of a story, `<name>::with_links` and `<name>::composed`. A foreign host runs the second.
#[macro_export]
macro_rules! in_both_modes {
    ($( $(#[doc = $doc:literal])* async fn $name:ident($mode:ident: Mode) $story:block )*) => {$(
        $(#[doc = $doc])*
        mod $name {
            use super::*;

            async fn story($mode: $crate::Mode) $story

            #[tokio::test(flavor = "multi_thread")]
            async fn with_links() {
                if !$crate::skipped("links at run time") {
                    story($crate::Mode::Links).await;
                }
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn composed() {
                story($crate::Mode::Composed).await;
            }
        }
    )*};
}
