//! The address bar and the history, without loading the page anew.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlAnchorElement, Location, MouseEvent};

/// Where the page is, on its own origin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// The path, as the browser encodes it.
    pub path: String,
    /// The query, without its mark.
    pub query: String,
}

/// What the address bar says.
pub fn address() -> Address {
    let Some(location) = location() else { return Address::default() };
    let query = location.search().unwrap_or_default();
    Address {
        path: location.pathname().unwrap_or_default(),
        query: query.strip_prefix('?').unwrap_or_default().to_owned(),
    }
}

/// Puts an address of this origin into the address bar, and a step into the history unless it is there or replaced.
pub fn visit(href: &str, replace: bool) {
    let Some(history) = web_sys::window().and_then(|window| window.history().ok()) else { return };
    let Address { path, query } = address();
    let here = if query.is_empty() { path } else { format!("{path}?{query}") };
    // It fails only for another origin, or where a page goes on a hundred times in a moment.
    let _ = match replace || here == href {
        true => history.replace_state_with_url(&JsValue::NULL, "", Some(href)),
        false => history.push_state_with_url(&JsValue::NULL, "", Some(href)),
    };
}

/// Where a click leads within the page, if it does.
pub fn followed(event: &MouseEvent) -> Option<String> {
    // With these keys a browser opens windows or saves.
    let modified = event.meta_key() || event.alt_key() || event.ctrl_key() || event.shift_key();
    if event.default_prevented() || event.button() != 0 || modified {
        return None;
    }
    let clicked: Element = event.target()?.dyn_into().ok()?;
    let link: HtmlAnchorElement = clicked.closest("a[href]").ok()??.dyn_into().ok()?;
    let plain = link.target().is_empty() && !link.has_attribute("download") && link.hash().is_empty();
    let own = location()?.origin().is_ok_and(|origin| origin == link.origin());
    (plain && own).then(|| link.pathname() + &link.search())
}

fn location() -> Option<Location> {
    web_sys::window().map(|window| window.location())
}
