//! Mail addresses, as far as routing needs them.

/// The greatest length of an address (RFC 5321 4.5.3.1.3).
const LONGEST: usize = 254;

/// The domain of a plausible address; none for what could break out of an SMTP command.
pub fn domain(address: &str) -> Option<&str> {
    let (local, domain) = address.rsplit_once('@')?;
    let harmless =
        |text: &str| text.chars().all(|c| !c.is_control() && !c.is_whitespace() && !"<>".contains(c));
    let fits = !local.is_empty() && !domain.is_empty() && address.len() <= LONGEST;
    (fits && harmless(local) && harmless(domain)).then_some(domain)
}

/// The address with its domain in lower case, which is all of it that is alike for everybody.
pub fn canonical(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => format!("{local}@{}", domain.to_lowercase()),
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_could_carry_a_command_has_no_domain() {
        assert_eq!(domain("a@b.example"), Some("b.example"));
        for bad in ["", "a", "@b", "a@", "a@b>\r\nRCPT TO:<c@d", "a b@c", "<a@b>"] {
            assert_eq!(domain(bad), None, "{bad:?}");
        }
    }
}
