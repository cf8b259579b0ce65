//! Responses that go on for as long as somebody listens.
//!
//! Nearly all connections are push streams that wait. Their bytes are written here and not by hyper, which keeps
//! 16 KiB of buffers and the state of a conversation for each.

use std::io;
use std::time::Duration;

use axum::body::{BodyDataStream, Bytes};
use axum::http::{Method, Request, header};
use axum::response::Response;
use futures::StreamExt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::Slot;
use crate::clock::{mail_date, now};

/// How long the other side may take to read what it asked for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether the answer to a request may be a long one.
pub fn may_follow<B>(request: &Request<B>) -> bool {
    request.method() == Method::GET
}

/// Whether a response goes on until one side ends it (the event stream of HTML 9.2).
pub fn is_long(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    response.status().is_success() && kind.is_some_and(|kind| kind == "text/event-stream")
}

/// Writes a response whose end is that of the connection (RFC 9112 6.3), until its body ends or nobody reads it.
pub async fn carry<S>(mut stream: S, response: Response, _slot: Slot)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (parts, body) = response.into_parts();
    let mut body = body.into_data_stream();
    let mut head =
        format!("HTTP/1.1 {}\r\nconnection: close\r\ndate: {}\r\n", parts.status, date()).into_bytes();
    for (name, value) in &parts.headers {
        head.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    head.extend(b"\r\n");
    drop(parts);
    if send(&mut stream, &head).await.is_err() {
        return;
    }
    drop(head);
    while let Some(data) = next(&mut stream, &mut body).await {
        if send(&mut stream, &data).await.is_err() {
            return;
        }
    }
    stream.shutdown().await.ok();
}

/// Now, as RFC 9110 5.6.7 writes it.
fn date() -> String {
    mail_date(now()).replace("+0000", "GMT")
}

/// What is to be sent next; none when the body ended, or when the other side is gone.
async fn next(stream: &mut (impl AsyncRead + Unpin), body: &mut BodyDataStream) -> Option<Bytes> {
    let mut heard = [0; 64];
    loop {
        tokio::select! {
            data = body.next() => return data?.ok(),
            // What the other side says is nothing that this connection waits for; but it may end its stream.
            heard = stream.read(&mut heard) => drop(heard.ok().filter(|length| *length > 0)?),
        }
    }
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), data: &[u8]) -> io::Result<()> {
    let send = async {
        stream.write_all(data).await?;
        // Or TLS would hold some of it back.
        stream.flush().await
    };
    timeout(PATIENCE, send).await?
}
