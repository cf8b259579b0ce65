//! Large bytes on their way from JavaScript's memory to WebAssembly's.

use js_sys::{Function, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;

/// Puts the bytes of an ArrayBuffer into `into`, which is longer or shorter afterwards, and lets go of it.
///
/// At once, where the browser can: the garbage collector does not hurry for a small object with much memory
/// behind it. Nobody else may need the ArrayBuffer any more.
pub(crate) fn take(buffer: &JsValue, into: &mut Vec<u8>) {
    let bytes = Uint8Array::new(buffer);
    // Memory of 32 bits holds whatever JavaScript counts in as many.
    into.resize(usize::try_from(bytes.length()).unwrap_or_default(), 0);
    bytes.copy_to(into);
    if let Ok(transfer) = Reflect::get(buffer, &"transfer".into())
        && let Some(transfer) = transfer.dyn_ref::<Function>()
    {
        // What is transferred into nothing is gone; an error would only mean that it is not.
        let _ = transfer.call1(buffer, &0.into());
    }
}
