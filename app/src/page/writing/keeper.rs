//! Keeping a letter: drafts are saved by themselves, one after the other, and never lost on the way out.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures::lock::Mutex;
use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::page::desk::{Desk, Unsaved};
use crate::page::place::{Folder, MailPlace, Writing};
use crate::page::way::Way;
use crate::page::writing::letter::{Letter, Moved, draws_on};
use crate::page::writing::sheet::Sheet;
use crate::protocol::{Account, Change, Draft, EmailId, Failure, Progress, Reply, Request, Role};
use crate::web::dom;
use crate::web::files::LocalFile;

/// How long the keys rest before a draft is saved.
const PAUSE: Duration = Duration::from_millis(1500);
/// Large enclosures are sealed anew with every save, so those wait longer.
const LONG_PAUSE: Duration = Duration::from_secs(15);
const LARGE: u64 = 2_000_000;

/// How the draft stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// Nothing was written yet, or nothing since it was opened.
    Untouched,
    Changed,
    Saving,
    Saved,
    Failed,
}

/// One attempt to send, which can be cancelled before anything of it is handed to the engine.
#[derive(Clone, Default)]
pub(super) struct Attempt(Rc<Cell<bool>>);

impl Attempt {
    pub(super) fn cancel(&self) {
        self.0.set(true);
    }

    pub(super) fn cancelled(&self) -> bool {
        self.0.get()
    }
}

/// Saves, sends or discards one letter. Clones share the draft.
#[derive(Clone)]
pub(super) struct Keeper {
    desk: Desk,
    writer: Option<Account>,
    /// The draft at the relay. The lock puts saving, sending and discarding one after the other.
    draft: Rc<Mutex<Option<EmailId>>>,
    /// The letter was sent or discarded: nothing is saved any more. It is known even where the composer was
    /// left while the letter was under way.
    done: Rc<Cell<bool>>,
    /// Where the enclosures of a draft taken up again are by now: every save destroys its earlier state.
    moved: Rc<RefCell<Moved>>,
    pub state: RwSignal<Kept>,
}

impl Keeper {
    pub(super) fn new(desk: Desk, kept: Option<EmailId>) -> Self {
        let draft = Rc::new(Mutex::new(kept));
        let state = RwSignal::new(Kept::Untouched);
        Self { desk, writer: desk.account(), draft, done: Rc::default(), moved: Rc::default(), state }
    }

    /// Saves the letter now; what was typed meanwhile counts as changed still.
    async fn save(self, letter: Letter, files: Vec<LocalFile>) {
        let mut draft = self.draft.lock().await;
        if self.done.get() {
            return;
        }
        self.state.try_set(Kept::Saving);
        let mut content = self.moved.borrow().applied(letter.pack().0);
        // What still holds the enclosures goes only once they are known to be in the new state.
        let source = draft.clone().filter(|draft| draws_on(&content, draft));
        let replaces = draft.clone().filter(|_| source.is_none());
        let answer = keep(self.desk, &mut content, replaces.clone(), files.clone()).await;
        match answer {
            Ok(Reply::Draft(id)) => {
                *draft = Some(id.clone());
                if let Some(source) = source {
                    self.follow(&letter, source, &id).await;
                }
                // Reloading the page takes this draft up again.
                if self.state.try_get_untracked().is_some() {
                    dom::rewrite_address(&place(id).href());
                }
                self.finish(Kept::Saved);
            }
            Ok(_) => self.finish(Kept::Failed),
            Err(failure) => {
                self.desk.note(&failure);
                self.finish(Kept::Failed);
                match (self.state.try_get_untracked(), failure, self.writer) {
                    (Some(_), ..) => {}
                    (None, Failure::SessionExpired, Some(writer)) => {
                        self.desk.hold(Unsaved { writer, draft: content, replaces, files });
                    }
                    // Without a composer there is no place but this to say so.
                    (None, failure, _) => self.desk.notices.fail(&failure),
                }
            }
        }
    }

    /// Finds the enclosures in the draft as it is kept now, and destroys the state they came from.
    async fn follow(&self, letter: &Letter, source: EmailId, kept: &EmailId) {
        let opened = self.desk.call(Request::Open { email: kept.clone(), whole: false }).await;
        let Ok(Reply::Message(message)) = opened else { return };
        if self.moved.borrow_mut().follow(&letter.enclosures, &message) {
            let change = Request::Update { emails: vec![source], change: Change::Destroy };
            // What fails is seen in the list and can be removed there.
            let _ = self.desk.call(change).await;
        }
    }

    fn finish(&self, kept: Kept) {
        self.state.try_update(|state| {
            if *state == Kept::Saving {
                *state = kept;
            }
        });
    }

