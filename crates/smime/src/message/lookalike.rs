//! Addresses that would be read as somebody else's.

/// An address as a reader is shown it. What makes it look like another is replaced by U+FFFD and not left out, so that
/// it is nobody's.
///
/// That is what is not seen; what RFC 5322 3.4.1 has nowhere in an address, as the rest of another one; and in the domain
/// what no domain has (RFC 5890) and looks like what one has: doubles of ASCII characters, other dots, and letters of
/// another script beside Latin ones. Two domains of which one is wholly in another script can look alike still.
pub(crate) fn shown_address(address: &str) -> String {
    // An absolute name (RFC 1034 3.1) names the same with its dot and without.
    let address = address.trim().trim_end_matches('.');
    let Some((local, domain)) = address.rsplit_once('@') else { return shown_local(address) };
    let domain = if domain.starts_with('[') && domain.ends_with(']') {
        replace(domain, is_unseen)
    } else {
        domain.split('.').map(shown_label).collect::<Vec<_>>().join(".")
    };
    format!("{}@{domain}", shown_local(local))
}

fn replace(text: &str, mut is_odd: impl FnMut(char) -> bool) -> String {
    text.chars().map(|c| if is_odd(c) { '\u{fffd}' } else { c }).collect()
}

fn shown_local(local: &str) -> String {
    let (mut is_quoted, mut is_escaped) = (false, false);
    replace(local, |c| {
        let is_text = is_quoted;
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = is_quoted,
            '"' => is_quoted = !is_quoted,
            _ => {}
        }
        is_unseen(c) || "＠﹫".contains(c) || !is_text && "<>()[]:;,@\\".contains(c)
    })
}

fn shown_label(label: &str) -> String {
    let is_latin = label.contains(|c: char| c.is_ascii_alphabetic());
    replace(label, |c| {
        is_unseen(c)
            || if c.is_ascii() {
                !c.is_ascii_alphanumeric() && !"-_".contains(c)
            } else {
                is_double(c) || is_latin && !is_beside_latin(c)
            }
    })
}

/// Whether a character is not seen within an address: controls, and those of Unicode's property
/// `Default_Ignorable_Code_Point` (UAX 44).
fn is_unseen(c: char) -> bool {
    let ignorable = matches!(u32::from(c),
        0xad | 0x34f | 0x61c | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f
        | 0x2028..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfff8
        | 0x1_bca0..=0x1_bca3 | 0x1_d173..=0x1_d17a | 0xe_0000..=0xe_0fff);
    ignorable || c.is_control()
}

/// Whether a character is drawn as ASCII ones are: forms of them, punctuation, and full stops of other scripts, most of
/// which are disallowed in domains (RFC 5892 2), and the others in none.
fn is_double(c: char) -> bool {
    matches!(u32::from(c),
        0xa0..=0xb6 | 0xb8..=0xbf | 0x132..=0x133 | 0x17f | 0x1c0..=0x1cc | 0x1f1..=0x1f3 | 0x2b0..=0x2ba
        | 0x2bd..=0x2ff | 0x37e | 0x589 | 0x6d4 | 0x701..=0x702 | 0x1362 | 0x1d00..=0x1dbf | 0x1fef
        | 0x2000..=0x24ff | 0x2a74..=0x2a76 | 0x2c60..=0x2c7f | 0x2e00..=0x2e7f | 0x3000..=0x3004
        | 0x3008..=0x3020 | 0x3200..=0x33ff | 0xa4f8..=0xa4ff | 0xa60e | 0xa700..=0xa7ff | 0xfb00..=0xfb29
        | 0xfe10..=0xfe6f | 0xff00..=0xff64 | 0x1_0780..=0x1_07bf | 0x1_cc00..=0x1_ceff | 0x1_d400..=0x1_d7ff
        | 0x1_df00..=0x1_dfff | 0x1_f100..=0x1_f1ff | 0x1_fb00..=0x1_fbff)
}

