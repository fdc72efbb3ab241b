//! The chat simulator: personas that write, and a provider emulator.
