//! Structured logs: JSON lines on standard error, or in one file a day.
//!
//! No address, subject, content, query string or secret is ever given to a log call: what is logged
//! are ids, sizes, codes and durations.

use std::path::Path;
use std::sync::OnceLock;
use std::{fs, io};

use time::Date;
use time::macros::format_description;
use tracing_appender::rolling::{InitError, RollingFileAppender, Rotation};
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry};

/// A file's name is this, the day (UTC) and `log`, with full stops between.
const PREFIX: &str = "sealpost";

static FILTER: OnceLock<Handle<EnvFilter, Registry>> = OnceLock::new();

/// Starts logging, into files in a folder where one is given.
///
/// Lines are written before the caller goes on: what must be kept is not lost in a queue.
pub fn start(filter: EnvFilter, folder: Option<&Path>) -> Result<(), InitError> {
    let writer = match folder {
        None => BoxMakeWriter::new(io::stderr),
        Some(folder) => {
            let files = RollingFileAppender::builder().rotation(Rotation::DAILY);
            BoxMakeWriter::new(files.filename_prefix(PREFIX).filename_suffix("log").build(folder)?)
        }
    };
    let (filter, handle) = reload::Layer::new(filter);
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(writer);
    // What a panic says may quote the mail that caused it, so only its place is told.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a task panicked");
    }));
    // Only the first call counts, as when several tests start a relay in one process.
    if tracing_subscriber::registry().with(filter).with(lines).try_init().is_ok() {
        FILTER.set(handle).ok();
    }
    Ok(())
}

/// Logs something else from now on.
pub fn set_filter(filter: EnvFilter) {
    if let Some(handle) = FILTER.get() {
        // It fails only where the subscriber is gone, and with it all logs.
        handle.reload(filter).ok();
    }
}

/// Removes the files of days before `today` less `days`; gives how many.
pub fn prune(folder: &Path, days: u16, today: Date) -> io::Result<usize> {
    let first = today.saturating_sub(time::Duration::days(i64::from(days)));
    let mut removed = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.file_name().and_then(|name| day(name.to_str()?)).is_some_and(|day| day < first) {
            fs::remove_file(path)?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// The day that a file of logs is of; none for a file that is another's.
fn day(name: &str) -> Option<Date> {
    let day = name.strip_prefix(PREFIX)?.strip_prefix('.')?.strip_suffix(".log")?;
    Date::parse(day, format_description!("[year]-[month]-[day]")).ok()
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn only_logs_from_before_the_set_days_go() {
        let folder = std::env::temp_dir().join(crate::random::id('t'));
        fs::create_dir_all(&folder).unwrap();
        let names =
            ["sealpost.2026-01-01.log", "sealpost.2026-01-02.log", "other.2025-01-01.log", "sealpost.log"];
        for name in names {
            fs::write(folder.join(name), "").unwrap();
        }
        assert_eq!(prune(&folder, 180, date!(2026 - 07 - 01)).unwrap(), 1);
        let left = names.map(|name| folder.join(name).exists());
        assert_eq!(left, [false, true, true, true]);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_file_is_named_by_its_day() {
        let folder = std::env::temp_dir().join(crate::random::id('t'));
        let files = RollingFileAppender::builder().rotation(Rotation::DAILY).filename_prefix(PREFIX);
        drop(files.filename_suffix("log").build(&folder).unwrap());
        let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 1);
        assert!(day(names[0].to_str().unwrap()).is_some(), "{names:?}");
        fs::remove_dir_all(&folder).unwrap();
    }
}
