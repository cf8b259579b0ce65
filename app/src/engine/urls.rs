//! The relay's URI templates (RFC 8620 2), always on this page's own origin.

/// Characters that stand for themselves in a path segment and in a query value (RFC 3986 2.3).
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Percent-encodes a value.
pub fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for byte in value.bytes() {
        if is_unreserved(byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

/// Fills a template and drops its origin: nothing of this account goes to another one, whatever the
/// relay's session says.
pub fn expand(template: &str, values: &[(&str, &str)]) -> String {
    let mut url = path(template).to_owned();
    for (name, value) in values {
        url = url.replace(&format!("{{{name}}}"), &escape(value));
    }
    url
}

fn path(url: &str) -> &str {
    let after =
        url.split_once("://").map_or(url, |(_, rest)| rest.find('/').map_or("/", |at| rest.split_at(at).1));
    // `//host` would be another origin again.
    if after.starts_with('/') && !after.starts_with("//") { after } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[test]
    fn values_cannot_leave_their_place() {
        let template = "https://relay.example/jmap/download/{accountId}/{blobId}/{name}?type={type}";
        let values = [("accountId", "A"), ("blobId", "../x?y"), ("name", "信 .eml"), ("type", "a/b")];
        let url = expand(template, &values);
        assert_eq!(url, "/jmap/download/A/..%2Fx%3Fy/%E4%BF%A1%20.eml?type=a%2Fb");
    }

    #[test]
    fn another_origin_is_never_asked() {
        for template in ["https://evil.example/x", "//evil.example/x", "javascript:x", "https://evil.example"]
        {
            assert!(!expand(template, &[]).contains("evil"), "{template}");
            assert!(expand(template, &[]).starts_with('/'), "{template}");
        }
    }
}
