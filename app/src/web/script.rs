//! Starting a worker under `require-trusted-types-for 'script'`.

use js_sys::{Array, Function, Object, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::{Worker, WorkerOptions};

/// The Trusted Types policy that vouches for the engine's address; the relay's policy header names it.
const POLICY: &str = "engine-worker";

/// Starts a worker from an address of this origin; none when the browser refuses.
pub(super) fn worker(url: &str, options: &WorkerOptions) -> Option<Worker> {
    let url = trusted(url)?;
    let constructor: Function = Reflect::get(&js_sys::global(), &"Worker".into()).ok()?.dyn_into().ok()?;
    // `Worker::new` of web-sys takes text only, which the policy refuses.
    Reflect::construct(&constructor, &Array::of2(&url, options)).ok()?.dyn_into().ok()
}

/// The address as a TrustedScriptURL where the browser knows those, as text where it does not.
fn trusted(url: &str) -> Option<JsValue> {
    // The meta element is static, but an address elsewhere must never be vouched for.
    if !url.starts_with('/') || url.starts_with("//") {
        return None;
    }
    let factory = Reflect::get(&js_sys::global(), &"trustedTypes".into()).ok()?;
    if factory.is_undefined() {
        return Some(url.into());
    }
    let create: Function = Reflect::get(&factory, &"createPolicy".into()).ok()?.dyn_into().ok()?;
    let rules = Object::new();
    let identity = Closure::<dyn Fn(JsValue) -> JsValue>::new(|url| url);
    Reflect::set(&rules, &"createScriptURL".into(), identity.as_ref()).ok()?;
    let policy = create.call2(&factory, &POLICY.into(), &rules).ok()?;
    let vouch: Function = Reflect::get(&policy, &"createScriptURL".into()).ok()?.dyn_into().ok()?;
    // The rule dies with this function: nothing else can be vouched for afterwards.
    vouch.call1(&policy, &url.into()).ok()
}
