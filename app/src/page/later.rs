//! Work put off: what follows from one answer of the engine, done in one go, would hold the page up.

use std::time::Duration;

use leptos::prelude::*;

/// How long one frame is shown.
const FRAME: Duration = Duration::from_millis(17);

/// Does something so many frames from now, unless what calls is gone by then.
pub(crate) fn after(frames: u32, work: impl FnOnce() + 'static) {
    if let Ok(timer) = set_timeout_with_handle(work, FRAME * frames) {
        on_cleanup(move || timer.clear());
    }
}

/// Does something so many frames from now, whatever is gone by then.
pub(crate) fn surely(frames: u32, work: impl FnOnce() + 'static) {
    set_timeout(work, FRAME * frames);
}

/// Draws something so many frames from now.
pub(crate) fn draw<V: IntoView + 'static>(frames: u32, view: impl FnOnce() -> V + 'static) -> impl IntoView {
    let view = StoredValue::new_local(Some(Box::new(view) as Box<dyn FnOnce() -> V>));
    let due = RwSignal::new(false);
    after(frames, move || {
        due.try_set(true);
    });
    move || due.get().then(|| view.try_update_value(Option::take).flatten().map(|view| view()))
}
