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
    let Some(set) = field(header::RANGE).and_then(|text| text.strip_prefix("bytes=")) else {
        return Wanted::Whole;
    };
    // RFC 9110 13.1.5: a range of another representation would be put together wrongly.
    if field(header::IF_RANGE).is_some_and(|known| known != tag) || set.contains(',') {
        return Wanted::Whole;
    }
    let Some((first, last)) = set.trim().split_once('-') else { return Wanted::Whole };
    let range = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) if first > last => return Wanted::Whole,
        (Ok(first), Ok(last)) => first..last.saturating_add(1).min(length),
        (Ok(first), Err(_)) if last.is_empty() => first..length,
        (Err(_), Ok(count)) if first.is_empty() => length.saturating_sub(count)..length,
        _ => return Wanted::Whole,
    };
    if range.start < range.end { Wanted::Part(range) } else { Wanted::Nothing }
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
            ("pages=1-2", Wanted::Whole),
        ] {
            let headers = HeaderMap::from_iter([(header::RANGE, text.parse().unwrap())]);
            assert_eq!(wanted(&headers, 10, "\"t\""), expected, "{text}");
        }
        let mut headers = HeaderMap::from_iter([(header::RANGE, "bytes=0-3".parse().unwrap())]);
        headers.insert(header::IF_RANGE, "\"other\"".parse().unwrap());
        assert_eq!(wanted(&headers, 10, "\"t\""), Wanted::Whole);
    }
}
