//! The worker's clock.

use js_sys::{Date, Promise};
use smime::UnixTime;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::WorkerGlobalScope;

use super::files::whole;

/// Now, by this machine's clock.
pub fn now() -> UnixTime {
    UnixTime(whole(Date::now() / 1000.0))
}

/// Milliseconds since 1970.
pub fn millis() -> u64 {
    whole(Date::now())
}

/// Waits in a worker; outside one it does not wait at all.
pub async fn sleep(milliseconds: i32) {
    let promise = Promise::new(&mut |resolve, _| {
        let set = js_sys::global()
            .dyn_into::<WorkerGlobalScope>()
            .ok()
            .map(|scope| scope.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, milliseconds));
        if !matches!(set, Some(Ok(_))) {
            let _ = resolve.call0(&JsValue::UNDEFINED);
        }
    });
    // The promise is only ever resolved.
    let _ = JsFuture::from(promise).await;
}
