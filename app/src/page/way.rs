//! Reading the URL, and going elsewhere.

use leptos::ev;
use leptos::prelude::*;

use crate::page::place::{Folder, MailPlace, Place, Writing};
use crate::protocol::EmailId;
use crate::web::history::{self, Address};

/// Where the user is and how to go on.
#[derive(Clone, Copy)]
pub(crate) struct Way {
    address: RwSignal<Address>,
    place: Memo<Place>,
    /// What is searched for, and where. Never in the URL, which the relay sees.
    search: RwSignal<Option<(Folder, String)>>,
}

/// What the main pane shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pane {
    Nothing,
    Read(EmailId),
    Write(Writing, Option<EmailId>),
    Settings,
    Nowhere,
}

impl Way {
    /// Reads the URL, and follows the history and the links of the page.
    pub(crate) fn new() -> Self {
        let address = RwSignal::new(history::address());
        let place = Memo::new(move |_| address.with(|address| Place::parse(&address.path, &address.query)));
        let way = Self { address, place, search: RwSignal::new(None) };
        let clicked = window_event_listener(ev::click, move |event| {
            if let Some(href) = history::followed(&event) {
                event.prevent_default();
                way.visit(&href, false);
            }
        });
        let moved = window_event_listener(ev::popstate, move |_| address.set(history::address()));
        on_cleanup(|| {
            clicked.remove();
            moved.remove();
        });
        way
    }

    /// The place in the mail, where the user is in the mail.
    pub(crate) fn mail(self) -> Option<MailPlace> {
        match self.place.get() {
            Place::Mail(place) => Some(place),
            Place::Settings | Place::Nowhere => None,
        }
    }

    /// The same, without following it.
    pub(crate) fn mail_untracked(self) -> Option<MailPlace> {
        untrack(|| self.mail())
    }

    /// What the main pane shows.
    pub(crate) fn pane(self) -> Pane {
        match self.place.get() {
            Place::Mail(MailPlace { writing: Some(writing), email, .. }) => Pane::Write(writing, email),
            Place::Mail(MailPlace { email: Some(email), .. }) => Pane::Read(email),
            Place::Mail(_) => Pane::Nothing,
            Place::Settings => Pane::Settings,
            Place::Nowhere => Pane::Nowhere,
        }
    }

    /// What is searched for in the mailbox in sight.
    pub(crate) fn find(self) -> Option<String> {
        let place = self.mail()?;
        let text = self.search.with(|search| {
            search.as_ref().filter(|(folder, _)| *folder == place.folder).map(|(_, text)| text.clone())
        });
        text.filter(|text| !text.is_empty())
    }

    /// Searches the mailbox in sight; an empty text ends the search.
    pub(crate) fn search(self, text: String) {
        self.search.set(self.mail_untracked().map(|place| (place.folder, text)));
    }

    /// Goes to a place in the mail.
    pub(crate) fn go(self, place: &MailPlace) {
        self.visit(&place.href(), false);
    }

    /// Goes there without adding to the history.
    pub(crate) fn replace(self, place: &MailPlace) {
        self.visit(&place.href(), true);
    }

    /// Begins to write; answers concern the message that is open.
    pub(crate) fn write(self, writing: Writing) {
        let place = self.mail_untracked().unwrap_or_else(MailPlace::inbox);
        if writing == Writing::New || place.email.is_some() {
            self.go(&place.with_writing(Some(writing)));
        }
    }

    fn visit(self, href: &str, replace: bool) {
        // A task may want to go somewhere after the mailbox was closed.
        if self.address.try_get_untracked().is_some() {
            history::visit(href, replace);
            self.address.set(history::address());
        }
    }
}
