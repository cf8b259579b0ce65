pub mod envelope;
mod receive;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use smtp_proto::{Error, Request};
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use super::body::Budget;
use super::line::{Input, Line, PATIENCE};
use super::reply::Reply;
use super::wire::{Secured, Wire};
use super::{Gate, Protocol};
use crate::relay::Relay;
use envelope::Transaction;

/// How long a client may be silent that has no mail for anybody here yet. Without a further recipient or octets of a message none
/// lasts longer than twice as long as it may be silent, whatever else it says.
const STRANGERS: Duration = Duration::from_secs(60);
/// Wrong commands before the connection is closed.
const MOST_ERRORS: usize = 20;

/// One connection.
#[derive(Debug)]
pub struct Session {
    gate: Arc<Gate>,
    protocol: Protocol,
    peer: Option<IpAddr>,
    budget: Budget,
    tls: Option<Secured>,
    hello: Option<Hello>,
    transaction: Option<Transaction>,
    errors: usize,
}

/// How a client introduced itself.
#[derive(Debug)]
struct Hello {
    host: String,
    extended: bool,
}

/// What follows a command.
enum Next {
    Answer(Reply),
    Data,
    Chunk(usize, bool),
    StartTls,
    Close(Reply),
}

/// Tells a client that there is no room.
pub async fn turn_away(mut wire: Wire) -> io::Result<()> {
    let reply = Reply::new(421, "4.7.0 too many connections");
    wire.write_all(&reply.to_bytes()).await
}

impl Session {
    /// A connection from `peer`, which is none for a program on this host.
    pub fn new(
        gate: Arc<Gate>,
        protocol: Protocol,
        peer: Option<IpAddr>,
        tls: Option<Secured>,
        budget: Budget,
    ) -> Self {
        Self { gate, protocol, peer, budget, tls, hello: None, transaction: None, errors: 0 }
    }

    /// From where a stranger's mail comes; none for a program on this host, or a server that hands over by LMTP.
    fn stranger(&self) -> Option<IpAddr> {
        let peer = self.peer.map(|peer| peer.to_canonical());
        peer.filter(|peer| !peer.is_loopback() && self.protocol == Protocol::Smtp)
    }

    fn relay(&self) -> &Arc<Relay> {
        &self.gate.relay
    }

    /// Talks until the client quits, errs too often or the relay stops.
    pub async fn run(mut self, wire: Wire) -> io::Result<()> {
        let mut input = Input::new(wire);
        let ended = self.converse(&mut input).await;
        input.close().await;
        ended
    }

    async fn converse(&mut self, input: &mut Input<Wire>) -> io::Result<()> {
        let name = if self.protocol == Protocol::Lmtp { "LMTP" } else { "ESMTP" };
        input.send(&Reply::new(220, format!("{} {name} Sealpost", self.relay().config.host()))).await?;
        let stopping = self.relay().stopping.clone();
        let (mut progress, mut most) = (Instant::now(), 0);
        loop {
            let silent = if self.recipients() > 0 { PATIENCE } else { STRANGERS };
            input.wait_for(silent.min((2 * silent).saturating_sub(progress.elapsed())));
            let line = tokio::select! {
                line = input.line() => line?,
                () = stopping.cancelled() => {
                    return input.send(&Reply::new(421, "4.3.2 the relay stops")).await;
                }
            };
            let Some(line) = line else { return Ok(()) };
            let next = self.command(&line).await;
            let has_come = matches!(next, Next::Data | Next::Chunk(1.., _));
            let replies = match next {
                Next::Answer(reply) => vec![reply],
                Next::Data => self.data(input).await?,
                Next::Chunk(size, last) => self.chunk(input, size, last).await?,
                Next::StartTls => {
                    self.start_tls(input).await?;
                    continue;
                }
                Next::Close(reply) => return input.send(&reply).await,
            };
            if has_come || self.recipients() > most {
                (progress, most) = (Instant::now(), self.recipients());
            }
            for reply in &replies {
                input.send(reply).await?;
            }
            self.errors += usize::from(replies.iter().any(Reply::is_failure));
            if self.errors > MOST_ERRORS {
                return input.send(&Reply::new(421, "4.7.0 too many errors")).await;
            }
        }
    }

    fn recipients(&self) -> usize {
        self.transaction.as_ref().map_or(0, |mail| mail.recipients.len())
    }

    async fn command(&mut self, line: &Line) -> Next {
        let line = match line {
            Line::Whole(line) => line,
            Line::Broken => {
                return Next::Close(Reply::new(500, "5.5.2 lines must end with CRLF and nothing else"));
            }
            Line::TooLong => return Next::Answer(Reply::new(500, "5.5.2 the line is too long")),
        };
        if is_boundless_chunk(line) {
            return Next::Close(Reply::new(501, "5.5.4 no chunk is so large"));
        }
        match Request::parse(&mut line.iter()) {
            Ok(request) => self.act(request.into_owned()).await,
            Err(error) => Next::Answer(misunderstood(&error)),
        }
    }

