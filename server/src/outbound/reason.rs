use std::fmt;

/// Why a message did not go, or not yet: what an operator sees of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The other server refused or put off the message; its reply says why.
    Reply,
    /// An address has no mailbox or domain that could be spoken to.
    Address,
    /// The name service failed.
    Dns,
    /// The name service gave answers whose DNSSEC signatures are wrong (RFC 4035).
    Bogus,
    /// The domain does not exist.
    NoDomain,
    /// A server's name leads nowhere.
    NoHost,
    /// What is known of the domain cannot be read now.
    Store,
    /// The domain takes no mail (RFC 7505).
    NullMx,
    /// None of its servers is on the public net.
    Private,
    /// No server could be reached.
    Unreachable,
    /// A server took too long.
    Late,
    /// A server did not speak SMTP.
    Protocol,
    /// TLS is called for and not offered.
    NoTls,
    /// TLS is called for and could not be agreed on.
    Handshake,
    /// The certificate is not from an authority that is trusted, or out of its time.
    Untrusted,
    /// The certificate is for another name.
    Name,
    /// The certificate is none that the domain's TLSA records name (RFC 7672).
    Tlsa,
    /// The server is none that the domain's MTA-STS policy names (RFC 8461).
    StsMx,
    /// TLS is required all the way, and the server does not promise it (RFC 8689).
    RequireTls,
    /// An address needs SMTPUTF8, which the server lacks (RFC 6531).
    SmtpUtf8,
    /// The message needs 8BITMIME, which the server lacks (RFC 6152).
    EightBit,
    /// The message is greater than the server takes (RFC 1870).
    Size,
    /// The smarthost did not let the relay sign in.
    SignIn,
    /// The message is not there any more.
    Lost,
    /// It cannot be read now.
    Unreadable,
    /// This relay itself was in the way.
    Relay,
    /// An operator took it out.
    Operator,
}

impl Reason {
    /// Its name, as it is kept and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::Address => "address",
            Self::Dns => "dns",
            Self::Bogus => "dnssec-bogus",
            Self::NoDomain => "no-domain",
            Self::NoHost => "no-host",
            Self::Store => "store",
            Self::NullMx => "null-mx",
            Self::Private => "private-address",
            Self::Unreachable => "unreachable",
            Self::Late => "timeout",
            Self::Protocol => "protocol",
            Self::NoTls => "no-tls",
            Self::Handshake => "tls-handshake",
            Self::Untrusted => "certificate-untrusted",
            Self::Name => "certificate-name",
            Self::Tlsa => "dane-mismatch",
            Self::StsMx => "mta-sts-mx",
            Self::RequireTls => "requiretls",
            Self::SmtpUtf8 => "smtputf8",
            Self::EightBit => "8bitmime",
            Self::Size => "size",
            Self::SignIn => "sign-in",
            Self::Lost => "lost",
            Self::Unreadable => "unreadable",
            Self::Relay => "relay",
            Self::Operator => "operator",
        }
    }

    /// Whether it is the host or the net that fails, so that other mail for it would fail too.
    pub fn is_of_host(self) -> bool {
        matches!(
            self,
            Self::Dns
                | Self::Bogus
                | Self::NoHost
                | Self::Private
                | Self::Unreachable
                | Self::Late
                | Self::Protocol
                | Self::NoTls
                | Self::Handshake
                | Self::Untrusted
                | Self::Name
                | Self::Tlsa
                | Self::StsMx
                | Self::SignIn
        )
    }

    /// Whether a server did not prove what it had to.
    pub fn is_of_proof(self) -> bool {
        matches!(self, Self::NoTls | Self::Handshake | Self::Untrusted | Self::Name)
    }

    /// The reply that tells of it, in the words of RFC 3463 and its registry.
    fn reply(self) -> &'static str {
        match self {
            Self::Reply => "451 4.0.0 the server said nothing",
            Self::Address => "553 5.1.3 the address is malformed",
            Self::Dns => "451 4.4.3 the name service failed",
            Self::Bogus => "451 4.7.0 the name service's DNSSEC signatures are wrong",
            Self::NoDomain => "556 5.1.2 the domain does not exist",
            Self::NoHost => "451 4.4.4 the server's name leads nowhere",
            Self::Store => "451 4.3.0 what is known of the domain cannot be read",
            Self::NullMx => "556 5.1.10 the domain takes no mail",
            Self::Private => "451 4.4.4 the server is not on the public net",
            Self::Unreachable => "451 4.4.1 no server could be reached",
            Self::Late => "451 4.4.2 the server took too long",
            Self::Protocol => "451 4.5.0 the server does not speak SMTP",
            Self::NoTls => "451 4.7.4 the server does not offer TLS",
            Self::Handshake => "451 4.7.5 TLS could not be agreed on",
            Self::Untrusted => "451 4.7.5 the server's certificate is not trusted",
            Self::Name => "451 4.7.5 the server's certificate is for another name",
            Self::Tlsa => "451 4.7.5 the server's certificate is not the one in DNS",
            Self::StsMx => "451 4.7.0 the domain's policy does not name the server",
            // RFC 8689 5.
            Self::RequireTls => "550 5.7.30 the server does not support REQUIRETLS",
            Self::SmtpUtf8 => "550 5.6.7 the server cannot take this address",
            Self::EightBit => "554 5.6.3 the server cannot take eight-bit mail",
            Self::Size => "552 5.3.4 the message is greater than the server takes",
            Self::SignIn => "454 4.7.0 the smarthost did not let the relay sign in",
            Self::Lost => "554 5.3.0 the message was lost",
            Self::Unreadable => "451 4.3.0 the message cannot be read",
            Self::Relay => "451 4.3.0 this relay could not send the message",
            Self::Operator => "554 5.7.0 an operator took the message out",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What kept a message from going: why, in which words, and which server said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Why.
    pub reason: Reason,
    /// One line as SMTP would put it, of [`LINE`] characters at most.
    pub reply: String,
    /// The server.
    pub host: Option<String>,
}

/// How much of what another server said is kept.
pub const LINE: usize = 512;

impl From<Reason> for Trouble {
    fn from(reason: Reason) -> Self {
        Self { reason, reply: reason.reply().to_owned(), host: None }
    }
}

impl Trouble {
    /// What the other server said.
    pub fn reply(said: &str) -> Self {
        Self { reason: Reason::Reply, reply: said.to_owned(), host: None }
    }

    /// Adds what is known beyond the reason.
    pub fn because(reason: Reason, more: impl fmt::Display) -> Self {
        let reply = format!("{}: {more}", reason.reply());
        let reply = reply.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LINE).collect();
        Self { reason, reply, host: None }
    }

    /// Names the server.
    pub fn at(mut self, host: &str) -> Self {
        self.host = Some(host.to_owned());
        self
    }

    /// Whether it will be so for ever.
    pub fn is_permanent(&self) -> bool {
        self.reply.starts_with('5')
    }
}
