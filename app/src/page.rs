//! The interface: what the user sees, and nothing that touches keys or the network.
//!
//! [`desk`] holds the one state and speaks to the engine; [`place`] reads the URL, which owns every
//! selection; [`text`] has every word in both languages; the other modules are what is on screen.

mod desk;
mod gate;
mod icon;
mod keys;
mod later;
mod list;
mod mail;
mod mailboxes;
mod notice;
mod place;
mod prefs;
mod reading;
mod seal;
mod settings;
mod shell;
mod text;
mod way;
mod writing;

use leptos::prelude::*;

use desk::{Desk, Session};
use prefs::Prefs;
use text::Texts;

/// Starts the page.
pub fn start() {
    if cfg!(debug_assertions) {
        std::panic::set_hook(Box::new(|panic| leptos::logging::error!("{panic}")));
    }
    leptos::mount::mount_to_body(App);
}

/// The texts of the language in use.
fn texts() -> &'static Texts {
    expect_context()
}

/// The root: contexts are provided here once, so that no pending task outlives its signals.
#[component]
fn App() -> impl IntoView {
    let prefs = Prefs::recalled();
    let desk = Desk::open();
    provide_context(prefs);
    provide_context(desk);
    // A change of language draws the page anew, which spares every text from being a signal.
    move || {
        provide_context(prefs.language().texts());
        view! { <Room /> }
    }
}

/// What is on screen, by where this browser stands.
#[component]
fn Room() -> impl IntoView {
    let desk = expect_context::<Desk>();
    move || match desk.session.get() {
        Session::Starting => view! { <gate::Starting /> }.into_any(),
        Session::Lost(failure) => view! { <gate::Lost failure /> }.into_any(),
        Session::SignedOut => view! { <gate::SignIn /> }.into_any(),
        Session::NeedsEnrolment(account) => view! { <gate::Enrol account /> }.into_any(),
        Session::KeysElsewhere(account) => view! { <gate::KeysElsewhere account /> }.into_any(),
        Session::TrustChanged(fingerprints) => view! { <gate::TrustChanged fingerprints /> }.into_any(),
        Session::Ready(_) => view! { <shell::Shell /> }.into_any(),
    }
}
