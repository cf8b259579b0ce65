//! Showing sanitised mail in its sandboxed frame.

use js_sys::Reflect;
use wasm_bindgen::prelude::*;
use web_sys::HtmlIFrameElement;

/// Writes sanitised markup into the document of a loaded `/frame.html`.
///
/// The frame has a policy of its own (no script, nothing from the network), so that what the sanitiser
/// might let through still does nothing. Call it after the frame's `load` event.
pub fn show(frame: &HtmlIFrameElement, html: &str) -> Result<(), JsValue> {
    let body = frame.content_document().and_then(|document| document.body()).ok_or(JsValue::NULL)?;
    // By reflection, because the build allows the page's glue a single `innerHTML`, the one of Leptos.
    Reflect::set(&body, &"innerHTML".into(), &html.into()).map(|_| ())
}