/// Whether a character stands beside ASCII letters in labels of domains: those of Latin orthographies and, as UTS 39 5.2
/// has it, those of Chinese, Japanese and Korean.
fn is_beside_latin(c: char) -> bool {
    matches!(u32::from(c),
        0xb7..=0x24f | 0x253..=0x25b | 0x263 | 0x272 | 0x28a..=0x28b | 0x2bb..=0x2bc | 0x300..=0x36f
        | 0x1e00..=0x1eff | 0x3005..=0x3007 | 0x3041..=0x312f | 0x31a0..=0x31ff | 0x3400..=0x9fff
        | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0x2_0000..=0x3_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_in_an_address_makes_it_nobody_s() {
        for hidden in [
            "\u{200d}",
            "\u{34f}",
            "\u{fe0f}",
            "\u{3164}",
            "\u{e0101}",
            "\u{202e}",
            "\u{1}",
            "\u{200b}",
            "\u{ad}",
            "\u{feff}",
            "\u{e0061}",
        ] {
            assert_eq!(shown_address(&format!("a@x{hidden}.example")), "a@x\u{fffd}.example");
        }
    }

    #[test]
    fn what_looks_like_another_address_is_nobody_s() {
        for address in [
            "alice@bank\u{3002}example",
            "alice@bank\u{ff0e}example",
            "alice@bank\u{ff61}example",
            "alice@bank\u{2024}example",
            "alice@例子\u{3002}中国",
            "alice@bank\u{a4f8}example",
            "alice@bank\u{660}example",
            "alice\u{ff20}bank.example",
            "alice\u{fe6b}bank.example@evil.example",
            "alice@b\u{430}nk.example",
            "alice@ban\u{212a}.example",
            "alice@\u{ff42}\u{ff41}\u{ff4e}\u{ff4b}.example",
            "alice@\u{1d41b}\u{1d41a}\u{1d427}\u{1d424}.example",
            "alice@bank.example>",
            "alice@bank.example:",
            "alice@bank.example\"",
            "alice@bank.example:x@evil.example",
            "alice@bank.example>@evil.example",
            "<alice@bank.example",
        ] {
            assert!(shown_address(address).contains('\u{fffd}'), "{address}");
        }
        assert_eq!(
            shown_address("alice@bank.example:x@evil.example"),
            "alice\u{fffd}bank.example\u{fffd}x@evil.example"
        );
        // This one it really is.
        assert_eq!(shown_address("alice@bank.example."), "alice@bank.example");
    }

    #[test]
    fn true_addresses_stay_as_they_are() {
        for address in [
            "林@例子.example",
            "用户@例子.中国",
            "q&a=\u{7b54}@e-mail例子1.example",
            "アリス@ドメイン名例.テスト",
            "d.o\'neil+tag/x{y}|z~@sub.x_1.example",
            "\"alice@bank.example, \\\"a\\\\\".b@evil.example",
            "a@[IPv6:2001:db8::1]",
            "a@xn--fsqu00a.example",
            "ü@bücher.example",
            "a@col·lega.example",
            "a@kɔkɔɖe.example",
            "a@việtnam.example",
            "кто@пример.рф",
            "a@δοκιμή.ευ",
            "a@מבחן.ישראל",
            "a@اختبار.السعودية",
            "a@परीक्षा.भारत",
            "a@ทดสอบ.ไทย",
            "a@테스트.한국",
            "a@փորձ.հայ",
            "root",
        ] {
            assert_eq!(shown_address(address), address);
        }
    }

    #[test]
    fn no_label_that_uts_46_takes_for_ascii_is_shown_in_other_characters() {
        let mut passed = Vec::new();
        for c in (0x80..=0x1_ffff).filter_map(char::from_u32) {
            for label in [format!("{c}"), format!("1{c}"), format!("bank{c}")] {
                let mapped = idna::domain_to_ascii(&format!("{label}.example"));
                let is_ascii = mapped.is_ok_and(|mapped| !mapped.contains("xn--"));
                let shown = shown_address(&format!("a@{label}.example"));
                if is_ascii && !shown.contains('\u{fffd}') {
                    passed.push(label);
                }
            }
        }
        assert_eq!(passed, [""; 0]);
    }
}
