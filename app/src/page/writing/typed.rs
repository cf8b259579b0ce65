//! Addresses as people type and paste them.

use crate::protocol::Address;

/// The addresses in a text: `Name <a@b>`, `a@b`, separated by commas, semicolons or line ends.
pub(super) fn addresses(text: &str) -> Vec<Address> {
    entries(text).iter().filter_map(|entry| address(entry)).collect()
}

/// Whether a typed text ends an address.
pub(super) fn is_complete(text: &str) -> bool {
    text.trim_end().ends_with([',', ';', '，', '；', '、']) || text.contains('\n')
}

/// Whether a text could be an address at all; the engine decides.
pub(super) fn looks_like_address(text: &str) -> bool {
    text.split_once('@')
        .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'))
        && !text.contains(char::is_whitespace)
}

fn entries(text: &str) -> Vec<String> {
    let (mut entries, mut entry) = (Vec::new(), String::new());
    let (mut quoted, mut bracketed) = (false, false);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            '<' if !quoted => bracketed = true,
            '>' if !quoted => bracketed = false,
            _ => {}
        }
        let separates = matches!(c, ',' | ';' | '，' | '；' | '、') && !quoted && !bracketed;
        if separates || matches!(c, '\n' | '\r') {
            (quoted, bracketed) = (false, false);
            entries.push(std::mem::take(&mut entry));
        } else {
            entry.push(c);
        }
    }
    entries.push(entry);
    entries
}

fn address(entry: &str) -> Option<Address> {
    let entry = entry.trim();
    if entry.is_empty() {
        return None;
    }
    if let Some((name, rest)) = entry.rsplit_once('<') {
        let email = rest.trim_end_matches('>').trim();
        let name = name.trim().trim_matches('"').trim();
        if !email.is_empty() {
            return Some(Address {
                name: Some(name.to_owned()).filter(|name| !name.is_empty()),
                email: email.to_owned(),
            });
        }
    }
    Some(Address { name: None, email: entry.trim_matches(['<', '>', '"']).to_owned() })
}

#[cfg(test)]
mod tests {
    use super::{addresses, is_complete, looks_like_address};

    #[test]
    fn pasted_lists_come_apart() {
        let parsed =
            addresses("\"Lin, Alice\" <alice@example.org>; bob@example.org，<carol@example.org>\n dan ");
        let parsed: Vec<_> = parsed.iter().map(|it| (it.name.as_deref(), it.email.as_str())).collect();
        assert_eq!(
            parsed,
            [
                (Some("Lin, Alice"), "alice@example.org"),
                (None, "bob@example.org"),
                (None, "carol@example.org"),
                (None, "dan"),
            ]
        );
        assert!(addresses(" , ;\n").is_empty());
    }

    #[test]
    fn separators_of_both_languages_end_an_address() {
        for text in ["a@b,", "a@b; ", "a@b，", "a@b、", "a@b\n"] {
            assert!(is_complete(text), "{text}");
        }
        assert!(!is_complete("a@b"));
    }

    #[test]
    fn words_are_no_addresses() {
        assert!(looks_like_address("a@b.example"));
        for text in ["alice", "a@", "@b", "a b@c", "a@b@c"] {
            assert!(!looks_like_address(text), "{text}");
        }
    }
}
