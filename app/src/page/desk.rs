//! The state of the page and its line to the engine.

use futures::StreamExt;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::page::mail::{Change, Mail};
use crate::page::notice::Notices;
use crate::protocol::{Account, Draft, EmailId, Event, Failure, MailboxId, Reply, Request, Role, State};
use crate::web::client::Client;
use crate::web::files::LocalFile;

/// Where this browser stands, as far as the page has to show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Session {
    Starting,
    /// The engine did not come up, or broke down.
    Lost(Failure),
    SignedOut,
    NeedsEnrolment(Account),
    KeysElsewhere(Account),
    /// The relay names other authorities than those pinned here.
    TrustChanged(Vec<String>),
    Ready(Account),
}

impl From<State> for Session {
    fn from(state: State) -> Self {
        match state {
            State::SignedOut => Self::SignedOut,
            State::NeedsEnrolment(account) => Self::NeedsEnrolment(account),
            State::KeysElsewhere(account) => Self::KeysElsewhere(account),
            State::Ready(account) => Self::Ready(account),
        }
    }
}

/// A draft whose session ended before it was kept. It waits in memory until its writer signs in again.
#[derive(Clone)]
pub(crate) struct Unsaved {
    pub writer: Account,
    pub draft: Draft,
    pub replaces: Option<EmailId>,
    pub files: Vec<LocalFile>,
}

/// The page's one state, and the engine.
#[derive(Clone, Copy)]
pub(crate) struct Desk {
    client: StoredValue<Client, LocalStorage>,
    pub session: RwSignal<Session>,
    pub mail: RwSignal<Mail>,
    pub offline: RwSignal<bool>,
    /// Unread messages of the inbox that came while the page was open and were not announced yet.
    pub arrived: RwSignal<u32>,
    pub notices: Notices,
    unsaved: StoredValue<Option<Unsaved>, LocalStorage>,
    /// Whoever signs out leaves nothing behind.
    signed_out: StoredValue<bool>,
}

impl Desk {
    /// Starts the engine and asks it where this browser stands.
    pub(crate) fn open() -> Self {
        let desk = Self {
            client: StoredValue::new_local(Client::start()),
            session: RwSignal::new(Session::Starting),
            mail: RwSignal::new(Mail::default()),
            offline: RwSignal::new(false),
            arrived: RwSignal::new(0),
            notices: Notices::new(),
            unsaved: StoredValue::new_local(None),
            signed_out: StoredValue::new(false),
        };
        spawn_local(async move {
            let mut events = desk.client().events();
            while let Some(event) = events.next().await {
                desk.hear(event);
            }
        });
        desk.restart();
        desk
    }

    /// The engine's client, for calls with files, progress or cancelling.
    pub(crate) fn client(self) -> Client {
        self.client.get_value()
    }

    /// Who is signed in.
    pub(crate) fn account(self) -> Option<Account> {
        match self.session.get_untracked() {
            Session::Ready(account) => Some(account),
            _ => None,
        }
    }

    /// Asks the engine; failures that concern the whole session change it.
    pub(crate) async fn call(self, request: Request) -> Result<Reply, Failure> {
        let answer = self.client().call(request).await;
        if let Err(failure) = &answer {
            self.note(failure);
        }
        answer
    }

    /// Asks for something as long as the calling component lives.
    pub(crate) fn read(self, request: Request) -> RwSignal<Option<Result<Reply, Failure>>> {
        let answer = RwSignal::new(None);
        let call = self.client().begin(request);
        let id = call.id();
        spawn_local(async move {
            let result = call.answer().await.map(|answer| answer.reply);
            if let Err(failure) = &result {
                self.note(failure);
            }
            answer.try_set(Some(result));
        });
        on_cleanup(move || self.client().cancel(id));
        answer
    }

    /// Changes the session where a failure concerns all of it.
    pub(crate) fn note(self, failure: &Failure) {
        match failure {
            Failure::SessionExpired => self.leave(),
            Failure::TrustChanged { fingerprints } => {
                self.session.set(Session::TrustChanged(fingerprints.clone()));
            }
            Failure::EngineLost | Failure::StorageNewer => self.session.set(Session::Lost(failure.clone())),
            _ => {}
        }
    }

    /// Asks for a new state of the session; gives the failure where there was one.
    pub(crate) async fn enter(self, request: Request) -> Option<Failure> {
        match self.call(request).await {
            Ok(Reply::State(state)) => {
                self.session.set(state.into());
                None
            }
            // No other reply belongs to such a request.
            Ok(_) => Some(Failure::EngineLost),
            Err(failure) => Some(failure),
        }
    }

