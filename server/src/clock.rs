//! The wall clock, read in one place.

use std::time::{SystemTime, UNIX_EPOCH};

use smime::UnixTime;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::{Rfc2822, Rfc3339};
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

/// Milliseconds since 1970, as the store keeps time.
pub type Millis = i64;

const C_DATE: &[BorrowedFormatItem<'_>] = format_description!(
    "[weekday repr:short] [month repr:short] [day padding:space] [hour]:[minute]:[second] [year]"
);

/// Now.
pub fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Whether a time of `length` that ends at `until` is over; also where it would begin later than now, for then the clock
/// was ahead.
pub fn is_over(until: Millis, length: Millis, now: Millis) -> bool {
    until <= now || until > now.saturating_add(length)
}

/// Now, in whole seconds.
pub fn unix_time() -> UnixTime {
    UnixTime(u64::try_from(now() / 1000).unwrap_or_default())
}

/// A `UTCDate` (RFC 8620 1.4).
pub fn utc_date(at: Millis) -> String {
    moment(at).format(&Rfc3339).unwrap_or_default()
}

/// A date of a message header (RFC 5322 3.3).
pub fn mail_date(at: Millis) -> String {
    moment(at).format(&Rfc2822).unwrap_or_default()
}

/// Reads a `UTCDate` or `Date`.
pub fn parse_date(text: &str) -> Option<Millis> {
    let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok()
}

/// A date as the C library writes it, in UTC, which mailbox files have (RFC 4155).
pub fn c_date(at: Millis) -> String {
    moment(at).format(C_DATE).unwrap_or_default()
}

/// Reads such a date.
pub fn parse_c_date(text: &str) -> Option<Millis> {
    let at = PrimitiveDateTime::parse(text, C_DATE).ok()?;
    at.assume_utc().unix_timestamp().checked_mul(1000)
}

fn moment(at: Millis) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.div_euclid(1000)).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_the_protocols_want_them() {
        let at = parse_date("2026-01-02T03:04:05Z").unwrap();
        assert_eq!(utc_date(at), "2026-01-02T03:04:05Z");
        assert_eq!(mail_date(at), "Fri, 02 Jan 2026 03:04:05 +0000");
        assert_eq!(c_date(at), "Fri Jan  2 03:04:05 2026");
        assert_eq!(parse_c_date(&c_date(at)), Some(at));
    }
}
