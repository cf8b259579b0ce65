//! Requests without a body. Their answers may be long, and come in piece by piece: of a whole one,
//! XMLHttpRequest holds two more copies.

use std::pin::pin;

use futures::future::{Either, select};
use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, Headers, ReadableStream, RequestInit, Response, WorkerGlobalScope};

use super::{Answer, Ask, AskError, Received};
use crate::web::buffers::append;
use crate::web::{clock, stream};

/// So many bytes of an answer are handed on at once.
const AT_ONCE: u32 = 64 * 1024;

/// Asks and waits, as long as the request says.
pub(super) async fn download(ask: Ask<'_>) -> Result<Answer, AskError> {
    let timeout = i32::try_from(ask.timeout).unwrap_or(i32::MAX);
    let answer = pin!(answer(ask));
    if timeout == 0 {
        return answer.await;
    }
    match select(answer, pin!(clock::sleep(timeout))).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(AskError::Unreachable),
    }
}

/// A request on its way; dropped, it is aborted.
struct Transfer(AbortController);

impl Drop for Transfer {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn answer(ask: Ask<'_>) -> Result<Answer, AskError> {
    let transfer = Transfer(AbortController::new()?);
    let init = RequestInit::new();
    init.set_method(ask.method);
    init.set_signal(Some(&transfer.0.signal()));
    let scope: WorkerGlobalScope = js_sys::global().dyn_into().map_err(JsValue::from)?;
    let response = JsFuture::from(scope.fetch_with_str_and_init(ask.url, &init)).await?;
    let response: Response = response.dyn_into()?;
    let headers = response.headers();
    // Of a body that is encoded, Content-Length is another length.
    let encoded = headers.has("Content-Encoding")?;
    let total = number(&headers, "Content-Length").filter(|_| !encoded).unwrap_or_default();
    let retry_after = number(&headers, "Retry-After").and_then(|seconds| u32::try_from(seconds).ok());
    let mut body = Vec::new();
    if let Some(stream) = response.body() {
        let received = ask.received.filter(|_| response.ok());
        read(&stream, (total, ask.limit), &mut body, received).await?;
    }
    Ok(Answer { status: response.status(), body, retry_after })
}

/// Reads a whole body, piece by piece where somebody takes it so.
async fn read(
    stream: &ReadableStream,
    (total, limit): (u64, u64),
    body: &mut Vec<u8>,
    mut received: Option<Received<'_>>,
) -> Result<(), AskError> {
    let mut loaded = 0;
    let take = |piece: &Uint8Array| {
        loaded += u64::from(piece.length());
        if loaded > limit {
            return Err(AskError::TooLong);
        }
        let Some(received) = &mut received else {
            append(piece, body);
            return Ok(());
        };
        // Memory that WebAssembly had once is never given back.
        for start in (0..piece.length()).step_by(AT_ONCE as usize) {
            append(&piece.subarray(start, piece.length().min(start + AT_ONCE)), body);
            received(body, total);
            body.clear();
        }
        Ok(())
    };
    stream::read(stream, take).await?;
    // What is cut off is not the answer.
    if total == 0 || loaded == total { Ok(()) } else { Err(AskError::Unreachable) }
}

fn number(headers: &Headers, name: &str) -> Option<u64> {
    headers.get(name).ok().flatten()?.trim().parse().ok()
}
