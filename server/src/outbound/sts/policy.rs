use crate::clock::Millis;

/// RFC 8461 3.2: about a year.
const LONGEST: Millis = 31_557_600;
/// How many patterns are taken.
const MOST: usize = 100;

/// What a domain's servers must be and prove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Whether it is to be kept to.
    pub mode: Mode,
    /// How long it holds, in seconds.
    pub max_age: Millis,
    /// Names of servers in lower case; `*.` at the start stands for one label.
    pub mx: Vec<String>,
}

/// How strictly a policy is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Mail goes to servers that meet it, or not at all.
    Enforce,
    /// Mail goes all the same.
    Testing,
    /// There is no policy any more.
    None,
}

/// Why a text is no policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// It is of no known version.
    #[error("the policy does not begin with version: STSv1")]
    Version,
    /// The mode is missing or unknown.
    #[error("the policy has no known mode")]
    Mode,
    /// How long it holds is missing or no number.
    #[error("the policy has no max_age")]
    MaxAge,
    /// It names no server, or too many.
    #[error("the policy names no servers, or too many")]
    Mx,
}

impl Policy {
    /// Whether it names a host (RFC 8461 4.1).
    pub fn names(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_lowercase();
        self.mx.iter().any(|pattern| match pattern.strip_prefix("*.") {
            Some(parent) => {
                host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == parent)
            }
            None => *pattern == host,
        })
    }
}

/// Reads a policy file (RFC 8461 3.2).
pub fn parse_policy(text: &str) -> Result<Policy, PolicyError> {
    let mut fields =
        text.lines().filter_map(|line| line.split_once(':')).map(|(key, value)| (key.trim(), value.trim()));
    if fields.next() != Some(("version", "STSv1")) {
        return Err(PolicyError::Version);
    }
    let (mut mode, mut max_age, mut mx) = (None, None, Vec::new());
    for (key, value) in fields {
        match key {
            // Of what may stand once the first counts.
            "mode" if mode.is_none() => {
                mode = Some(match value {
                    "enforce" => Mode::Enforce,
                    "testing" => Mode::Testing,
                    "none" => Mode::None,
                    _ => return Err(PolicyError::Mode),
                });
            }
            "max_age" if max_age.is_none() => {
                let digits = value.len() <= 10 && value.bytes().all(|byte| byte.is_ascii_digit());
                let seconds = value.parse::<Millis>().ok().filter(|_| digits).ok_or(PolicyError::MaxAge)?;
                max_age = Some(seconds.min(LONGEST));
            }
            "mx" => mx.push(value.trim_end_matches('.').to_lowercase()),
            _ => {}
        }
    }
    let mode = mode.ok_or(PolicyError::Mode)?;
    if mx.len() > MOST || (mx.is_empty() && mode != Mode::None) {
        return Err(PolicyError::Mx);
    }
    Ok(Policy { mode, max_age: max_age.ok_or(PolicyError::MaxAge)?, mx })
}

/// The id in the one record of `_mta-sts` (RFC 8461 3.1).
pub fn record_id(texts: &[String]) -> Option<String> {
    let mut records = texts.iter().filter_map(|text| {
        let rest = text.strip_prefix("v=STSv1")?.trim_start();
        rest.strip_prefix(';')
    });
    let record = records.next()?;
    if records.next().is_some() {
        return None;
    }
    let id = record.split(';').find_map(|field| field.trim().strip_prefix("id="))?.trim();
    let is_id = (1..=32).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_id.then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENFORCED: &str =
        "version: STSv1\r\nmode: enforce\r\nmx: MX.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n";

    #[test]
    fn a_policy_names_hosts_by_name_and_by_one_label() {
        let policy = parse_policy(ENFORCED).unwrap();
        assert_eq!((policy.mode, policy.max_age), (Mode::Enforce, 604_800));
        for named in ["mx.example.com", "a.example.net", "B.Example.NET."] {
            assert!(policy.names(named), "{named}");
        }
        for other in
            ["example.net", "a.b.example.net", ".example.net", "mx.example.com.evil.org", "xmx.example.com"]
        {
            assert!(!policy.names(other), "{other}");
        }
    }

    #[test]
    fn what_is_no_policy_is_refused() {
        for (text, why) in [
            ("", PolicyError::Version),
            ("mode: enforce\nversion: STSv1\nmx: a\nmax_age: 1\n", PolicyError::Version),
            ("version: STSv2\nmode: none\nmax_age: 1\n", PolicyError::Version),
            ("version: STSv1\nmx: a\nmax_age: 1\n", PolicyError::Mode),
            ("version: STSv1\nmode: strict\nmx: a\nmax_age: 1\n", PolicyError::Mode),
            ("version: STSv1\nmode: enforce\nmax_age: 1\n", PolicyError::Mx),
            ("version: STSv1\nmode: enforce\nmx: a\n", PolicyError::MaxAge),
            ("version: STSv1\nmode: enforce\nmx: a\nmax_age: -1\n", PolicyError::MaxAge),
            ("version: STSv1\nmode: enforce\nmx: a\nmax_age: 99999999999\n", PolicyError::MaxAge),
        ] {
            assert_eq!(parse_policy(text), Err(why), "{text:?}");
        }
        let longest = parse_policy("version: STSv1\nmode: none\nmax_age: 4294967295\n").unwrap();
        assert_eq!((longest.mode, longest.max_age), (Mode::None, LONGEST));
    }

    #[test]
    fn a_domain_has_one_record() {
        let id = |texts: &[&str]| record_id(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        assert_eq!(id(&["other", "v=STSv1; id=20160831085700Z;"]).as_deref(), Some("20160831085700Z"));
        assert_eq!(id(&["v=STSv1;id=a"]).as_deref(), Some("a"));
        assert_eq!(id(&["v=STSv1; id=a", "v=STSv1; id=b"]), None);
        for wrong in ["v=STSv1", "v=STSv10; id=a", "v=STSv1; id=", "v=STSv1; id=a-b", "id=a; v=STSv1"] {
            assert_eq!(id(&[wrong]), None, "{wrong}");
        }
    }
}
