//! Memory behind JavaScript's objects.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::{MessageChannel, MessagePort};

/// Pieces of less are left to the garbage collector.
const LARGE: u32 = 1024;
/// So are results of less: a browser that has their memory at hand is quicker the next time.
const VERY_LARGE: u32 = 4 << 20;

thread_local! {
    static NOWHERE: Option<MessagePort> = nowhere();
}

/// Puts the bytes of an ArrayBuffer into `into`, which is longer or shorter afterwards, and lets go of it if it is large.
///
/// Nobody else may need the ArrayBuffer any more.
pub(crate) fn take(buffer: &JsValue, into: &mut Vec<u8>) {
    let bytes = Uint8Array::new(buffer);
    // Not cleared first: what is there is written over, and need not be zeroed.
    into.resize(length(&bytes), 0);
    bytes.copy_to(into);
    if bytes.length() >= VERY_LARGE {
        let_go(&bytes);
    }
}

/// Puts bytes behind those of `into`.
pub(crate) fn append(bytes: &Uint8Array, into: &mut Vec<u8>) {
    let filled = into.len();
    into.resize(filled + length(bytes), 0);
    bytes.copy_to(into.get_mut(filled..).unwrap_or_default());
}

/// Memory of 32 bits holds whatever JavaScript counts in as many.
fn length(bytes: &Uint8Array) -> usize {
    usize::try_from(bytes.length()).unwrap_or_default()
}

/// Lets go of the memory behind bytes at once: the garbage collector does not hurry for a small object with much memory behind it.
///
/// What is handed over to nobody is gone. `ArrayBuffer.transfer` would not do: of what the browser itself made, it
/// holds the memory until its own object is collected.
pub(crate) fn let_go(bytes: &Uint8Array) {
    if bytes.length() < LARGE {
        return;
    }
    NOWHERE.with(|nowhere| {
        if let Some(nowhere) = nowhere {
            // An error would only mean that it is not gone yet.
            let _ = nowhere.post_message_with_transferable(&JsValue::NULL, &Array::of1(&bytes.buffer()));
        }
    });
}

/// A port whose other end is closed.
fn nowhere() -> Option<MessagePort> {
    let channel = MessageChannel::new().ok()?;
    channel.port1().close();
    Some(channel.port2())
}
