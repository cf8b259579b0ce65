//! Encoded words (RFC 2047), read as the world writes them.

use super::transfer::{decode_base64, decode_charset, decode_escapes};

/// One encoded word, taken apart.
struct Word<'a> {
    charset: &'a str,
    bytes: Vec<u8>,
}

/// Decodes every encoded word in an unfolded value; what is none stays as it was written.
///
/// Neighbours of one charset are joined before decoding, because writers split inside characters.
pub(crate) fn decode_words(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut pending: Option<Word<'_>> = None;
    let mut rest = value;
    while let Some(start) = rest.find("=?") {
        let (before, candidate) = rest.split_at_checked(start).unwrap_or((rest, ""));
        let Some((word, after)) = parse_word(candidate) else {
            flush(&mut pending, &mut out);
            out.push_str(before);
            out.push_str("=?");
            rest = candidate.get(2..).unwrap_or_default();
            continue;
        };
        // RFC 2047 6.2: white space between two encoded words is not shown.
        let adjacent = pending.is_some() && before.trim().is_empty();
        match &mut pending {
            Some(held) if adjacent && held.charset.eq_ignore_ascii_case(word.charset) => {
                held.bytes.extend_from_slice(&word.bytes);
            }
            _ => {
                flush(&mut pending, &mut out);
                if !adjacent {
                    out.push_str(before);
                }
                pending = Some(word);
            }
        }
        rest = after;
    }
    flush(&mut pending, &mut out);
    out.push_str(rest);
    out
}

fn flush(pending: &mut Option<Word<'_>>, out: &mut String) {
    if let Some(word) = pending.take() {
        out.push_str(&decode_charset(Some(word.charset), &word.bytes));
    }
}

/// Reads `=?charset?encoding?text?=` at the start of `candidate`, and what follows it.
fn parse_word(candidate: &str) -> Option<(Word<'_>, &str)> {
    let (charset, rest) = candidate.strip_prefix("=?")?.split_once('?')?;
    let (encoding, rest) = rest.split_once('?')?;
    // The text holds no question mark, so looking for its end never goes further than the next one.
    let (text, rest) = rest.split_once('?')?;
    let after = rest.strip_prefix('=')?;
    // RFC 2231 5: a language may follow the charset.
    let charset = charset.split('*').next().unwrap_or_default();
    if charset.is_empty() || charset.len() > 64 || charset.contains(char::is_whitespace) {
        return None;
    }
    let bytes = match encoding {
        "B" | "b" => decode_base64(text.as_bytes()),
        "Q" | "q" => {
            let mut bytes = Vec::with_capacity(text.len());
            decode_escapes(text.replace('_', " ").as_bytes(), &mut bytes);
            bytes
        }
        _ => return None,
    };
    Some((Word { charset, bytes }, after))
}

#[cfg(test)]
mod tests {
    use super::decode_words;

    #[test]
    fn words_are_decoded_where_they_stand() {
        assert_eq!(decode_words("Re: =?utf-8?Q?caf=C3=A9_x_?=and =?ISO-8859-1?q?=E9?="), "Re: café x and é");
        assert_eq!(decode_words("=?utf-8*en?B?5L2g?="), "你");
        assert_eq!(decode_words("a=?utf-8?q?b?=c"), "abc");
    }

    #[test]
    fn white_space_between_words_goes_and_elsewhere_stays() {
        assert_eq!(decode_words("=?utf-8?q?a?=  =?iso-8859-1?q?b?= c =?utf-8?q?d?="), "ab c d");
    }

    #[test]
    fn characters_split_between_words_are_whole_again() {
        assert_eq!(decode_words("=?gb2312?B?xA==?= =?GB2312?B?47rD?="), "你好");
        assert_eq!(decode_words("=?utf-8?Q?=E4=BD?= =?utf-8?B?oA==?="), "你");
    }

    #[test]
    fn what_is_no_word_stays() {
        for text in
            ["=?", "=?x", "=?utf-8?x?a?=", "=?utf-8?q?a", "=??q?a?=", "a =? b ?= c", "=?utf-8?q?a?b?="]
        {
            assert_eq!(decode_words(text), text);
        }
    }
}