    /// Sends the letter, unless it was cancelled while a draft was being saved; when it is sent there is no
    /// draft left.
    pub(super) async fn send(
        self,
        letter: Letter,
        files: Vec<LocalFile>,
        clear: Vec<String>,
        attempt: &Attempt,
        watch: impl Fn(Progress) + 'static,
        begun: impl FnOnce(crate::protocol::CallId),
    ) -> Result<Vec<(String, String)>, Failure> {
        let mut draft = self.draft.lock().await;
        if attempt.cancelled() {
            return Err(Failure::Cancelled);
        }
        let content = self.moved.borrow().applied(letter.pack().0);
        let request = Request::Send { draft: content, replaces: draft.clone(), clear };
        let call = self.desk.client().begin(request).with_files(files).on_progress(watch);
        begun(call.id());
        match call.answer().await.map(|answer| answer.reply) {
            Ok(Reply::Sent { refused }) => {
                *draft = None;
                self.done.set(true);
                Ok(refused)
            }
            Ok(_) => Err(Failure::EngineLost),
            Err(failure) => {
                self.desk.note(&failure);
                Err(failure)
            }
        }
    }

    /// Throws the letter away, its draft at the relay too.
    pub(super) async fn discard(self) -> Result<(), Failure> {
        self.done.set(true);
        let Some(draft) = self.draft.lock().await.take() else { return Ok(()) };
        self.desk.call(Request::Update { emails: vec![draft], change: Change::Destroy }).await.map(|_| ())
    }
}

/// Takes up the draft that the end of a session cut off.
pub(crate) fn resume(desk: Desk, way: Way) {
    let Some(unsaved) = desk.take_unsaved() else { return };
    spawn_local(async move {
        way.replace(&MailPlace::folder(Folder::Role(Role::Drafts)));
        let mut draft = unsaved.draft.clone();
        let kept = keep(desk, &mut draft, unsaved.replaces.clone(), unsaved.files.clone()).await;
        match kept {
            Ok(Reply::Draft(id)) => way.replace(&place(id)),
            Ok(_) => desk.hold(unsaved),
            Err(failure) => {
                desk.note(&failure);
                desk.notices.fail(&failure);
                desk.hold(unsaved);
            }
        }
    });
}

fn place(draft: EmailId) -> MailPlace {
    let drafts = MailPlace::folder(Folder::Role(Role::Drafts));
    drafts.with_email(Some(draft)).with_writing(Some(Writing::Draft))
}

/// Keeps a draft. A half-typed recipient is left out: it must not keep the letter from being kept.
async fn keep(
    desk: Desk,
    content: &mut Draft,
    replaces: Option<EmailId>,
    files: Vec<LocalFile>,
) -> Result<Reply, Failure> {
    let ask = |content: &Draft| {
        let request = Request::SaveDraft { draft: content.clone(), replaces: replaces.clone() };
        desk.client().begin(request).with_files(files.clone()).answer()
    };
    let mut answer = ask(content).await;
    if let Err(Failure::NotAnAddress { addresses }) = &answer {
        for line in [&mut content.to, &mut content.cc, &mut content.bcc] {
            line.retain(|address| !addresses.contains(&address.email));
        }
        answer = ask(content).await;
    }
    answer.map(|answer| answer.reply)
}

/// Saves when the keys rest, and once more when the composer closes.
pub(super) fn keep_by_itself(keeper: &Keeper, sheet: Sheet) {
    let timer = StoredValue::new(None::<TimeoutHandle>);
    let save = {
        let keeper = StoredValue::new_local(keeper.clone());
        move || {
            let letter = untrack(|| sheet.letter());
            let files = sheet.files(&letter.pack().1);
            spawn_local(keeper.get_value().save(letter, files));
        }
    };
    let state = keeper.state;
    let first = StoredValue::new(Some(untrack(|| sheet.letter())));
    Effect::new(move || {
        let letter = sheet.letter();
        // The letter as it was opened is no change.
        if first.with_value(|first| first.as_ref() == Some(&letter)) {
            return;
        }
        first.set_value(None);
        state.set(Kept::Changed);
        let pause = if letter.enclosed() > LARGE { LONG_PAUSE } else { PAUSE };
        let next = set_timeout_with_handle(save, pause).ok();
        if let Some(last) = timer.try_update_value(|timer| std::mem::replace(timer, next)).flatten() {
            last.clear();
        }
    });
    let done = Rc::clone(&keeper.done);
    let done = StoredValue::new_local(done);
    on_cleanup(move || {
        if let Some(timer) = timer.try_update_value(Option::take).flatten() {
            timer.clear();
        }
        if !done.with_value(|done| done.get())
            && matches!(state.get_untracked(), Kept::Changed | Kept::Failed)
        {
            save();
        }
    });
}
