//! The browser's charsets: it has every one that mail was ever written in.

use js_sys::{Array, Function, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;

/// Decodes bytes in a named charset; none for a charset the browser does not know.
pub fn decode(charset: &str, bytes: &[u8]) -> Option<String> {
    let constructor: Function =
        Reflect::get(&js_sys::global(), &"TextDecoder".into()).ok()?.dyn_into().ok()?;
    // An unknown label throws.
    let decoder = Reflect::construct(&constructor, &Array::of1(&charset.into())).ok()?;
    let decode: Function = Reflect::get(&decoder, &"decode".into()).ok()?.dyn_into().ok()?;
    decode.call1(&decoder, &Uint8Array::from(bytes)).ok()?.as_string()
}