    /// Asks once more where this browser stands.
    pub(crate) fn restart(self) {
        self.session.set(Session::Starting);
        spawn_local(async move {
            if let Some(failure) = self.enter(Request::Start).await
                && self.session.get_untracked() == Session::Starting
            {
                self.session.set(Session::Lost(failure));
            }
        });
    }

    /// Holds a draft for its writer, unless that is who signed out.
    pub(crate) fn hold(self, unsaved: Unsaved) {
        if !self.signed_out.get_value() {
            self.unsaved.set_value(Some(unsaved));
        }
    }

    /// Gives the draft that waits for whoever is signed in now; nobody else gets it, and it waits no longer.
    pub(crate) fn take_unsaved(self) -> Option<Unsaved> {
        self.signed_out.set_value(false);
        let unsaved = self.unsaved.try_update_value(Option::take).flatten();
        unsaved.filter(|unsaved| self.account().is_some_and(|account| account.id == unsaved.writer.id))
    }

    /// Signs out.
    pub(crate) fn sign_out(self) {
        self.signed_out.set_value(true);
        self.unsaved.set_value(None);
        spawn_local(async move {
            if let Some(failure) = self.enter(Request::SignOut).await {
                self.signed_out.set_value(false);
                self.notices.fail(&failure);
            } else {
                self.leave();
            }
        });
    }

    /// Makes a change at once, and takes it back if the relay refuses. Gives what takes it back.
    pub(crate) fn change(self, change: Change) -> Option<Change> {
        let requests = change.requests();
        let undo = self.mail.try_update(|mail| {
            mail.unsettle();
            mail.apply(change)
        })?;
        let take_back = undo.clone();
        spawn_local(async move {
            let mut refused = None;
            for request in requests {
                refused = refused.or(self.call(request).await.err());
            }
            if let Some(failure) = &refused {
                self.notices.fail(failure);
            }
            self.mail.update(|mail| {
                if let (Some(_), Some(take_back)) = (refused, take_back) {
                    mail.apply(take_back);
                }
                mail.settle();
            });
            // The relay may have changed more than was shown, such as the counts of lists not loaded.
            self.refresh_mailboxes().await;
        });
        undo
    }

    /// Fetches the mailboxes and their counts.
    pub(crate) async fn refresh_mailboxes(self) {
        let asked = self.mail.with_untracked(Mail::ask);
        match self.call(Request::Mailboxes).await {
            Ok(Reply::Mailboxes(mailboxes)) => self.mail.update(|mail| {
                if mail.trusts(asked) {
                    mail.apply(Change::Mailboxes(mailboxes));
                }
            }),
            Ok(_) | Err(Failure::Offline | Failure::Cancelled | Failure::SessionExpired) => {}
            Err(failure) => self.notices.fail(&failure),
        }
    }

    /// Fetches a page of a list.
    pub(crate) async fn load(self, mailbox: MailboxId, page: u32) {
        let asked = self.mail.with_untracked(Mail::ask);
        let position = page * crate::page::mail::PAGE;
        let request = Request::List { mailbox: mailbox.clone(), position, limit: crate::page::mail::PAGE };
        match self.call(request).await {
            Ok(Reply::List { rows, total }) => {
                let listed = Change::Listed { mailbox, position, rows, total, asked };
                self.mail.update(|mail| {
                    mail.apply(listed);
                });
            }
            Ok(_) | Err(Failure::Offline | Failure::Cancelled | Failure::SessionExpired) => {}
            Err(failure) => self.notices.fail(&failure),
        }
    }

    fn hear(self, event: Event) {
        match event {
            Event::Changed { mailboxes, .. } => {
                self.mail.update(|mail| {
                    mail.apply(Change::Stale(mailboxes));
                });
                spawn_local(async move {
                    let before = self.unread();
                    self.refresh_mailboxes().await;
                    let new = self.unread().saturating_sub(before);
                    self.arrived.set(new);
                });
            }
            Event::Offline => self.offline.set(true),
            Event::Online => {
                self.offline.set(false);
                // What was asked for while there was no way through is asked for again.
                self.mail.update(|mail| {
                    mail.apply(Change::Stale(Vec::new()));
                });
                spawn_local(self.refresh_mailboxes());
            }
            Event::SignedOut => self.leave(),
        }
    }

    fn unread(self) -> u32 {
        self.mail.with_untracked(|mail| mail.role(Role::Inbox).map_or(0, |inbox| inbox.unread))
    }

    /// Forgets everything that was decrypted.
    fn leave(self) {
        self.mail.set(Mail::default());
        self.notices.clear();
        self.session.set(Session::SignedOut);
    }
}