    async fn act(&mut self, request: Request<String>) -> Next {
        let lmtp = self.protocol == Protocol::Lmtp;
        let reply = match request {
            Request::Ehlo { host } if !lmtp => self.greet(host, true),
            Request::Helo { host } if !lmtp => self.greet(host, false),
            Request::Lhlo { host } if lmtp => self.greet(host, true),
            // RFC 2033 4.1: each protocol refuses the other's greeting.
            Request::Ehlo { .. } | Request::Helo { .. } | Request::Lhlo { .. } => {
                Reply::new(500, "5.5.1 that greeting is for another protocol")
            }
            Request::StartTls => match self.may_start_tls() {
                Ok(()) => return Next::StartTls,
                Err(reply) => reply,
            },
            Request::Mail { from } => self.mail(&from),
            Request::Rcpt { to } => self.rcpt(&to).await,
            Request::Data => match self.ready(false) {
                Ok(()) => return Next::Data,
                Err(reply) => reply,
            },
            // The chunk follows whatever the answer is, so it must be read in any case.
            Request::Bdat { chunk_size, is_last } => return Next::Chunk(chunk_size, is_last),
            Request::Rset => {
                self.transaction = None;
                Reply::new(250, "2.0.0 forgotten")
            }
            Request::Noop { .. } => Reply::new(250, "2.0.0 fine"),
            Request::Vrfy { .. } => Reply::new(252, "2.5.0 send mail and see"),
            Request::Help { .. } => Reply::new(214, "2.0.0 see RFC 5321"),
            Request::Quit => return Next::Close(Reply::new(221, "2.0.0 goodbye")),
            _ => Reply::new(502, "5.5.1 there is no such command here"),
        };
        Next::Answer(reply)
    }

    fn greet(&mut self, host: String, extended: bool) -> Reply {
        self.hello = Some(Hello { host, extended });
        self.transaction = None;
        let own = self.relay().config.host().to_owned();
        if !extended {
            return Reply::new(250, own);
        }
        let size = format!("SIZE {}", self.relay().config.max_message_size);
        let mut lines = vec![own.into(), size.into()];
        lines.extend(
            ["8BITMIME", "SMTPUTF8", "PIPELINING", "CHUNKING", "ENHANCEDSTATUSCODES", "DSN"].map(Into::into),
        );
        if self.tls.is_some() {
            lines.push("REQUIRETLS".into());
        }
        if self.may_start_tls().is_ok() {
            lines.push("STARTTLS".into());
        }
        Reply::lines(250, lines)
    }

    fn may_start_tls(&self) -> Result<(), Reply> {
        match (&self.gate.tls, self.tls) {
            (_, Some(_)) => Err(Reply::new(503, "5.5.1 TLS is in use already")),
            (None, None) => Err(Reply::new(502, "5.5.1 TLS is not offered")),
            // RFC 3207 4: the client must know by EHLO that it is offered.
            (Some(_), None) if self.hello.is_none() => Err(Reply::new(503, "5.5.1 say EHLO first")),
            (Some(_), None) => Ok(()),
        }
    }

    /// Goes on in TLS, as if nothing had been said before (RFC 3207 4.2).
    async fn start_tls(&mut self, input: &mut Input<Wire>) -> io::Result<()> {
        // What came with STARTTLS came in clear, perhaps from somebody on the way, and must not count in TLS.
        if !input.waiting().is_empty() {
            input.send(&Reply::new(554, "5.5.1 nothing may follow STARTTLS")).await?;
            return Err(io::ErrorKind::InvalidData.into());
        }
        let Some(tls) = self.gate.tls.clone() else { return Err(io::ErrorKind::Unsupported.into()) };
        input.send(&Reply::new(220, "2.0.0 begin")).await?;
        let clear = input.replace(Box::new(tokio::io::empty()));
        let (wire, secured) = Secured::accept(&tls, clear).await?;
        (self.tls, self.hello, self.transaction) = (Some(secured), None, None);
        *input = Input::new(wire);
        Ok(())
    }
}

/// Whether a chunk's size has more digits than the parser counts: it begins anew after them, and what
/// follows would be taken for commands.
fn is_boundless_chunk(line: &[u8]) -> bool {
    let named = line.get(..4).is_some_and(|verb| verb.eq_ignore_ascii_case(b"BDAT"));
    named && line.split(|byte| !byte.is_ascii_digit()).any(|number| number.len() > 18)
}

fn misunderstood(error: &Error) -> Reply {
    match error {
        Error::UnknownCommand => Reply::new(500, "5.5.1 there is no such command"),
        Error::InvalidSenderAddress => Reply::new(501, "5.1.7 the sender's address is malformed"),
        Error::InvalidRecipientAddress => Reply::new(501, "5.1.3 the recipient's address is malformed"),
        Error::InvalidParameter { .. } => Reply::new(501, "5.5.4 a parameter is malformed"),
        Error::UnsupportedParameter { .. } => Reply::new(555, "5.5.4 a parameter is not known"),
        _ => Reply::new(501, "5.5.2 the command is malformed"),
    }
}
