use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use smtp_proto::{Error, MAIL_BODY_BINARYMIME, MAIL_REQUIRETLS, MailFrom, RcptTo, Request};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::body::{Body, Budget};
use super::line::{Input, Line, PATIENCE};
use super::origin;
use super::reply::Reply;
use super::trace;
use crate::delivery::{self, DeliverError};
use crate::relay::Relay;
use crate::store::{self, Account, StoreError};
use crate::vacation::{self, Question};

/// RFC 5321 4.5.3.1.8: at least 100.
const MOST_RECIPIENTS: usize = 100;
/// How long a client may be silent that has no mail for anybody here yet.
const STRANGERS: Duration = Duration::from_secs(60);
/// Wrong commands before the connection is closed.
const MOST_ERRORS: usize = 20;
/// One connection.
#[derive(Debug)]
pub struct Session {
    relay: Arc<Relay>,
    peer: SocketAddr,
    budget: Budget,
    hello: Option<(String, &'static str)>,
    transaction: Option<Transaction>,
    errors: usize,
}

/// A message on its way in.
#[derive(Debug)]
struct Transaction {
    mail_from: String,
    size: usize,
    recipients: Vec<Account>,
    chunks: Option<Body>,
}

/// What follows a command.
enum Next {
    Answer(Reply),
    Data,
    Chunk(usize, bool),
    Close(Reply),
}

/// Tells a client that there is no room.
pub async fn turn_away(mut stream: TcpStream) -> io::Result<()> {
    let reply = Reply::new(421, "4.7.0 too many connections");
    stream.write_all(&reply.to_bytes()).await
}

impl Session {
    /// A connection from `peer`.
    pub fn new(relay: Arc<Relay>, peer: SocketAddr, budget: Budget) -> Self {
        Self { relay, peer, budget, hello: None, transaction: None, errors: 0 }
    }

