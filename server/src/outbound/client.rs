//! The client's side of SMTP (RFC 5321): commands out, replies in.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use smtp_proto::response::parser::{MAX_RESPONSE_LENGTH, ResponseReceiver};
use smtp_proto::{EhloResponse, Error, Response};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufWriter};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

use super::message::Message;
use super::reason::{LINE, Reason, Trouble};
use super::{tls, wire};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(30);
/// How long a server may take for one answer (RFC 5321 4.5.3.2 has five minutes for most).
const ANSWER: Duration = Duration::from_secs(60);
/// How long it may take for a whole message and the answer to it (RFC 5321 4.5.3.2.6).
const MESSAGE: Duration = Duration::from_secs(600);

/// A connection, in clear or under TLS.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A conversation with a server.
pub struct Client<S> {
    stream: S,
    unread: Vec<u8>,
}

/// What a server answered.
pub type Reply = Response<String>;

/// What a server can do.
pub type Features = EhloResponse<String>;

impl Client<TcpStream> {
    /// Connects to the first address that answers.
    pub async fn connect(addresses: &[SocketAddr]) -> Result<Self, Trouble> {
        let mut trouble = Trouble::from(Reason::Unreachable);
        for address in addresses {
            match timeout(CONNECT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(Self::over(stream)),
                Ok(Err(error)) => trouble = Trouble::because(Reason::Unreachable, error),
                Err(_) => trouble = Reason::Late.into(),
            }
        }
        Err(trouble)
    }

    /// Asks for TLS and agrees on it.
    pub async fn start_tls(
        mut self,
        tls: &TlsConnector,
        host: &str,
    ) -> Result<Client<TlsStream<TcpStream>>, Trouble> {
        let reply = self.command("STARTTLS\r\n").await?;
        if reply.code != 220 {
            return Err(Trouble::because(Reason::NoTls, line(&reply)));
        }
        self.secure(tls, host).await
    }

    /// Agrees on TLS.
    pub async fn secure(
        self,
        tls: &TlsConnector,
        host: &str,
    ) -> Result<Client<TlsStream<TcpStream>>, Trouble> {
        // What came before TLS could be anybody's, and must not count as said under it.
        if !self.unread.is_empty() {
            return Err(Reason::Protocol.into());
        }
        let name = ServerName::try_from(host.to_owned()).map_err(|_| Reason::Name)?;
        match timeout(ANSWER, tls.connect(name, self.stream)).await {
            Ok(Ok(stream)) => Ok(Client::over(stream)),
            Ok(Err(error)) => Err(Trouble::because(tls::reason(&error), error)),
            Err(_) => Err(Reason::Late.into()),
        }
    }
}

impl<S: Stream + 'static> Client<S> {
    /// The same conversation, whatever it runs over.
    pub fn boxed(self) -> Client<Box<dyn Stream>> {
        Client { stream: Box::new(self.stream), unread: self.unread }
    }
}

impl<S: Stream> Client<S> {
    fn over(stream: S) -> Self {
        Self { stream, unread: Vec::new() }
    }

    /// The greeting that a server begins with.
    pub async fn greeting(&mut self) -> Result<(), Trouble> {
        let reply = self.reply(ANSWER).await?;
        if reply.code == 220 { Ok(()) } else { Err(turned_away(&reply)) }
    }

    /// Greets the server and learns what it can do.
    pub async fn hello(&mut self, name: &str) -> Result<Features, Trouble> {
        self.write(format!("EHLO {name}\r\n").as_bytes(), ANSWER).await?;
        let features = self.receive(ANSWER, |unread| {
            let mut bytes = unread.iter();
            let features = EhloResponse::parse(&mut bytes)?;
            Ok((features, bytes.len()))
        });
        match features.await? {
            Ok(features) => Ok(features),
            // RFC 5321 3.2: a server of old knows HELO alone.
            Err(Error::InvalidResponse { code: 500..=599 }) => {
                self.unread.clear();
                let reply = self.command(&format!("HELO {name}\r\n")).await?;
                if reply.code == 250 { Ok(Features::default()) } else { Err(turned_away(&reply)) }
            }
            Err(Error::InvalidResponse { .. }) => Err(Reason::Protocol.into()),
            Err(_) => Err(Reason::Protocol.into()),
        }
    }

