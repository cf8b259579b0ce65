//! Sending: what is checked before, what is shown meanwhile, and how it ends.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::page::desk::Desk;
use crate::page::seal::{Look, Seal};
use crate::page::text::Texts;
use crate::page::texts;
use crate::page::way::Way;
use crate::page::writing::keeper::{Attempt, Keeper};
use crate::page::writing::sheet::Sheet;
use crate::protocol::{CallId, Failure, Progress};
use crate::web::dom;

/// The one way out of the composer. Nothing leaves in clear unless it was confirmed for this letter.
#[derive(Clone, Copy)]
pub(super) struct Sending {
    desk: Desk,
    way: Way,
    sheet: Sheet,
    texts: &'static Texts,
    keeper: StoredValue<Keeper, LocalStorage>,
    pub progress: RwSignal<Option<Option<Progress>>>,
    /// The recipients that cannot receive sealed mail, while the user is asked about them.
    pub asking: RwSignal<Vec<String>>,
    pub failure: RwSignal<Option<Failure>>,
    /// What the engine was handed.
    call: RwSignal<Option<CallId>>,
    /// What is under way, handed over or not.
    attempt: StoredValue<Attempt, LocalStorage>,
}

impl Sending {
    pub(super) fn new(desk: Desk, way: Way, sheet: Sheet, keeper: &Keeper) -> Self {
        Self {
            desk,
            way,
            sheet,
            texts: texts(),
            keeper: StoredValue::new_local(keeper.clone()),
            progress: RwSignal::new(None),
            asking: RwSignal::new(Vec::new()),
            failure: RwSignal::new(None),
            call: RwSignal::new(None),
            attempt: StoredValue::new_local(Attempt::default()),
        }
    }

    /// Sends sealed, or asks first where that cannot be.
    pub(super) fn send(self) {
        if self.progress.get_untracked().is_some() {
            return;
        }
        self.sheet.commit_all();
        let attempt = self.begin();
        spawn_local(async move {
            self.sheet.look_up(self.desk, true).await;
            if attempt.cancelled() || !self.still_here() {
                return;
            }
            let unsealable = untrack(|| self.sheet.unsealable());
            if unsealable.is_empty() {
                self.deliver(Vec::new(), attempt).await;
            } else {
                self.progress.set(None);
                self.ask(unsealable);
            }
        });
    }

    /// Sends in clear, which the user confirmed for the addresses shown.
    pub(super) fn send_clear(self) {
        let confirmed = self.asking.get_untracked();
        self.asking.set(Vec::new());
        let attempt = self.begin();
        spawn_local(self.deliver(confirmed, attempt));
    }

    /// Stops what is under way; the letter stays.
    pub(super) fn cancel(self) {
        if let Some(call) = self.call.get_untracked() {
            // The engine tells whether it was still in time.
            self.desk.client().cancel(call);
        } else {
            self.attempt.with_value(Attempt::cancel);
            self.progress.set(None);
            self.desk.notices.say(self.texts.cancelled);
        }
    }

    /// Asks whether the letter may go in clear, unless one of one's own domain cannot be reached: its people
    /// all have certificates, so that address is mistyped, or the relay hides theirs.
    fn ask(self, unsealable: Vec<String>) {
        let own = self.desk.account().map(|account| domain(&account.address)).unwrap_or_default();
        let near: Vec<_> = unsealable.iter().filter(|address| domain(address) == own).cloned().collect();
        if near.is_empty() && !unsealable.is_empty() {
            self.asking.try_set(unsealable);
        } else {
            self.failure.try_set(Some(Failure::RecipientWithoutCertificate { addresses: near }));
        }
    }

    fn begin(self) -> Attempt {
        let attempt = Attempt::default();
        self.attempt.set_value(attempt.clone());
        self.failure.set(None);
        self.progress.set(Some(None));
        attempt
    }

    async fn deliver(self, confirmed: Vec<String>, attempt: Attempt) {
        let clear = !confirmed.is_empty();
        let letter = untrack(|| self.sheet.letter());
        let files = self.sheet.files(&letter.pack().1);
        let watch = move |progress| {
            self.progress.try_set(Some(Some(progress)));
        };
        let begun = move |call| {
            self.call.try_set(Some(call));
        };
        let sent = self.keeper.get_value().send(letter, files, confirmed, &attempt, watch, begun).await;
        if attempt.cancelled() {
            // It was said already, and another attempt may be under way.
            return;
        }
        let failure = match sent {
            Ok(refused) => return self.end(&refused, clear),
            Err(failure) => failure,
        };
        self.call.try_set(None);
        self.progress.try_set(None);
        match failure {
            Failure::RecipientWithoutCertificate { addresses } => {
                self.sheet.note_unsealable(&addresses);
                self.ask(addresses);
            }
            Failure::Cancelled => self.desk.notices.say(self.texts.cancelled),
            // Without a composer there is no place but this to say so.
            failure if !self.still_here() => self.desk.notices.fail(&failure),
            failure => {
                self.failure.try_set(Some(failure));
            }
        }
    }

    fn end(self, refused: &[(String, String)], clear: bool) {
        let texts = self.texts;
        if refused.is_empty() {
            self.desk.notices.say(if clear { texts.sent_clear } else { texts.sent });
        } else {
            let addresses: Vec<_> = refused.iter().map(|(address, _)| address.as_str()).collect();
            self.desk.notices.say((texts.partly_refused)(&addresses.join(texts.list_comma)));
        }
        // Until then nothing can be sent again.
        set_timeout(
            move || {
                if self.still_here() {
                    close(self.way);
                }
            },
            Duration::ZERO,
        );
    }

    fn still_here(self) -> bool {
        self.progress.try_get_untracked().is_some()
    }
}

fn domain(address: &str) -> String {
    address.rsplit_once('@').map(|(_, domain)| domain.to_ascii_lowercase()).unwrap_or_default()
}

/// Leaves the composer for the list or message it came from.
pub(super) fn close(way: Way) {
    if let Some(place) = way.mail_untracked() {
        let draft = place.writing == Some(crate::page::place::Writing::Draft);
        let place = place.with_writing(None);
        way.go(&if draft { place.with_email(None) } else { place });
        request_animation_frame(|| {
            dom::focus("#main");
        });
    }
}

/// While the letter is sealed and sent.
#[component]
pub(super) fn Underway(sending: Sending) -> impl IntoView {
    let texts = texts();
    let stage = move || match sending.progress.get() {
        Some(Some(progress)) => (texts.stage)(progress.stage),
        Some(None) => texts.checking,
        None => "",
    };
    let known = move || sending.progress.get().flatten().filter(|progress| progress.total > 0);
    let bar = move || {
        match known() {
        Some(at) => view! { <progress aria-label=texts.sending max=at.total.to_string() value=at.done.to_string()></progress> }.into_any(),
        None => view! { <progress aria-label=texts.sending></progress> }.into_any(),
    }
    };
    view! {
        <Show when=move || sending.progress.get().is_some()>
            <div class="sending">
                <Seal look=Look::Brand />
                <p class="stage" role="status">{stage}</p>
                {bar}
                <button type="button" class="button" on:click=move |_| sending.cancel()>{texts.cancel}</button>
            </div>
        </Show>
    }
}
