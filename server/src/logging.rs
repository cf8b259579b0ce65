//! Structured logs on standard error.
//!
//! No address, subject, content, query string or secret is ever given to a log call: what is logged
//! are ids, sizes, codes and durations.

use tracing_subscriber::EnvFilter;

/// Starts logging.
pub fn start(filter: EnvFilter) {
    let logs = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // What a panic says may quote the mail that caused it, so only its place is told.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a task panicked");
    }));
    // Only the first call counts, as when several tests start a relay in one process.
    logs.try_init().ok();
}
