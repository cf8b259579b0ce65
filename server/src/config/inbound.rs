use std::net::SocketAddr;
use std::num::NonZeroU32;

use serde::Deserialize;

/// How mail from elsewhere is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Inbound {
    /// What is done with what the domains of senders say.
    pub sender_checks: SenderChecks,
    /// Domains whose word counts for mail that they passed on (RFC 8617).
    pub trusted_sealers: Vec<String>,
    /// A scanner that is shown clear mail before it is sealed.
    pub scanner: Option<SocketAddr>,
    /// What is done with mail that the scanner cannot be asked about.
    pub scanner_failure: ScannerFailure,
    /// Whether the first attempt of strangers is put off (RFC 6647).
    pub greylisting: bool,
    /// For how many seconds.
    pub greylist_delay_seconds: u32,
    /// For how many days senders that came again are remembered.
    pub greylist_days: u16,
    /// How many messages one source may send within an hour; as many as it likes when absent.
    pub messages_per_hour: Option<NonZeroU32>,
}

impl Default for Inbound {
    fn default() -> Self {
        Self {
            sender_checks: SenderChecks::default(),
            trusted_sealers: Vec::new(),
            scanner: None,
            scanner_failure: ScannerFailure::default(),
            greylisting: false,
            greylist_delay_seconds: 5 * 60,
            greylist_days: 35,
            messages_per_hour: None,
        }
    }
}

/// What is done with what the domains of senders say by SPF, DKIM and DMARC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SenderChecks {
    /// They are not asked.
    Off,
    /// The findings are recorded with the message.
    Record,
    /// And what the domain of the author asks for is done.
    #[default]
    Enforce,
}

/// What is done with mail that the scanner cannot be asked about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScannerFailure {
    /// It is to come again later.
    #[default]
    Defer,
    /// It is taken as if nothing spoke against it.
    Accept,
}
