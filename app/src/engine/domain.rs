//! What the domain of an author says of mail that came in clear, as the user's own relay found (RFC 7489).

use smime::message::{Address, Opened, Status};

use crate::protocol::Domain;

/// What is to be told of the author's domain.
///
/// Anybody can seal a message in a wrapper like the relay's and write findings on it. The relay alone marks what it
/// wrapped itself, as it delivers it: that is `marked`. Findings inside the message are nobody's.
pub fn of(marked: bool, opened: &Opened) -> Option<Domain> {
    // Where a signature tells who wrote, no domain has to.
    if !marked || !opened.sealed_at_door || opened.status != Status::Unprotected {
        return None;
    }
    found(opened.door_results.as_deref()?, &opened.headers.from)
}

/// Reads findings (RFC 8601 2.2) as the relay writes them: DMARC comes last, and holds no text of the sender's but
/// a domain.
fn found(results: &str, authors: &[Address]) -> Option<Domain> {
    let [author] = authors else { return None };
    let mut words = results.rsplit(';').next()?.split_ascii_whitespace();
    let sent = match words.next()?.strip_prefix("dmarc=")? {
        "pass" => Some(true),
        "fail" => Some(false),
        _ => None,
    };
    let name = words.find_map(|word| word.strip_prefix("header.from="))?;
    let of_author = author.email.rsplit_once('@').is_some_and(|(_, own)| own.eq_ignore_ascii_case(name));
    of_author.then(|| Domain { name: name.to_owned(), sent })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(results: &str) -> Option<Option<bool>> {
        found(results, &[Address::new("erin@Bank.example")]).map(|domain| domain.sent)
    }

    #[test]
    fn the_verdict_about_the_authors_own_domain_is_told() {
        let results = |dmarc: &str| {
            format!(
                "mx.own.example;\tspf=pass (mx.own.example: domain of a@x.example designates 192.0.2.1 as \
                 permitted sender) smtp.mailfrom=a@x.example;\tdmarc={dmarc} header.from=bank.example \
                 policy.dmarc=reject"
            )
        };
        assert_eq!(told(&results("pass")), Some(Some(true)));
        assert_eq!(told(&results("fail (policy not aligned)")), Some(Some(false)));
        assert_eq!(told(&results("none")), Some(None));
        assert_eq!(told(&results("temperror (dns error)")), Some(None));
    }

    #[test]
    fn words_of_a_sender_are_no_verdict() {
        for results in [
            "mx.own.example; none",
            "mx.own.example;\tspf=pass smtp.mailfrom=\"; dmarc=pass header.from=bank.example\"@x.example",
            "mx.own.example;\tspf=pass smtp.mailfrom=dmarc=pass@x.example",
            "mx.own.example;\tdmarc=pass header.from=other.example policy.dmarc=none",
            "mx.own.example;\tdmarc=pass",
            "",
        ] {
            assert_eq!(told(results), None, "{results}");
        }
        let two = [Address::new("a@bank.example"), Address::new("b@bank.example")];
        assert_eq!(found("x; dmarc=pass header.from=bank.example", &two), None);
    }
}
