use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The id as it stands on the wire.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Whether the text obeys the `Id` grammar of RFC 8620 1.2.
            pub fn is_valid(&self) -> bool {
                (1..=255).contains(&self.0.len())
                    && self.0.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// An id whose kind is not known from its place, or `#` and a creation id (RFC 8620 5.3).
    Id
);
id!(
    /// Names an account.
    AccountId
);
id!(
    /// Names a mailbox of one account.
    MailboxId
);
id!(
    /// Names an email of one account.
    EmailId
);
id!(
    /// Names a thread of one account.
    ThreadId
);
id!(
    /// Names immutable bytes (RFC 8620 6).
    BlobId
);
id!(
    /// Names an address that an account may send from.
    IdentityId
);
id!(
    /// Names a submission of an email.
    SubmissionId
);
id!(
    /// A state of one type in one account; only equality means anything to a client.
    State
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_1_to_255_url_safe_characters() {
        assert!(EmailId::from("Aa0-_").is_valid());
        assert!(!EmailId::from("").is_valid());
        assert!(!EmailId::from("a b").is_valid());
        assert!(!EmailId::from("a".repeat(256)).is_valid());
    }
}
