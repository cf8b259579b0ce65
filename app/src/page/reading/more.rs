//! What stands beyond a number that a page draws at once, drawn when it is asked for.

use leptos::prelude::*;

use crate::page::texts;

/// A button that gives way to the view; none where there is nothing more.
pub(super) fn more<V: IntoView + 'static>(
    count: usize,
    view: impl Fn() -> V + Send + 'static,
) -> Option<impl IntoView> {
    let label = (texts().show_more)(count);
    let open = RwSignal::new(false);
    let shown = move || {
        if open.get() {
            return view().into_any();
        }
        let open = move |_| open.set(true);
        view! { <button type="button" class="link-button" on:click=open>{label.clone()}</button> }.into_any()
    };
    (count > 0).then_some(shown)
}
