use crate::asn1::{Malformed, Tlv, tag};

/// A moment, in seconds since 1970-01-01T00:00:00Z. Time always comes in as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(pub u64);

/// 9999-12-31T23:59:59Z, the last moment that X.509 can name (RFC 5280 4.1.2.5).
const LAST: u64 = 253_402_300_799;

impl UnixTime {
    /// The moment `seconds` later.
    #[must_use]
    pub const fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Reads UTCTime or GeneralizedTime, in UTC; fractions of a second are cut.
    pub(crate) fn from_tlv(time: &Tlv<'_>) -> Result<Self, Malformed> {
        match time.tag {
            tag::UTC_TIME => {
                let year = u64::from(two_digits(time.value, 0)?);
                // RFC 5280 4.1.2.5.1: 50 to 99 are of the twentieth century.
                Self::from_fields(if year >= 50 { 1900 + year } else { 2000 + year }, time.value.get(2..))
            }
            tag::GENERALIZED_TIME => {
                let year =
                    u64::from(two_digits(time.value, 0)?) * 100 + u64::from(two_digits(time.value, 2)?);
                Self::from_fields(year, time.value.get(4..))
            }
            _ => Err(Malformed),
        }
    }

    /// Reads `MMDDhhmm[ss][.f*]Z`; years before 1970 count as 1970, which is as long past.
    fn from_fields(year: u64, rest: Option<&[u8]>) -> Result<Self, Malformed> {
        let rest = rest.and_then(|r| r.strip_suffix(b"Z")).ok_or(Malformed)?;
        let (whole, fraction) = match rest.iter().position(|b| *b == b'.') {
            Some(dot) => (rest.get(..dot).ok_or(Malformed)?, rest.get(dot + 1..).ok_or(Malformed)?),
            None => (rest, b"0".as_slice()),
        };
        if fraction.is_empty() || !fraction.iter().all(u8::is_ascii_digit) {
            return Err(Malformed);
        }
        let second = match whole.len() {
            10 => two_digits(whole, 8)?,
            8 => 0,
            _ => return Err(Malformed),
        };
        let (month, day) = (two_digits(whole, 0)?, two_digits(whole, 2)?);
        let (hour, minute) = (two_digits(whole, 4)?, two_digits(whole, 6)?);
        let valid = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
        if !valid || hour > 23 || minute > 59 || second > 60 {
            return Err(Malformed);
        }
        let days = days_since_1970(year, u64::from(month), u64::from(day));
        let clock = u64::from(hour) * 3600 + u64::from(minute) * 60 + u64::from(second);
        Ok(Self(days.map_or(0, |days| days * 86_400 + clock)))
    }

    /// Year, month, day, hour, minute, second in UTC; capped at the year 9999.
    pub(crate) fn fields(self) -> (u64, u64, u64, u64, u64, u64) {
        let seconds = self.0.min(LAST);
        let (days, clock) = (seconds / 86_400, seconds % 86_400);
        // Days are counted from 0000-03-01, so that the leap day is the last of its year.
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        (year, month, day, clock / 3600, clock / 60 % 60, clock % 60)
    }

    /// `YYYYMMDDhhmmssZ`, the text of a GeneralizedTime.
    pub(crate) fn generalized(self) -> String {
        let (year, month, day, hour, minute, second) = self.fields();
        format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}Z")
    }
}

fn two_digits(text: &[u8], at: usize) -> Result<u8, Malformed> {
    match text.get(at..at + 2) {
        Some([tens @ b'0'..=b'9', ones @ b'0'..=b'9']) => Ok((tens - b'0') * 10 + (ones - b'0')),
        _ => Err(Malformed),
    }
}

fn days_in(year: u64, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    let shifted_year = if month <= 2 { year.checked_sub(1)? } else { year };
    let (era, year_of_era) = (shifted_year / 400, shifted_year % 400);
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era).checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> Result<UnixTime, Malformed> {
        UnixTime::from_tlv(&Tlv { tag: tag::UTC_TIME, value: text.as_bytes(), der: &[] })
    }

    fn generalized(text: &str) -> Result<UnixTime, Malformed> {
        UnixTime::from_tlv(&Tlv { tag: tag::GENERALIZED_TIME, value: text.as_bytes(), der: &[] })
    }

    #[test]
    fn reads_the_times_of_certificates() {
        assert_eq!(utc("700101000000Z"), Ok(UnixTime(0)));
        assert_eq!(utc("240229120000Z"), Ok(UnixTime(1_709_208_000)));
        assert_eq!(generalized("20500101000000Z"), Ok(UnixTime(2_524_608_000)));
        assert_eq!(generalized("99991231235959.5Z"), Ok(UnixTime(LAST)));
        assert_eq!(utc("500101000000Z"), Ok(UnixTime(0)), "1950 is as long past as 1970");
    }

    #[test]
    fn refuses_days_and_zones_that_do_not_exist() {
        for text in ["230229120000Z", "231301000000Z", "2301010000", "230101000000+0100", "23010100000aZ"] {
            assert_eq!(utc(text), Err(Malformed), "{text}");
        }
    }

    #[test]
    fn writes_what_it_reads() {
        for seconds in (0..LAST).step_by(86_400 * 37 + 12_345) {
            assert_eq!(generalized(&UnixTime(seconds).generalized()), Ok(UnixTime(seconds)));
        }
    }
}
