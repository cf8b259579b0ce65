use super::{LIFE, Token};

/// The name of the cookie; with TLS the prefix binds it to this host and to TLS.
fn name(secure: bool) -> &'static str {
    if secure { "__Host-sealpost" } else { "sealpost" }
}

/// The `Set-Cookie` of a new session. Script cannot read it, other sites cannot send it.
pub fn cookie(token: &Token, secure: bool) -> String {
    format!(
        "{}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{}",
        name(secure),
        token.0,
        LIFE / 1000,
        flag(secure)
    )
}

/// The `Set-Cookie` that ends a session.
pub fn clear_cookie(secure: bool) -> String {
    format!("{}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0{}", name(secure), flag(secure))
}

/// The session's token in a `Cookie` header.
pub fn token_in(header: &str, secure: bool) -> Option<&str> {
    let mut pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name(secure)).map(|(_, value)| value)
}

fn flag(secure: bool) -> &'static str {
    if secure { "; Secure" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_found_among_other_cookies() {
        assert_eq!(token_in("a=b; sealpost=xyz; c=d", false), Some("xyz"));
        assert_eq!(token_in("notsealpost=xyz", false), None);
        assert_eq!(token_in("sealpost=xyz", true), None);
    }

    #[test]
    fn with_tls_the_cookie_is_secure() {
        assert!(cookie(&Token("t".into()), true).ends_with("; Secure"));
        assert!(!cookie(&Token("t".into()), false).contains("Secure"));
    }
}
