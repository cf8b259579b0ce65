//! The command line.

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use smime::{ContentEncryption, UnixTime, path::Purpose};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Seals, opens and verifies S/MIME messages without a server.
#[derive(Debug, Parser)]
#[command(name = "sealpost-agent", version, about)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Sign a message and encrypt it to its recipients.
    Seal(Seal),
    /// Decrypt a message, verify it and show it.
    Open(Open),
    /// Verify a message that is not encrypted.
    Verify(Verify),
    /// Sign the receipt that a message asks for (RFC 2634 2.5).
    Receipt(ReceiptArguments),
    /// Say whether a certificate leads to a root (RFC 5280 6).
    Path(PathArguments),
}

#[derive(Debug, Args)]
pub struct Seal {
    /// The sender's keys and certificates (PKCS#12).
    #[arg(long, value_name = "A.p12")]
    pub from: PathBuf,
    /// A file whose first line is the password of the PKCS#12 file.
    #[arg(long, value_name = "FILE")]
    pub password_file: PathBuf,
    /// A recipient's certificates (PEM or DER), or with --trust an address; may be repeated.
    #[arg(long, required = true, value_name = "CERT")]
    pub to: Vec<PathBuf>,
    /// A root that vouches for recipients; may be repeated. With one, only certificates under it are used.
    #[arg(long, value_name = "ROOT")]
    pub trust: Vec<PathBuf>,
    /// A message that tells how its sender is written to; may be repeated.
    #[arg(long, requires = "trust", value_name = "MSG.eml")]
    pub known: Vec<PathBuf>,
    /// A certificate revocation list (PEM or DER) for recipients; may be repeated.
    #[arg(long, requires = "trust", value_name = "FILE")]
    pub crl: Vec<PathBuf>,
    /// The content cipher, instead of the best that all recipients are known to read.
    #[arg(long, value_enum)]
    pub content: Option<Content>,
    /// The policy of a security label (RFC 2634 3) for the message.
    #[arg(long, value_name = "OID")]
    pub label: Option<String>,
    /// The label's classification, 0 to 256.
    #[arg(long, requires = "label", value_name = "N")]
    pub classification: Option<u16>,
    /// The label's privacy mark.
    #[arg(long, requires = "label", value_name = "TEXT")]
    pub privacy_mark: Option<String>,
    /// Asks all readers for a signed receipt (RFC 2634 2) to this address; may be repeated.
    #[arg(long, value_name = "ADDRESS")]
    pub receipt_to: Vec<String>,
    /// Print as JSON which certificates and algorithms were chosen, and why.
    #[arg(long)]
    pub json: bool,
    /// Hide display names outside as well (the `hcp_shy` policy of RFC 9788).
    #[arg(long)]
    pub shy: bool,
    /// The time of signing instead of now.
    #[arg(long, value_name = "RFC3339", value_parser = moment)]
    pub at: Option<UnixTime>,
    /// Where the sealed message is written; `-` is standard output.
    #[arg(long, value_name = "OUT.eml")]
    pub out: PathBuf,
    /// The message to seal (RFC 5322); `-` is standard input.
    #[arg(value_name = "IN.eml")]
    pub message: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Content {
    /// AES-256-GCM in AuthEnvelopedData.
    Gcm,
    /// AES-256-CBC in EnvelopedData.
    Cbc,
}

/// What opening and verifying have in common.
#[derive(Debug, Args)]
pub struct Trusting {
    /// A root to be trusted (PEM or DER); may be repeated.
    #[arg(long, value_name = "ROOT")]
    pub trust: Vec<PathBuf>,
    /// A root to be trusted for timestamps only; those of `--trust` are too.
    #[arg(long, value_name = "ROOT")]
    pub trust_timestamps: Vec<PathBuf>,
    /// A certificate that may lie between signer and root; may be repeated.
    #[arg(long, value_name = "CERT")]
    pub untrusted: Vec<PathBuf>,
    /// A certificate revocation list (PEM or DER); may be repeated. With one, revocation must be ruled out.
    #[arg(long, value_name = "FILE")]
    pub crl: Vec<PathBuf>,
    /// An OCSP response (DER); may be repeated. With one, revocation must be ruled out.
    #[arg(long, value_name = "FILE")]
    pub ocsp: Vec<PathBuf>,
    /// Judge as of this time instead of now.
    #[arg(long, value_name = "RFC3339", value_parser = moment)]
    pub at: Option<UnixTime>,
    /// Print the result as JSON instead of text.
    #[arg(long)]
    pub json: bool,
    /// Write the decoded parts into this folder.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Open {
    /// The reader's keys and certificates (PKCS#12); may be repeated, with the same password.
    #[arg(long, requires = "password_file", value_name = "B.p12")]
    pub key: Vec<PathBuf>,
    /// A file whose first line is the password of the PKCS#12 file.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    #[command(flatten)]
    pub trusting: Trusting,
    /// The message (RFC 5322); `-` is standard input.
    #[arg(value_name = "MSG.eml")]
    pub message: PathBuf,
}

#[derive(Debug, Args)]
pub struct ReceiptArguments {
    /// The reader's keys and certificates (PKCS#12): one opens the message, one signs the receipt.
    #[arg(long, value_name = "B.p12")]
    pub key: PathBuf,
    /// A file whose first line is the password of the PKCS#12 file.
    #[arg(long, value_name = "FILE")]
    pub password_file: PathBuf,
    /// A root that vouches for whoever asks; may be repeated.
    #[arg(long, required = true, value_name = "ROOT")]
    pub trust: Vec<PathBuf>,
    /// The time of the receipt instead of now.
    #[arg(long, value_name = "RFC3339", value_parser = moment)]
    pub at: Option<UnixTime>,
    /// Where the receipt, a whole message, is written; `-` is standard output.
    #[arg(long, value_name = "OUT.eml")]
    pub out: PathBuf,
    /// The message that asks; `-` is standard input.
    #[arg(value_name = "MSG.eml")]
    pub message: PathBuf,
}

#[derive(Debug, Args)]
pub struct Verify {
    #[command(flatten)]
    pub trusting: Trusting,
    /// The signed message that asked, if this one is a receipt for it.
    #[arg(long, value_name = "MSG.eml")]
    pub original: Option<PathBuf>,
    /// The message (RFC 5322); `-` is standard input.
    #[arg(value_name = "MSG.eml")]
    pub message: PathBuf,
}

#[derive(Debug, Args)]
pub struct PathArguments {
    /// A root to be trusted (PEM or DER); may be repeated.
    #[arg(long, value_name = "ROOT")]
    pub trust: Vec<PathBuf>,
    /// A certificate that may lie between; may be repeated.
    #[arg(long, value_name = "CERT")]
    pub untrusted: Vec<PathBuf>,
    /// A certificate revocation list (PEM or DER); may be repeated. With one, revocation must be ruled out.
    #[arg(long, value_name = "FILE")]
    pub crl: Vec<PathBuf>,
    /// An OCSP response (DER); may be repeated. With one, revocation must be ruled out.
    #[arg(long, value_name = "FILE")]
    pub ocsp: Vec<PathBuf>,
    /// An acceptable certificate policy; may be repeated. Without one, any is.
    #[arg(long, value_name = "OID")]
    pub policy: Vec<String>,
    /// The path must be valid for some policy.
    #[arg(long)]
    pub require_explicit_policy: bool,
    /// Policy mapping is not allowed.
    #[arg(long)]
    pub inhibit_policy_mapping: bool,
    /// anyPolicy is not accepted.
    #[arg(long)]
    pub inhibit_any_policy: bool,
    /// What the certificate is to be used for.
    #[arg(long, value_enum, default_value = "any")]
    pub purpose: PurposeArgument,
    /// Judge as of this time instead of now.
    #[arg(long, value_name = "RFC3339", value_parser = moment)]
    pub at: Option<UnixTime>,
    /// Print the result as JSON instead of text.
    #[arg(long)]
    pub json: bool,
    /// The certificate (PEM or DER); further ones in the file may lie between.
    #[arg(value_name = "CERT")]
    pub certificate: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum PurposeArgument {
    /// Signing mail.
    Signing,
    /// Receiving encrypted mail.
    Encryption,
    /// Signing timestamps.
    Timestamping,
    /// Whatever the certificate allows.
    Any,
}

impl From<PurposeArgument> for Purpose {
    fn from(purpose: PurposeArgument) -> Self {
        match purpose {
            PurposeArgument::Signing => Self::Signing,
            PurposeArgument::Encryption => Self::Encryption,
            PurposeArgument::Timestamping => Self::Timestamping,
            PurposeArgument::Any => Self::Any,
        }
    }
}

impl From<Content> for ContentEncryption {
    fn from(content: Content) -> Self {
        match content {
            Content::Gcm => Self::Aes256Gcm,
            Content::Cbc => Self::Aes256Cbc,
        }
    }
}

/// Options that may be given several values at once.
const MANY: [&str; 10] = [
    "--to",
    "--trust",
    "--trust-timestamps",
    "--untrusted",
    "--crl",
    "--ocsp",
    "--key",
    "--policy",
    "--known",
    "--receipt-to",
];
/// Options with one value.
const ONE: [&str; 10] = [
    "--from",
    "--password-file",
    "--content",
    "--at",
    "--out",
    "--purpose",
    "--label",
    "--classification",
    "--privacy-mark",
    "--original",
];

/// Repeats an option before each of its further values: `--trust A B MSG` as `--trust A --trust B MSG`.
///
/// If nothing else is left to be the message, it is the last of those values.
pub fn expanded(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut out: Vec<OsString> = Vec::new();
    let (mut option, mut wants_value, mut message_seen) = (None, false, false);
    let mut last_further = None;
    let mut arguments = arguments.enumerate();
    while let Some((index, argument)) = arguments.next() {
        let text = argument.to_string_lossy().into_owned();
        if wants_value || index < 2 {
            wants_value = false;
        } else if text == "--" {
            out.push(argument);
            out.extend(arguments.map(|(_, rest)| rest));
            return out;
        } else if text.starts_with("--") {
            wants_value = MANY.contains(&text.as_str()) || ONE.contains(&text.as_str());
            option = MANY.contains(&text.as_str()).then(|| argument.clone());
        } else if let Some(option) = &option {
            last_further = Some(out.len());
            out.push(option.clone());
        } else {
            message_seen = true;
        }
        out.push(argument);
    }
    if let Some(at) = last_further.filter(|_| !message_seen) {
        let _ = out.remove(at);
    }
    out
}

fn moment(text: &str) -> Result<UnixTime, String> {
    let moment =
        OffsetDateTime::parse(text, &Rfc3339).map_err(|_| "it is not a time like 2026-01-31T12:00:00Z")?;
    let seconds = u64::try_from(moment.unix_timestamp()).map_err(|_| "it lies before 1970")?;
    Ok(UnixTime(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    fn expand(line: &str) -> String {
        let words = expanded(line.split(' ').map(OsString::from));
        words.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn options_may_have_several_values_and_the_message_stands_anywhere() {
        for (line, expanded) in [
            ("a verify --trust r s --json m", "a verify --trust r --trust s --json m"),
            ("a verify --trust r s m", "a verify --trust r --trust s m"),
            ("a verify --trust r m --json", "a verify --trust r m --json"),
            ("a verify m --trust r s", "a verify m --trust r --trust s"),
            ("a verify --trust r --crl c -", "a verify --trust r --crl c -"),
            ("a open --key k --out d m", "a open --key k --out d m"),
            ("a verify --trust=r m", "a verify --trust=r m"),
            ("a verify --trust r -- m", "a verify --trust r -- m"),
            ("a --help", "a --help"),
        ] {
            assert_eq!(expand(line), expanded);
        }
    }

    #[test]
    fn times_are_rfc_3339() {
        assert_eq!(moment("1970-01-01T00:01:00Z"), Ok(UnixTime(60)));
        assert_eq!(moment("1970-01-01T01:01:00+01:00"), Ok(UnixTime(60)));
        assert!(moment("yesterday").is_err() && moment("1969-01-01T00:00:00Z").is_err());
    }
}