    /// One command and its reply.
    pub async fn command(&mut self, command: &str) -> Result<Reply, Trouble> {
        self.write(command.as_bytes(), ANSWER).await?;
        self.reply(ANSWER).await
    }

    /// Several commands at once where the server takes them so (RFC 2920); a reply for each.
    pub async fn commands(&mut self, commands: &[String], at_once: bool) -> Result<Vec<Reply>, Trouble> {
        let mut replies = Vec::with_capacity(commands.len());
        if at_once {
            self.write(commands.concat().as_bytes(), ANSWER).await?;
        }
        for command in commands {
            if !at_once {
                self.write(command.as_bytes(), ANSWER).await?;
            }
            replies.push(self.reply(ANSWER).await?);
        }
        Ok(replies)
    }

    /// The message, after the server said that it waits for it; it has none before [`Client::end`].
    pub async fn message(&mut self, message: &Message) -> Result<(), Trouble> {
        // As it is held, and not copied: a server may take its time over it.
        let write = async {
            let mut stream = BufWriter::new(&mut self.stream);
            for piece in message.parts().into_iter().flat_map(wire::dotted) {
                stream.write_all(piece).await?;
            }
            stream.flush().await
        };
        timeout(MESSAGE, write).await.map_err(|_| Reason::Late)?.map_err(broken)
    }

    /// The dot behind the message; what went wrong here leaves open whether the server has it.
    pub async fn end(&mut self) -> Result<Reply, Trouble> {
        self.write(b".\r\n", ANSWER).await?;
        self.reply(MESSAGE).await
    }

    async fn write(&mut self, bytes: &[u8], patience: Duration) -> Result<(), Trouble> {
        let write = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        timeout(patience, write).await.map_err(|_| Reason::Late)?.map_err(broken)
    }

    async fn reply(&mut self, patience: Duration) -> Result<Reply, Trouble> {
        let reply = self.receive(patience, |unread| {
            let mut bytes = unread.iter();
            let reply = ResponseReceiver::default().parse(&mut bytes)?;
            Ok((reply, bytes.len()))
        });
        reply.await?.map_err(|_| Reason::Protocol.into())
    }

    /// Reads until `parse` finds something; it tells how much is left behind it.
    async fn receive<T>(
        &mut self,
        patience: Duration,
        parse: impl Fn(&[u8]) -> Result<(T, usize), Error>,
    ) -> Result<Result<T, Error>, Trouble> {
        let read = async {
            loop {
                match parse(&self.unread) {
                    Ok((found, left)) => {
                        self.unread.drain(..self.unread.len() - left);
                        return Ok(Ok(found));
                    }
                    Err(Error::NeedsMoreData { .. }) if self.unread.len() <= 2 * MAX_RESPONSE_LENGTH => {}
                    Err(error) => return Ok(Err(error)),
                }
                if self.stream.read_buf(&mut self.unread).await.map_err(broken)? == 0 {
                    return Err(Trouble::because(Reason::Unreachable, "the server hung up"));
                }
            }
        };
        timeout(patience, read).await.map_err(|_| Reason::Late)?
    }
}

fn broken(error: io::Error) -> Trouble {
    Trouble::because(Reason::Unreachable, error)
}

/// A reply as one line.
pub fn line(reply: &Reply) -> String {
    let [class, subject, detail] = reply.esc;
    let text = if class == 0 {
        format!("{} {}", reply.code, reply.message)
    } else {
        format!("{} {class}.{subject}.{detail} {}", reply.code, reply.message)
    };
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LINE).collect();
    text.trim_end().to_owned()
}

/// A server that wants nobody or no such client: no message was offered, so it refused none.
fn turned_away(reply: &Reply) -> Trouble {
    Trouble::because(Reason::Unreachable, line(reply))
}

/// What a reply that is no success says.
pub fn refusal(reply: &Reply) -> Trouble {
    Trouble::reply(&line(reply))
}
