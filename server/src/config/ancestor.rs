use std::str::FromStr;

use serde::Deserialize;

/// An origin that may show the mailbox in a frame: one source of CSP's `frame-ancestors`.
///
/// It cannot end its directive or its policy, so that a slip of the pen takes no other rule away.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Ancestor(String);

/// A text is no single source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an entry of frame_ancestors is one origin: plain characters, without spaces, commas and semicolons")]
pub struct AncestorError;

impl Ancestor {
    /// The source as it stands in the policy.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Ancestor {
    type Err = AncestorError;

    fn from_str(text: &str) -> Result<Self, AncestorError> {
        // CSP 2.2: `;` ends a directive, white space a source, and `,` a policy.
        let plain = |c: char| c.is_ascii_graphic() && !matches!(c, ';' | ',');
        match !text.is_empty() && text.chars().all(plain) {
            true => Ok(Self(text.to_owned())),
            false => Err(AncestorError),
        }
    }
}

impl TryFrom<String> for Ancestor {
    type Error = AncestorError;

    fn try_from(text: String) -> Result<Self, AncestorError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ancestor_is_one_source_and_nothing_else() {
        for text in ["https://portal.example", "https://*.portal.example:8443", "'self'"] {
            assert_eq!(text.parse::<Ancestor>().unwrap().as_str(), text);
        }
        for text in [
            "",
            "https://a.example; script-src *",
            "https://a.example,default-src *",
            "https://a.example https://b.example",
            "https://a.example\r\nX: 1",
            "https://a.example\0",
            "https://例.example",
        ] {
            assert_eq!(text.parse::<Ancestor>(), Err(AncestorError), "{text:?}");
        }
    }
}
