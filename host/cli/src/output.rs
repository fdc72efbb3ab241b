//! Lines on stdout and stderr whose reader may be gone: `kobliat logs … | head`, or Ctrl-C that ends `tee` first. The
//! standard library's macros panic then, before anything is drained.

/// A line of the command's answer.
macro_rules! say {
    ($($line:tt)*) => {{
        use std::io::Write as _;
        drop(writeln!(std::io::stdout(), $($line)*));
    }};
}

/// A line for whoever watches.
macro_rules! tell {
    ($($line:tt)*) => {{
        use std::io::Write as _;
        drop(writeln!(std::io::stderr(), $($line)*));
    }};
}
