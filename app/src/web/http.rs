//! Requests to the relay, with progress in both directions and an end when nobody waits any more.
//!
//! XMLHttpRequest for what has a body: it alone tells how far an upload is. Fetch for the rest: it alone hands over
//! an answer piece by piece.

mod download;

use std::cell::RefCell;
use std::rc::Rc;

use futures::channel::oneshot;
use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::{Blob, ProgressEvent, XmlHttpRequest, XmlHttpRequestResponseType};

use super::buffers::take;
use super::files::whole;

/// The length of the pieces of a long body, in bytes.
const PIECE: u32 = 1 << 20;

/// A request of this origin; the session's cookie goes with it.
pub struct Ask<'a> {
    /// The method.
    pub method: &'static str,
    /// The address.
    pub url: &'a str,
    /// The media type of the body.
    pub content_type: &'a str,
    /// The body.
    pub body: Option<&'a [u8]>,
    /// The body is ciphertext: where it is long, the browser may keep it for itself meanwhile, on disk too.
    pub sealed: bool,
    /// The longest answer to take, in bytes.
    pub limit: u64,
    /// Give up after this many milliseconds; zero waits as long as it takes.
    pub timeout: u32,
    /// Hears of bytes that went out: how many, of how many.
    pub uploaded: Option<Box<dyn Fn(u64, u64)>>,
    /// Where there is no body, takes the answer of a request that went well, piece by piece, with its whole length
    /// (zero when unknown); the body of the answer is empty then.
    pub received: Option<Received<'a>>,
}

impl<'a> Ask<'a> {
    /// A request without a body.
    pub fn get(url: &'a str, limit: u64) -> Self {
        let (method, content_type) = ("GET", "");
        Self {
            method,
            url,
            content_type,
            body: None,
            sealed: false,
            limit,
            timeout: 0,
            uploaded: None,
            received: None,
        }
    }

    /// A request with a body.
    pub fn post(url: &'a str, content_type: &'a str, body: &'a [u8], limit: u64) -> Self {
        Self { method: "POST", content_type, body: Some(body), ..Self::get(url, limit) }
    }
}

/// Takes a piece of an answer, with the length of the whole.
pub type Received<'a> = &'a mut dyn FnMut(&[u8], u64);

/// What the relay answered.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
    /// Retry-After in seconds.
    pub retry_after: Option<u32>,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskError {
    /// The relay cannot be reached, or took too long.
    Unreachable,
    /// The answer is longer than the limit.
    TooLong,
}

impl From<JsValue> for AskError {
    fn from(_: JsValue) -> Self {
        Self::Unreachable
    }
}

/// Asks and waits. Dropping the future ends the transfer.
pub async fn ask(ask: Ask<'_>) -> Result<Answer, AskError> {
    match ask.body {
        Some(body) => upload(ask, body).await,
        None => download::download(ask).await,
    }
}

async fn upload(ask: Ask<'_>, body: &[u8]) -> Result<Answer, AskError> {
    let request = XmlHttpRequest::new()?;
    request.open_with_async(ask.method, ask.url, true)?;
    request.set_response_type(XmlHttpRequestResponseType::Arraybuffer);
    request.set_timeout(ask.timeout);
    if !ask.content_type.is_empty() {
        let _ = request.set_request_header("Content-Type", ask.content_type);
    }
    let (transfer, ended) = Transfer::watch(request, ask.limit, ask.uploaded);
    send(&transfer.request, body, ask.sealed)?;
    ended.await.unwrap_or(Err(AskError::Unreachable))?;
    transfer.answer(ask.limit)
}

/// Hands over the body: long ciphertext in pieces that leave this process, since of bytes Chromium holds seven copies.
fn send(request: &XmlHttpRequest, body: &[u8], sealed: bool) -> Result<(), JsValue> {
    if !sealed || body.len() <= PIECE as usize {
        return request.send_with_opt_u8_array(Some(body));
    }
    let (pieces, piece) = (Array::new(), Uint8Array::new_with_length(PIECE));
    for bytes in body.chunks(PIECE as usize) {
        let length = u32::try_from(bytes.len()).unwrap_or(PIECE);
        let filled = piece.subarray(0, length);
        filled.copy_from(bytes);
        pieces.push(&Blob::new_with_u8_array_sequence(&Array::of1(&filled))?.into());
    }
    request.send_with_opt_blob(Some(&Blob::new_with_blob_sequence(&pieces)?))
}

type Ended = oneshot::Receiver<Result<(), AskError>>;

/// A request on its way and its listeners; dropped, it is aborted.
struct Transfer {
    request: XmlHttpRequest,
    _listeners: [Closure<dyn FnMut(ProgressEvent)>; 4],
}

impl Transfer {
    fn watch(request: XmlHttpRequest, limit: u64, uploaded: Option<Box<dyn Fn(u64, u64)>>) -> (Self, Ended) {
        let (end, ended) = oneshot::channel();
        let end = Rc::new(RefCell::new(Some(end)));
        let finish = move |result| {
            if let Some(end) = end.borrow_mut().take() {
                // Nobody waits any more when the transfer was dropped.
                let _ = end.send(result);
            }
        };
        let (done, failed, grown) = (finish.clone(), finish.clone(), finish);
        let on_load = Closure::new(move |_: ProgressEvent| done(Ok(())));
        let on_error = Closure::new(move |_: ProgressEvent| failed(Err(AskError::Unreachable)));
        let on_download = Closure::new(move |event: ProgressEvent| {
            if whole(event.loaded()) > limit {
                grown(Err(AskError::TooLong));
            }
        });
        let hears_upload = uploaded.is_some();
        let on_upload = Closure::new(move |event: ProgressEvent| {
            if let Some(hear) = &uploaded {
                hear(whole(event.loaded()), whole(event.total()));
            }
        });
        request.set_onload(Some(on_load.as_ref().unchecked_ref()));
        request.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        request.set_ontimeout(Some(on_error.as_ref().unchecked_ref()));
        request.set_onprogress(Some(on_download.as_ref().unchecked_ref()));
        if let (true, Ok(upload)) = (hears_upload, request.upload()) {
            upload.set_onprogress(Some(on_upload.as_ref().unchecked_ref()));
        }
        (Self { request, _listeners: [on_load, on_error, on_download, on_upload] }, ended)
    }

    fn answer(&self, limit: u64) -> Result<Answer, AskError> {
        let status = self.request.status()?;
        let body = self.request.response()?;
        let body = if body.is_null() { Vec::new() } else { taken(&body) };
        if u64::try_from(body.len()).is_ok_and(|length| length > limit) {
            return Err(AskError::TooLong);
        }
        let retry_after = self.request.get_response_header("Retry-After").ok().flatten();
        Ok(Answer { status, body, retry_after: retry_after.and_then(|text| text.trim().parse().ok()) })
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        self.request.set_onload(None);
        self.request.set_onerror(None);
        self.request.set_ontimeout(None);
        self.request.set_onprogress(None);
        if let Ok(upload) = self.request.upload() {
            upload.set_onprogress(None);
        }
        let _ = self.request.abort();
    }
}

fn taken(buffer: &JsValue) -> Vec<u8> {
    let mut bytes = Vec::new();
    take(buffer, &mut bytes);
    bytes
}
