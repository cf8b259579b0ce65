//! Every request of the page, and who serves it.

use std::cell::RefCell;
use std::rc::Rc;

use futures::future::{AbortHandle, Abortable};

use super::account::Account;
use super::lists::Glances;
use super::{directory, enrol, lists, open, recovery, relay, send, standing, update};
use crate::protocol::{Event, Failure, Reply, Request, State};
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
            Request::SignIn { username, password } => {
                self.leave();
                relay::sign_in(&username, &password).await?;
                self.start(Some(&username)).await
            }
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
            request => self.mail(request, call).await,
        }
    }

    async fn mail(&self, request: Request, call: &Call) -> Result<Answer, Failure> {
        let account = self.account()?;
        let reply = match request {
            Request::Mailboxes => Reply::Mailboxes(lists::mailboxes(&account).await?),
            Request::List { mailbox, position, limit } => {
                let (rows, total) = lists::list(&account, &self.0.glances, &mailbox, position, limit).await?;
                Reply::List { rows, total }
            }
            Request::Open { email } => Reply::Message(Box::new(open::open(&account, &email, call).await?)),
            Request::Attachment { email, part } => {
                let (name, media_type, data) = open::attachment(&account, &email, &part, call).await?;
                return Ok(Answer {
                    reply: Reply::Attachment { name, media_type },
                    bytes: vec![bytes(&data)],
                });
            }
            Request::Complete { text } => Reply::Completions(directory::complete(&account, &text).await?),
            Request::Recipients { addresses } => {
                Reply::Recipients(directory::recipients(&account, &addresses).await?)
            }
            Request::SaveDraft { draft, replaces } => {
                Reply::Draft(send::save_draft(&account, &draft, replaces.as_ref(), call).await?)
            }
            Request::Send { draft, replaces, clear } => {
                Reply::Sent { refused: send::send(&account, &draft, replaces.as_ref(), &clear, call).await? }
            }
            Request::Update { emails, change } => {
                update::update(&account, &emails, &change).await?;
                Reply::Done
            }
            Request::RecoveryCode => Reply::RecoveryCode(recovery::make(&account).await?),
            // Each of the others was served before.
            _ => Reply::Done,
        };
        Ok(reply.into())
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