    /// Talks until the client quits, errs too often or the relay stops.
    pub async fn run(mut self, stream: TcpStream) -> io::Result<()> {
        let (reader, mut writer) = stream.into_split();
        let mut input = Input::new(reader);
        let greeting = Reply::new(220, format!("{} ESMTP Sealpost", self.relay.config.host()));
        writer.write_all(&greeting.to_bytes()).await?;
        let stopping = self.relay.stopping.clone();
        loop {
            let known = self.transaction.as_ref().is_some_and(|mail| !mail.recipients.is_empty());
            input.wait_for(if known { PATIENCE } else { STRANGERS });
            let line = tokio::select! {
                line = input.line() => line?,
                () = stopping.cancelled() => {
                    let reply = Reply::new(421, "4.3.2 the relay stops");
                    return writer.write_all(&reply.to_bytes()).await;
                }
            };
            let Some(line) = line else { return Ok(()) };
            let reply = match self.command(&line).await {
                Next::Answer(reply) => reply,
                Next::Data => self.data(&mut input, &mut writer).await?,
                Next::Chunk(size, last) => self.chunk(&mut input, size, last).await?,
                Next::Close(reply) => return writer.write_all(&reply.to_bytes()).await,
            };
            writer.write_all(&reply.to_bytes()).await?;
            self.errors += usize::from(reply.is_failure());
            if self.errors > MOST_ERRORS {
                let reply = Reply::new(421, "4.7.0 too many errors");
                return writer.write_all(&reply.to_bytes()).await;
            }
        }
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
        let reply = match request {
            Request::Ehlo { host } => self.greet(host, "ESMTP"),
            Request::Helo { host } => self.greet(host, "SMTP"),
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

    fn greet(&mut self, host: String, protocol: &'static str) -> Reply {
        self.hello = Some((host, protocol));
        self.transaction = None;
        let own = self.relay.config.host().to_owned();
        if protocol == "SMTP" {
            return Reply::new(250, own);
        }
        let size = format!("SIZE {}", self.relay.config.max_message_size);
        let mut lines = vec![own.into(), size.into()];
        lines.extend(
            ["8BITMIME", "SMTPUTF8", "PIPELINING", "CHUNKING", "ENHANCEDSTATUSCODES"].map(Into::into),
        );
        Reply::lines(250, lines)
    }

    fn mail(&mut self, from: &MailFrom<String>) -> Reply {
        if self.hello.is_none() {
            return Reply::new(503, "5.5.1 say EHLO first");
        }
        if self.transaction.is_some() {
            return Reply::new(503, "5.5.1 one message after the other");
        }
        if from.flags & (MAIL_BODY_BINARYMIME | MAIL_REQUIRETLS) != 0 {
            return Reply::new(555, "5.5.4 that parameter is not offered");
        }
        if from.size > self.relay.config.max_message_size {
            return Reply::new(552, "5.3.4 the message is too large");
        }
        let (mail_from, size) = (from.address.clone(), from.size);
        self.transaction = Some(Transaction { mail_from, size, recipients: Vec::new(), chunks: None });
        Reply::new(250, "2.1.0 sender fine")
    }

    async fn rcpt(&mut self, to: &RcptTo<String>) -> Reply {
        let Some(transaction) = &mut self.transaction else { return Reply::new(503, "5.5.1 say MAIL first") };
        if transaction.chunks.is_some() {
            return Reply::new(503, "5.5.1 the message has begun");
        }
        if transaction.recipients.len() >= MOST_RECIPIENTS {
            return Reply::new(452, "4.5.3 too many recipients");
        }
        if !self.relay.is_local(&to.address) {
            return Reply::new(550, "5.7.1 mail for elsewhere is not taken here");
        }
        let found = async {
            let mut connection = self.relay.store.read().await?;
            let found = store::account_by_address(&mut connection, &to.address).await?;
            drop(connection);
            let Some(account) = found else { return Ok(None) };
            let fits = delivery::has_room(&self.relay, &account, transaction.size).await?;
            Ok::<_, StoreError>(Some((account, fits)))
        };
        match found.await {
            Ok(Some((_, false))) => Reply::full(),
            Ok(Some((account, true))) => {
                // One copy each, however often an address is named.
                if !transaction.recipients.iter().any(|known| known.id == account.id) {
                    transaction.recipients.push(account);
                }
                Reply::new(250, "2.1.5 recipient fine")
            }
            Ok(None) => Reply::new(550, "5.1.1 there is no such address here"),
            Err(error) => {
                tracing::error!(%error, "a recipient could not be looked up");
                Reply::new(451, "4.3.0 try again later")
            }
        }
    }

    /// Whether a message may come now; `chunked` for BDAT, which may not follow or precede DATA.
    fn ready(&self, chunked: bool) -> Result<(), Reply> {
        match &self.transaction {
            Some(transaction) if transaction.recipients.is_empty() => {
                Err(Reply::new(503, "5.5.1 say RCPT first"))
            }
            Some(transaction) if transaction.chunks.is_some() && !chunked => {
                Err(Reply::new(503, "5.5.1 the message comes in chunks"))
            }
            Some(_) => Ok(()),
            None => Err(Reply::new(503, "5.5.1 say MAIL and RCPT first")),
        }
    }

    fn body(&self) -> Body {
        Body::new(self.relay.config.max_message_size, self.budget.clone())
    }

    async fn data<R, W>(&mut self, input: &mut Input<R>, writer: &mut W) -> io::Result<Reply>
    where
        R: tokio::io::AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let go = Reply::new(354, "go on, and end with a line of one dot");
        writer.write_all(&go.to_bytes()).await?;
        let mut body = self.body();
        if !body.read_data(input).await? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(self.finish(body).await)
    }

    async fn chunk<R: tokio::io::AsyncRead + Unpin>(
        &mut self,
        input: &mut Input<R>,
        size: usize,
        last: bool,
    ) -> io::Result<Reply> {
        let ready = self.ready(true);
        let kept = self.transaction.as_mut().and_then(|transaction| transaction.chunks.take());
        let mut body = kept.unwrap_or_else(|| self.body());
        if ready.is_err() {
            body.discard();
        }
        if !body.read_chunk(input, size).await? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match (ready, last, &mut self.transaction) {
            (Err(reply), ..) => Ok(reply),
            (Ok(()), true, _) => Ok(self.finish(body).await),
            (Ok(()), false, Some(transaction)) => {
                transaction.chunks = Some(body);
                Ok(Reply::new(250, "2.0.0 chunk taken"))
            }
            (Ok(()), false, None) => Ok(Reply::new(503, "5.5.1 say MAIL first")),
        }
    }

    /// Delivers; the answer comes when the mail is on the disk.
    async fn finish(&mut self, body: Body) -> Reply {
        let Some(transaction) = self.transaction.take() else {
            return Reply::new(503, "5.5.1 say MAIL first");
        };
        let (message, _memory) = match body.finish() {
            Ok(received) => received,
            Err(refusal) => return refusal.into(),
        };
        if trace::is_circling(&message) {
            return Reply::new(554, "5.4.6 the message goes in circles");
        }
        let message = Arc::new(message);
        match origin::is_forged(&self.relay, &transaction.mail_from, &message).await {
            Ok(false) => {}
            Ok(true) => return Reply::new(550, "5.7.1 mail from here does not come from elsewhere unsigned"),
            Err(error) => return DeliverError::from(error).into(),
        }
        let size = message.len();
        let hello = self.hello.as_ref().map(|(host, protocol)| (host.as_str(), *protocol));
        let mut traced = trace::field(hello, self.peer.ip(), self.relay.config.host());
        traced.extend_from_slice(&message);
        drop(message);
        let question = Question::of(&transaction.mail_from, &transaction.recipients, &traced);
        let recipients = transaction.recipients.len();
        match delivery::deliver(&self.relay, &transaction.recipients, traced).await {
            Ok(()) => {
                tracing::info!(size, recipients, "mail taken");
                vacation::answer(&self.relay, question).await;
                Reply::new(250, "2.0.0 taken")
            }
            Err(error) => error.into(),
        }
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
