use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::memory::Held;
use crate::trickle::GRACE;

/// Counts what comes on a connection for one message that is not whole yet, once it is a WebSocket: these are put
/// together in memory before anybody here sees them.
#[derive(Debug, Clone, Default)]
pub struct Gauge(Arc<Mutex<Option<(Held, usize)>>>);

impl Gauge {
    /// Counts from now on, for whoever `held` is for.
    pub fn begin(&self, held: Held) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((held, 0));
    }

    /// A message is whole, and was taken.
    pub fn taken(&self) {
        if let Some((held, octets)) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            held.release();
            *octets = 0;
        }
    }

    /// So many octets were no part of a message, and are gone.
    pub fn less(&self, octets: usize) {
        if let Some((_, counted)) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            *counted = counted.saturating_sub(octets);
        }
    }

    fn came(&self, more: usize) -> io::Result<()> {
        if let Some((held, octets)) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            *octets += more;
            held.grow(*octets).map_err(|_| io::ErrorKind::OutOfMemory)?;
        }
        Ok(())
    }
}

/// A connection whose reading is counted, and whose writing fails once the other side has read nothing for a while:
/// what waits to be written is held in memory.
pub struct Gauged<S> {
    stream: S,
    gauge: Gauge,
    patience: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Gauged<S> {
    /// Counts what is read of it.
    pub fn new(stream: S, gauge: Gauge) -> Self {
        Self { stream, gauge, patience: GRACE, stalled: None }
    }

    /// What came of writing, unless nothing has come of it for too long.
    fn written<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let patience = self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
        stalled.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gauged<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if let Poll::Ready(Ok(())) = read {
            return Poll::Ready(self.gauge.came(buffer.filled().len() - before));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gauged<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.written(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.written(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn who_reads_nothing_is_given_up_and_who_reads_slowly_is_not() {
        let (ours, mut theirs) = duplex(64);
        let mut gauged = Gauged { patience: Duration::from_secs(3), ..Gauged::new(ours, Gauge::default()) };
        let slowly = async {
            for _ in 0..20 {
                sleep(Duration::from_millis(200)).await;
                theirs.read_exact(&mut [0; 64]).await.unwrap();
            }
        };
        let (written, ()) = tokio::join!(gauged.write_all(&[0; 21 * 64]), slowly);
        written.unwrap();
        let stalled = timeout(Duration::from_secs(20), gauged.write_all(&[0])).await.unwrap();
        assert_eq!(stalled.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
