//! The relay: stores and moves only ciphertext over JMAP and SMTP.
//!
//! Bytes come in through [`http`] (JMAP) or [`smtp`]; [`delivery`] seals what comes in clear;
//! [`store`] and [`blobs`] keep it; [`push`] tells who listens; [`outbound`] sends what goes
//! elsewhere. Every acknowledgement follows durable storage.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::cast_possible_truncation,
        reason = "tests may panic"
    )
)]

pub mod address;
mod admission;
pub mod allowance;
pub mod authority;
pub mod backup;
pub mod blobs;
pub mod check;
pub mod clear;
pub mod clear_text;
pub mod clock;
pub mod commands;
pub mod config;
pub mod delivery;
pub mod demo;
pub mod directory;
pub mod http;
#[expect(
    clippy::result_large_err,
    reason = "a SetError is an answer with its facts, made once for each refused object"
)]
pub mod jmap;
pub mod logging;
mod memory;
pub mod metrics;
mod name_service;
pub mod outbound;
pub mod outer;
pub mod parts;
pub mod people;
pub mod processes;
pub mod progress;
pub mod push;
pub mod random;
pub mod relay;
pub mod reload;
pub mod report;
pub mod serve;
pub mod session;
pub mod smtp;
mod sources;
pub mod store;
pub mod tls;
pub mod trickle;
pub mod vacation;
pub mod webpush;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// Octets as JMAP carries them.
fn base64_text(octets: &[u8]) -> String {
    STANDARD.encode(octets)
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Octets as cookies and file names carry them.
fn base64_url(octets: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(octets)
}
