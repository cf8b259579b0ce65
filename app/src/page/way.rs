//! Reading the URL, and going elsewhere.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate};
use leptos_router::location::{BrowserUrl, LocationProvider};

use crate::page::place::{Folder, MailPlace, Place, Writing};
use crate::protocol::EmailId;

type Navigate = Box<dyn Fn(&str, NavigateOptions)>;

/// Where the user is and how to go on. Provided inside the router.
#[derive(Clone, Copy)]
pub(crate) struct Way {
    place: Memo<Place>,
    navigate: StoredValue<Navigate, LocalStorage>,
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
    /// Reads the router.
    pub(crate) fn new() -> Self {
        let location = use_location();
        let browser = expect_context::<BrowserUrl>();
        let (path, query) = (location.pathname, location.query);
        // A link that was followed reaches the address bar and the history once it is told that its place is
        // shown; without routes that is at once.
        Effect::new(move || {
            path.track();
            query.track();
            browser.ready_to_complete();
        });
        let place = Memo::new(move |_| Place::parse(&path.get(), |name| query.with(|query| query.get(name))));
        let navigate = StoredValue::new_local(Box::new(use_navigate()) as Navigate);
        Self { place, navigate, search: RwSignal::new(None) }
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
        let options = NavigateOptions { replace, scroll: false, ..NavigateOptions::default() };
        // A task may want to go somewhere after the mailbox was closed.
        self.navigate.try_with_value(|navigate| navigate(href, options));
    }
}
