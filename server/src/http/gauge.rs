use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::memory::Held;

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

/// A connection whose reading is counted.
pub struct Gauged<S> {
    stream: S,
    gauge: Gauge,
}

impl<S> Gauged<S> {
    /// Counts what is read of it.
    pub fn new(stream: S, gauge: Gauge) -> Self {
        Self { stream, gauge }
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
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
