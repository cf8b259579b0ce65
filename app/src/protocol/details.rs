//! How an opened message is built, and the services its author asks for: labels and receipts (RFC 2634).

use serde::{Deserialize, Serialize};

use super::{EmailId, SignerProblem, UnixTime};

/// A layer or a part of a message (RFC 9787 section 4).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// The bytes inside, decoded or decrypted.
    pub size: u64,
    /// What lies inside, in order.
    pub children: Vec<Node>,
}

/// What a [`Node`] is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum NodeKind {
    /// An encrypted layer.
    Encrypted {
        /// The name of the content cipher.
        cipher: String,
        /// Too weak to be called encryption.
        weak: bool,
        /// How many recipients it names.
        recipients: u32,
    },
    /// A signed layer.
    Signed {
        /// `multipart/signed`, readable without S/MIME.
        detached: bool,
        /// Who signed: places in [`super::Message::signers`].
        signers: Vec<u32>,
    },
    /// A compressed layer, which protects nothing.
    Compressed,
    /// A relay sealed what had come in clear.
    SealedAtDoor,
    /// A MIME part.
    Part {
        /// Its media type.
        media_type: String,
        /// A cryptographic part in a place where it counts for nothing (RFC 9787 section 4.5).
        errant: bool,
    },
}

impl Default for NodeKind {
    fn default() -> Self {
        Self::Part { media_type: String::new(), errant: false }
    }
}

/// The security label of a message (RFC 2634 section 3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Label {
    /// There is none.
    #[default]
    None,
    /// What the author's signature says.
    Marked {
        /// The policy that gives the rest its meaning: an object identifier.
        policy: String,
        /// The step in the policy's hierarchy; 0 to 5 have names.
        classification: Option<u16>,
        /// A text to be shown with the message.
        privacy_mark: Option<String>,
        /// Further restrictions: object identifiers.
        categories: Vec<String>,
    },
    /// There is one that cannot be read.
    Unreadable,
    /// The signers put different ones on it.
    Conflict,
}

/// What a message has to do with signed receipts (RFC 2634 section 2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Receipt {
    /// Nothing.
    #[default]
    None,
    /// Its author asks the reader for one.
    Wanted {
        /// Whom it would go to.
        to: Vec<String>,
        /// Whether the reader sent one or decided not to; none while it is open.
        given: Option<bool>,
    },
    /// The user asked for receipts in it.
    Asked {
        /// The first that came.
        given: Vec<Given>,
        /// How many others gave one; [`MANY_READERS`] stands for any number from there.
        more: usize,
    },
    /// It is a receipt.
    For(Proof),
}

/// So many readers beyond those who are named are not counted any further.
pub const MANY_READERS: usize = 99;

/// A receipt that proves that a message of the user's was opened. Kept in JSON beside its letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// The name of the reader, or the address where the certificate has none.
    pub who: String,
    /// The address by which the letter went to the reader; empty where an earlier version noted it.
    #[serde(default)]
    pub email: String,
    /// When the reader signed the receipt, where that is told.
    pub at: Option<UnixTime>,
    /// An authority vouches for that time.
    #[serde(default)]
    pub stamped: bool,
}

/// What a receipt proves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Proof {
    /// This reader opened that letter.
    Opened {
        /// The letter, in Sent.
        email: EmailId,
        /// Its subject.
        subject: String,
        /// By whom and when.
        given: Given,
    },
    /// The letter it speaks of is not among those sent from here.
    UnknownLetter,
    /// What was opened is not what was sent, or by somebody whom it was not sent to.
    NotWhatWasSent,
    /// Its signature does not hold.
    NotSigned(SignerProblem),
}
