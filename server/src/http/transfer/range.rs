use std::ops::Range;

use axum::http::{HeaderMap, header};

/// What of a blob a request wants (RFC 9110 14).
#[derive(Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All of it.
    Whole,
    /// These octets.
    Part(Range<usize>),
    /// Octets that are not there.
    Nothing,
}

/// Reads the Range field; several ranges at once are answered with the whole, as they may be.
pub fn wanted(headers: &HeaderMap, length: usize, tag: &str) -> Wanted {
    let field = |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
    let Some((unit, set)) = field(header::RANGE).and_then(|text| text.split_once('=')) else {
        return Wanted::Whole;
    };
    if !unit.eq_ignore_ascii_case("bytes") {
        return Wanted::Whole;
    }
    // RFC 9110 13.1.5: a range of another representation would be put together wrongly.
    if field(header::IF_RANGE).is_some_and(|known| known != tag) || set.contains(',') {
        return Wanted::Whole;
    }
    let Some((first, last)) = set.trim().split_once('-') else { return Wanted::Whole };
    // Digits alone: a sign is none.
    let [first, last] = [first, last].map(|text| if text.starts_with('+') { "?" } else { text });
    let range = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) if first > last => return Wanted::Whole,
        (Ok(first), Ok(last)) => first..last.saturating_add(1).min(length),
        (Ok(first), Err(_)) if last.is_empty() => first..length,
        (Err(_), Ok(count)) if first.is_empty() => length.saturating_sub(count)..length,
        _ => return Wanted::Whole,
    };
    if range.start < range.end { Wanted::Part(range) } else { Wanted::Nothing }
}

/// Whether a client has the bytes of this tag already (RFC 9110 13.1.2).
pub fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).into_iter().filter_map(|value| value.to_str().ok());
    let mut known = values.flat_map(|value| value.split(',')).map(str::trim);
    known.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_as_the_standard_says() {
        for (text, expected) in [
            ("bytes=0-3", Wanted::Part(0..4)),
            ("bytes=4-", Wanted::Part(4..10)),
            ("bytes=-3", Wanted::Part(7..10)),
            ("bytes=-30", Wanted::Part(0..10)),
            ("bytes=5-99", Wanted::Part(5..10)),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=3-1", Wanted::Whole),
            ("bytes=0-1,4-5", Wanted::Whole),
            ("Bytes=1-2", Wanted::Part(1..3)),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=+1-2", Wanted::Whole),
            ("pages=1-2", Wanted::Whole),
        ] {
            let headers = HeaderMap::from_iter([(header::RANGE, text.parse().unwrap())]);
            assert_eq!(wanted(&headers, 10, "\"t\""), expected, "{text}");
        }
        let mut headers = HeaderMap::from_iter([(header::RANGE, "bytes=0-3".parse().unwrap())]);
        headers.insert(header::IF_RANGE, "\"other\"".parse().unwrap());
        assert_eq!(wanted(&headers, 10, "\"t\""), Wanted::Whole);
    }

    #[test]
    fn who_has_the_bytes_already_names_their_tag() {
        for (text, known) in [("\"t\"", true), ("\"a\", W/\"t\"", true), ("*", true), ("\"a\"", false)] {
            let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, text.parse().unwrap())]);
            assert_eq!(is_known(&headers, "\"t\""), known, "{text}");
        }
        assert!(!is_known(&HeaderMap::new(), "\"t\""));
    }
}
