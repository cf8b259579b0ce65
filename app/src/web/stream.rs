//! What the browser hands over piece by piece.

use js_sys::{JsString, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{ReadableStream, ReadableStreamDefaultReader};

use super::buffers::let_go;

/// Gives each piece to `take`, which nobody else needs any more and which ends it early by an error.
///
/// # Errors
/// What `take` says, or why the stream broke off.
pub(crate) async fn read<E: From<JsValue>>(
    stream: &ReadableStream,
    mut take: impl FnMut(&Uint8Array) -> Result<(), E>,
) -> Result<(), E> {
    let reader: ReadableStreamDefaultReader = stream.get_reader().dyn_into().map_err(JsValue::from)?;
    let value = JsString::from("value");
    // The last read has no value.
    while let Ok(piece) =
        Reflect::get(&JsFuture::from(reader.read()).await?, &value)?.dyn_into::<Uint8Array>()
    {
        take(&piece)?;
        let_go(&piece);
    }
    Ok(())
}
