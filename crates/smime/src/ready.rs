use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Runs a future whose provider and keyring never wait, such as [`crate::rustcrypto`]'s.
///
/// # Panics
/// If the future waits for something: then it needs a real executor.
pub fn block_on_ready<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("block_on_ready was given a future that waits"),
    }
}
