//! `cargo bench-platform`: the platform against native twins. Every server is a process of its own; this one makes the load and the report.
//!
//! README.md of this folder says what is compared and how to read it.

mod arguments;
mod cores;
mod disk;
mod hello;
mod load;
mod records;
mod report;
mod rounds;
mod server;
mod statistics;
mod suite;
mod twin;

use clap::Parser;

fn main() -> anyhow::Result<()> {
    match arguments::Command::parse() {
        arguments::Command::Run(run) => suite::run(&run),
        arguments::Command::ServeHello => hello::serve(),
        arguments::Command::ServeTwin(twin) => twin::serve(&twin),
        arguments::Command::ServeReader(reader) => twin::serve_reader(&reader),
        arguments::Command::ServeMedia(media) => twin::serve_media(&media),
        arguments::Command::OpenEvents(open) => suite::open_events(&open),
        arguments::Command::ServeRecords(records) => records::serve(&records.dir),
    }
}
