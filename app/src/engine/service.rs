//! Every request of the page, and who serves it.

use std::cell::RefCell;
use std::rc::Rc;

use futures::future::{AbortHandle, Abortable};

use super::account::Account;
use super::lists::Glances;
use super::{directory, enrol, lists, open, receipts, recovery, relay, send, standing, update};
use crate::protocol::{EmailId, Event, Failure, MailboxId, PartId, Reply, Request, Secret, State};
use crate::web::task;
use crate::web::worker::{Answer, Call, Page, bytes};

/// The engine. Clones are the same engine.
#[derive(Clone)]
pub struct Engine(Rc<Inner>);

struct Inner {
    page: Page,
    glances: Glances,
    account: RefCell<Option<Rc<Account>>>,
    watch: RefCell<Option<AbortHandle>>,
}

impl Engine {
    /// An engine for a page, with nobody signed in yet.
    pub fn new(page: Page) -> Self {
        let glances = Glances::new(page.clone());
        Self(Rc::new(Inner { page, glances, account: RefCell::default(), watch: RefCell::default() }))
    }

    /// Serves one request.
    pub async fn serve(self, request: Request, call: Call) -> Result<Answer, Failure> {
        let served = self.route(request, &call).await;
        if matches!(served, Err(Failure::SessionExpired)) && self.leave() {
            self.0.page.announce(Event::SignedOut);
        }
        served
    }

    async fn route(&self, request: Request, call: &Call) -> Result<Answer, Failure> {
        match request {
            Request::Start => self.start(None).await,
            Request::SignIn { username, password } => self.sign_in(&username, &password).await,
            Request::SignOut => self.sign_out().await,
            Request::Enrol => {
                enrol::enrol(&*self.account()?, call).await?;
                self.stand().await
            }
            Request::StartAfresh => {
                enrol::afresh(&*self.account()?, call).await?;
                self.stand().await
            }
            Request::Recover { code } => {
                recovery::recover(&*self.account()?, &code).await?;
                self.stand().await
            }
            Request::AcceptTrust { fingerprints } => {
                self.account()?.accept_trust(&fingerprints).await?;
                self.stand().await
            }
            Request::Receipt { email, give } => {
                let given = receipts::answer(&*self.account()?, &email, give, call).await?;
                Ok(Reply::Receipt { given }.into())
            }
            Request::Attachment { email, part } => self.attachment(&email, &part, call).await,
            Request::Mailboxes => Ok(Reply::Mailboxes(lists::mailboxes(&*self.account()?).await?).into()),
            Request::List { mailbox, position, limit } => self.list(&mailbox, position, limit).await,
            Request::Open { email, whole } => {
                let message = open::open(&*self.account()?, &email, whole, call).await?;
                Ok(Reply::Message(Box::new(message)).into())
            }
            Request::Complete { text } => {
                Ok(Reply::Completions(directory::complete(&*self.account()?, &text).await?).into())
            }
            Request::Recipients { addresses } => {
                Ok(Reply::Recipients(directory::recipients(&*self.account()?, &addresses).await?).into())
            }
            Request::SaveDraft { draft, replaces } => {
                let kept = send::save_draft(&*self.account()?, &draft, replaces.as_ref(), call).await?;
                Ok(Reply::Draft(kept).into())
            }
            Request::Send { draft, replaces, clear } => {
                let refused = send::send(&*self.account()?, &draft, replaces.as_ref(), &clear, call).await?;
                Ok(Reply::Sent { refused }.into())
            }
            Request::Update { emails, change } => {
                update::update(&*self.account()?, &emails, &change).await?;
                Ok(Reply::Done.into())
            }
            Request::RecoveryCode => Ok(Reply::RecoveryCode(recovery::make(&*self.account()?).await?).into()),
        }
    }

    async fn list(&self, mailbox: &MailboxId, position: u32, limit: u32) -> Result<Answer, Failure> {
        let account = self.account()?;
        let (rows, total) = lists::list(&account, &self.0.glances, mailbox, position, limit).await?;
        Ok(Reply::List { rows, total }.into())
    }

    async fn attachment(&self, email: &EmailId, part: &PartId, call: &Call) -> Result<Answer, Failure> {
        let account = self.account()?;
        let (name, media_type, data) = open::attachment(&account, email, part, call).await?;
        Ok(Answer { reply: Reply::Attachment { name, media_type }, bytes: vec![bytes(&data)] })
    }

    async fn sign_in(&self, username: &str, password: &Secret) -> Result<Answer, Failure> {
        self.leave();
        relay::sign_in(username, password).await?;
        self.start(Some(username)).await
    }

    /// Opens the account of the session, if there is one; `typed` is the address just signed in with.
    async fn start(&self, typed: Option<&str>) -> Result<Answer, Failure> {
        match Account::open(typed).await {
            Ok(account) => {
                self.leave();
                self.0.account.replace(Some(Rc::new(account)));
                self.stand().await
            }
            Err(Failure::SessionExpired) => Ok(Reply::State(State::SignedOut).into()),
            Err(failure) => Err(failure),
        }
    }

    /// Tells where this browser stands, and follows the account once everything is here.
    async fn stand(&self) -> Result<Answer, Failure> {
        let account = self.account()?;
        let state = standing::state(&account).await?;
        if matches!(state, State::Ready(_)) && self.0.watch.borrow().is_none() {
            let (abort, registration) = AbortHandle::new_pair();
            self.0.watch.replace(Some(abort));
            let watch = super::watch::watch(Rc::clone(&account), self.0.page.clone());
            task::spawn(async move {
                // Ends when the account is left.
                let _ = Abortable::new(watch, registration).await;
            });
            task::spawn(async move {
                // What fails is tried again at the next start.
                let _ = enrol::go_on(&account).await;
            });
        }
        Ok(Reply::State(state).into())
    }

    async fn sign_out(&self) -> Result<Answer, Failure> {
        self.leave();
        match relay::sign_out().await {
            Ok(()) | Err(Failure::SessionExpired) => Ok(Reply::State(State::SignedOut).into()),
            Err(failure) => Err(failure),
        }
    }

    fn account(&self) -> Result<Rc<Account>, Failure> {
        self.0.account.borrow().clone().ok_or(Failure::SessionExpired)
    }

    /// Forgets the account and what was decrypted of it; tells whether there was one.
    fn leave(&self) -> bool {
        if let Some(watch) = self.0.watch.take() {
            watch.abort();
        }
        self.0.account.take().is_some()
    }
}
