//! How far a command is, for whoever watches it on a terminal.

use std::io::{IsTerminal, Write, stderr};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How often the line is written anew.
const EVERY: Duration = Duration::from_millis(200);

/// A line on standard error that is written over; nothing where that is no terminal.
#[derive(Debug)]
pub struct Progress(Option<Mutex<Instant>>);

impl Progress {
    /// Shows progress where standard error is a terminal.
    pub fn on_terminal() -> Self {
        Self(stderr().is_terminal().then(|| Mutex::new(Instant::now())))
    }

    /// Shows nothing.
    pub fn silent() -> Self {
        Self(None)
    }

    /// So many of these are done, of so many in all; 0 when that is not known.
    pub fn show(&self, what: &str, done: usize, all: usize) {
        let Some(shown) = &self.0 else { return };
        let mut shown = shown.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if shown.elapsed() < EVERY {
            return;
        }
        *shown = Instant::now();
        let of = if all == 0 { String::new() } else { format!(" of {all}") };
        stderr().write_all(format!("\r\x1b[K{done}{of} {what}").as_bytes()).ok();
    }

    /// Takes the line away.
    pub fn end(&self) {
        if self.0.is_some() {
            stderr().write_all(b"\r\x1b[K").ok();
        }
    }
}
