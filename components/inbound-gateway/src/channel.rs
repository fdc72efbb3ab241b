//! Channels: one module per provider, each turning that provider's webhook into the updates that all channels share.

pub mod whatsapp;
