//! Letters as the browser knows them: the tables would be a fiftieth of the page.

use js_sys::JsString;

/// The text in small letters.
pub fn lower(text: &str) -> String {
    if cfg!(target_arch = "wasm32") {
        JsString::from(text).to_lower_case().into()
    } else {
        text.to_lowercase()
    }
}
