//! JMAP's times (RFC 8620 1.4): RFC 3339 in UTC, to the second.

use crate::protocol::UnixTime;

/// Reads `YYYY-MM-DDThh:mm:ss[.f]Z`; none for anything else, and for years before 1970.
pub fn parse(text: &str) -> Option<UnixTime> {
    let text = text.strip_suffix('Z')?;
    let (date, clock) = text.split_once('T')?;
    let clock = clock.split_once('.').map_or(clock, |(whole, _)| whole);
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(clock, ':')?;
    let possible = (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !possible || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    Some(UnixTime(days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second))
}

/// Writes a time as JMAP wants it.
pub fn format(time: UnixTime) -> String {
    let (days, clock) = (time.0 / 86_400, time.0 % 86_400);
    // Counted from 0000-03-01, so that the leap day is the last of its year.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

fn numbers(text: &str, separator: char) -> Option<[u64; 3]> {
    let mut parts = text.split(separator).map(|part| {
        // `parse` alone would take a sign.
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?
    });
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}

fn days(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * month + 2) / 5 + day - 1;
    (era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year).saturating_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::{format, parse};
    use crate::protocol::UnixTime;

    #[test]
    fn times_are_read_and_written_alike() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2024-02-29T12:00:00Z", 1_709_208_000),
            ("2026-11-26T04:05:06Z", 1_795_665_906),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ] {
            assert_eq!(parse(text), Some(UnixTime(seconds)));
            assert_eq!(format(UnixTime(seconds)), text);
        }
        assert_eq!(parse("2024-02-29T12:00:00.123Z"), Some(UnixTime(1_709_208_000)));
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "2024-02-29",
            "2024-02-29T12:00:00",
            "2024-13-01T00:00:00Z",
            "+024-02-29T12:00:00Z",
            "a-b-cTd:e:fZ",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
