//! Times and sizes as people write them.

use super::{Language, Texts};
use crate::web::dom::LocalTime;

/// The time for a list: the hour today, then the weekday, then the date, then the year too.
pub(crate) fn list_time(texts: &Texts, then: LocalTime, now: LocalTime) -> String {
    match now.day_number.checked_sub(then.day_number) {
        Some(0) => clock(then),
        Some(1) => texts.yesterday.into(),
        Some(2..=6) => weekday(texts, then).into(),
        _ if then.year == now.year => date(texts, then),
        _ => dated(texts, then),
    }
}

/// The time for the head of a message.
pub(crate) fn day_and_time(texts: &Texts, then: LocalTime, now: LocalTime) -> String {
    let day = match now.day_number.checked_sub(then.day_number) {
        Some(0) => return clock(then),
        Some(1) => texts.yesterday.into(),
        _ if then.year == now.year => date(texts, then),
        _ => dated(texts, then),
    };
    format!("{day} {}", clock(then))
}

/// The whole time, for details and quoting.
pub(crate) fn full_time(texts: &Texts, then: LocalTime) -> String {
    format!("{} {}", dated(texts, then), clock(then))
}

/// A text that cannot turn the direction of the sentence around it.
pub(crate) fn isolated(text: &str) -> String {
    format!("\u{2068}{text}\u{2069}")
}

/// A size in bytes as people write it, decimal as file managers do.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} KB", bytes.div_ceil(1_000)),
        _ => {
            let tenths = bytes.div_ceil(100_000);
            match tenths % 10 {
                0 => format!("{} MB", tenths / 10),
                rest => format!("{}.{rest} MB", tenths / 10),
            }
        }
    }
}

/// A fingerprint in groups of four, as people compare them.
pub(crate) fn grouped(print: &str) -> String {
    let mut grouped = String::with_capacity(print.len() * 5 / 4);
    for (index, digit) in print.chars().enumerate() {
        if index > 0 && index % 4 == 0 {
            grouped.push(' ');
        }
        grouped.push(digit.to_ascii_uppercase());
    }
    grouped
}

/// The name in a certificate's subject (RFC 4514), or all of it where it has none.
pub(crate) fn common_name(subject: &str) -> String {
    let Some((_, tail)) = subject.split_once("CN=") else { return subject.to_owned() };
    let mut name = String::new();
    let mut escaped = false;
    for c in tail.chars() {
        match c {
            '\\' if !escaped => escaped = true,
            ',' | '+' if !escaped => break,
            _ => {
                escaped = false;
                name.push(c);
            }
        }
    }
    name
}

fn clock(time: LocalTime) -> String {
    format!("{:02}:{:02}", time.hour, time.minute)
}

fn weekday(texts: &Texts, time: LocalTime) -> &'static str {
    texts.weekdays.get(time.weekday as usize).copied().unwrap_or_default()
}

fn date(texts: &Texts, time: LocalTime) -> String {
    let month = texts.months.get(time.month as usize).copied().unwrap_or_default();
    match texts.language {
        Language::English => format!("{} {month}", time.day),
        Language::Chinese => format!("{month}{}日", time.day),
    }
}

/// The day, with its year.
pub(crate) fn dated(texts: &Texts, time: LocalTime) -> String {
    match texts.language {
        Language::English => format!("{} {}", date(texts, time), time.year),
        Language::Chinese => format!("{}年{}", time.year, date(texts, time)),
    }
}

#[cfg(test)]
mod tests {
    use super::{common_name, day_and_time, full_time, grouped, list_time, size};
    use crate::page::text::Language;
    use crate::web::dom::LocalTime;

    const NOW: LocalTime =
        LocalTime { year: 2026, month: 2, day: 12, weekday: 4, hour: 9, minute: 5, day_number: 20_524 };

    fn before(days: u32, year: u32, month: u32, day: u32) -> LocalTime {
        LocalTime { year, month, day, weekday: 2, day_number: NOW.day_number - days, ..NOW }
    }

    #[test]
    fn lists_get_longer_dates_as_mail_gets_older() {
        let (en, zh) = (Language::English.texts(), Language::Chinese.texts());
        for (then, english, chinese) in [
            (NOW, "09:05", "09:05"),
            (before(1, 2026, 2, 11), "Yesterday", "昨天"),
            (before(2, 2026, 2, 10), "Tue", "周二"),
            (before(30, 2026, 1, 10), "10 Feb", "2月10日"),
            (before(400, 2025, 1, 5), "5 Feb 2025", "2025年2月5日"),
        ] {
            assert_eq!(list_time(en, then, NOW), english);
            assert_eq!(list_time(zh, then, NOW), chinese);
        }
    }

    #[test]
    fn mail_from_a_clock_that_runs_ahead_gets_its_date() {
        let ahead = LocalTime { day: 13, day_number: NOW.day_number + 1, ..NOW };
        assert_eq!(list_time(Language::English.texts(), ahead, NOW), "13 Mar");
        assert_eq!(day_and_time(Language::Chinese.texts(), ahead, NOW), "3月13日 09:05");
        assert_eq!(full_time(Language::Chinese.texts(), NOW), "2026年3月12日 09:05");
    }

    #[test]
    fn authorities_are_called_by_their_name() {
        assert_eq!(common_name("CN=City\\, Mail,O=Linhai"), "City, Mail");
        assert_eq!(common_name("O=Linhai"), "O=Linhai");
        assert_eq!(common_name("City Mail"), "City Mail");
    }

    #[test]
    fn fingerprints_are_read_in_groups_of_four() {
        assert_eq!(grouped("0123456789ab"), "0123 4567 89AB");
    }

    #[test]
    fn sizes_never_round_down_to_nothing() {
        for (bytes, shown) in
            [(0, "0 B"), (999, "999 B"), (1_000, "1 KB"), (1_234_567, "1.3 MB"), (25_000_000, "25 MB")]
        {
            assert_eq!(size(bytes), shown);
        }
    }
}
