//! What the domain of an author says of mail that came in clear, as the user's own relay found (RFC 7489).

use smime::message::{Address, Opened, Status, same_mailbox};

use crate::protocol::{Domain, Says};

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
    let verdict = words.next()?.strip_prefix("dmarc=")?;
    let property = |name| words.clone().find_map(|word| word.strip_prefix(name));
    // Where the relay heeded somebody else's seal it did not do as the domain asks.
    let asks = property("policy.dmarc=").filter(|_| property("policy.override=").is_none());
    let says = match (verdict, asks) {
        ("pass", _) => Says::Sent,
        ("fail", Some("reject" | "quarantine")) => Says::Denied,
        ("fail", _) => Says::Unconfirmed,
        ("none", _) => Says::Nothing,
        // The domain could not be asked.
        _ => return None,
    };
    let name = property("header.from=")?;
    let (local, _) = author.email.rsplit_once('@')?;
    same_mailbox(&author.email, &format!("{local}@{name}")).then(|| Domain { name: name.to_owned(), says })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(results: &str) -> Option<Says> {
        found(results, &[Address::new("erin@Bank.example")]).map(|domain| domain.says)
    }

    #[test]
    fn the_verdict_about_the_authors_own_domain_is_told() {
        let results = |dmarc: &str| {
            format!(
                "mx.own.example;\tspf=pass (mx.own.example: domain of a@x.example designates 192.0.2.1 as \
                 permitted sender) smtp.mailfrom=a@x.example;\tdmarc={dmarc} header.from=bank.example \
                 policy.dmarc="
            )
        };
        let told = |verdict, policy| told(&(results(verdict) + policy));
        assert_eq!(told("pass", "reject"), Some(Says::Sent));
        for policy in ["reject", "quarantine"] {
            assert_eq!(told("fail (policy not aligned)", policy), Some(Says::Denied));
        }
        for policy in ["none", "reject policy.override=trusted_forwarder"] {
            assert_eq!(told("fail (policy not aligned)", policy), Some(Says::Unconfirmed));
        }
        assert_eq!(told("none", "none"), Some(Says::Nothing));
        for unasked in ["temperror (dns error)", "permerror (invalid record)"] {
            assert_eq!(told(unasked, "reject"), None);
        }
    }

    #[test]
    fn the_domain_of_an_author_may_be_written_in_any_script() {
        let author = [Address::new("erin@Bücher.example")];
        let results = |name: &str| format!("x;\tdmarc=pass header.from={name} policy.dmarc=none");
        assert!(found(&results("xn--bcher-kva.example"), &author).is_some());
        assert!(found(&results("bucher.example"), &author).is_none());
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
