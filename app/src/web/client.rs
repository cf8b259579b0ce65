//! The page's end of the channel to the engine.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use futures::channel::{mpsc, oneshot};
use js_sys::{Array, ArrayBuffer, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::{ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType};

use super::files::{Bytes, LocalFile};
use super::script;
use crate::protocol::{CallId, Event, Failure, FromEngine, Progress, Reply, Request, ToEngine};

/// Sends requests to the engine and hears its events. Clones share one worker.
#[derive(Clone)]
pub struct Client(Rc<Inner>);

struct Inner {
    worker: Option<Worker>,
    next: Cell<u32>,
    /// Envelopes made before the engine listens; none once it does.
    waiting: RefCell<Option<Vec<Array>>>,
    pending: RefCell<HashMap<CallId, Pending>>,
    listeners: RefCell<Vec<mpsc::UnboundedSender<Event>>>,
    lost: Cell<bool>,
}

struct Pending {
    reply: oneshot::Sender<Result<Answer, Failure>>,
    /// Too late to cancel.
    committed: bool,
    progress: Option<Box<dyn Fn(Progress)>>,
}

/// A reply and the bytes that came beside it.
#[derive(Debug)]
pub struct Answer {
    /// The reply.
    pub reply: Reply,
    /// The bytes of an attachment; empty for all other replies.
    pub bytes: Vec<Bytes>,
}

/// A request that is about to be sent.
pub struct Call {
    client: Client,
    id: CallId,
    request: Request,
    files: Vec<LocalFile>,
    progress: Option<Box<dyn Fn(Progress)>>,
}

impl Client {
    /// Starts the engine named by `<meta name="sealpost-engine">`.
    ///
    /// Always gives a client; where the engine cannot start, its calls fail with [`Failure::EngineLost`].
    pub fn start() -> Self {
        let worker = spawn();
        let client = Self(Rc::new(Inner {
            lost: Cell::new(worker.is_none()),
            worker,
            next: Cell::new(0),
            waiting: RefCell::new(Some(Vec::new())),
            pending: RefCell::default(),
            listeners: RefCell::default(),
        }));
        client.listen();
        client
    }

    /// Asks and waits for the reply. Dropping the future withdraws the request.
    pub async fn call(&self, request: Request) -> Result<Reply, Failure> {
        self.begin(request).answer().await.map(|answer| answer.reply)
    }

    /// Prepares a request that carries files, reports progress, or is cancelled by its id.
    pub fn begin(&self, request: Request) -> Call {
        let id = CallId(self.0.next.replace(self.0.next.get().wrapping_add(1)));
        Call { client: self.clone(), id, request, files: Vec::new(), progress: None }
    }

    /// Ends a call at once with [`Failure::Cancelled`], however busy the engine is; a call that has done
    /// what cannot be taken back goes on to its own reply. Unknown ids do nothing.
    pub fn cancel(&self, id: CallId) {
        if self.0.pending.borrow().get(&id).is_none_or(|pending| pending.committed) {
            return;
        }
        self.0.post(&ToEngine::Cancel(id), &[]);
        if let Some(pending) = self.0.take(id) {
            // Whoever waits may be what is dropped.
            let _ = pending.reply.send(Err(Failure::Cancelled));
        }
    }

    /// Every event from now on. Several listeners each get all of them.
    pub fn events(&self) -> mpsc::UnboundedReceiver<Event> {
        let (sender, receiver) = mpsc::unbounded();
        self.0.listeners.borrow_mut().push(sender);
        receiver
    }

    fn listen(&self) {
        let Some(worker) = &self.0.worker else { return };
        let inner = Rc::clone(&self.0);
        let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            inner.receive(&event.data());
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        let inner = Rc::clone(&self.0);
        let on_error = Closure::<dyn Fn(ErrorEvent)>::new(move |_: ErrorEvent| inner.lose());
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        // The worker lives as long as the page does.
        on_message.forget();
        on_error.forget();
    }
}

impl Call {
    /// Names the call for [`Client::cancel`].
    pub fn id(&self) -> CallId {
        self.id
    }

    /// Sends files along; drafts name them by index.
    pub fn with_files(mut self, files: Vec<LocalFile>) -> Self {
        self.files = files;
        self
    }

    /// Hears how far the call is.
    pub fn on_progress(mut self, listener: impl Fn(Progress) + 'static) -> Self {
        self.progress = Some(Box::new(listener));
        self
    }

    /// Sends the request and waits. Dropping the future withdraws the request.
    pub async fn answer(self) -> Result<Answer, Failure> {
        let inner = &self.client.0;
        if inner.lost.get() {
            return Err(Failure::EngineLost);
        }
        let (reply, answer) = oneshot::channel();
        inner
            .pending
            .borrow_mut()
            .insert(self.id, Pending { reply, committed: false, progress: self.progress });
        let withdraw = Withdraw { client: self.client.clone(), id: self.id };
        inner.post(&ToEngine::Call(self.id, Box::new(self.request)), &self.files);
        let answer = answer.await.unwrap_or(Err(Failure::EngineLost));
        drop(withdraw);
        answer
    }
}

/// Cancels a call whose future is dropped; does nothing when the call has ended.
struct Withdraw {
    client: Client,
    id: CallId,
}

impl Drop for Withdraw {
    fn drop(&mut self) {
        self.client.cancel(self.id);
        self.client.0.take(self.id);
    }
}

impl Inner {
    fn post(&self, envelope: &ToEngine, files: &[LocalFile]) {
        // Plain data always serialises.
        let Ok(bytes) = postcard::to_allocvec(envelope) else { return };
        let message = Array::of1(&Uint8Array::from(bytes.as_slice()));
        for file in files {
            message.push(file.blob());
        }
        if let Some(waiting) = self.waiting.borrow_mut().as_mut() {
            waiting.push(message);
            return;
        }
        self.send(&message);
    }

    fn send(&self, message: &Array) {
        let sent = self.worker.as_ref().map(|worker| worker.post_message(message));
        if !matches!(sent, Some(Ok(()))) {
            self.lose();
        }
    }

    fn receive(&self, data: &JsValue) {
        let message = Array::from(data);
        let Ok(bytes) = message.get(0).dyn_into::<Uint8Array>() else { return };
        match postcard::from_bytes(&bytes.to_vec()) {
            Ok(FromEngine::Ready) => {
                for message in self.waiting.take().unwrap_or_default() {
                    self.send(&message);
                }
            }
            Ok(FromEngine::Reply(id, reply)) => self.answer(id, reply, &message),
            Ok(FromEngine::Progress(id, progress)) => self.report(id, progress),
            Ok(FromEngine::Commit(id)) => self.commit(id),
            Ok(FromEngine::Event(event)) => self.announce(&event),
            Err(_) => self.lose(),
        }
    }

    fn answer(&self, id: CallId, reply: Result<Reply, Failure>, message: &Array) {
        let bytes = message.iter().skip(1).filter_map(|buffer| buffer.dyn_into::<ArrayBuffer>().ok());
        let answer = reply.map(|reply| Answer { reply, bytes: bytes.map(Bytes::new).collect() });
        if let Some(pending) = self.take(id) {
            // The caller may have lost interest in this very moment.
            let _ = pending.reply.send(answer);
        }
    }

    fn report(&self, id: CallId, progress: Progress) {
        // Taken out while it runs: a listener may begin or cancel calls.
        let listener = self.pending.borrow_mut().get_mut(&id).and_then(|pending| pending.progress.take());
        let Some(listener) = listener else { return };
        listener(progress);
        if let Some(pending) = self.pending.borrow_mut().get_mut(&id) {
            pending.progress = Some(listener);
        }
    }

    /// Of a call that was cancelled before, the engine hears nothing but that.
    fn commit(&self, id: CallId) {
        match self.pending.borrow_mut().get_mut(&id) {
            Some(pending) => pending.committed = true,
            None => return,
        }
        self.post(&ToEngine::Commit(id), &[]);
    }

    fn announce(&self, event: &Event) {
        self.listeners.borrow_mut().retain(|listener| listener.unbounded_send(event.clone()).is_ok());
    }

    fn take(&self, id: CallId) -> Option<Pending> {
        self.pending.borrow_mut().remove(&id)
    }

    /// The engine trapped or never started: every call that waits would wait for ever.
    fn lose(&self) {
        self.lost.set(true);
        for (_, pending) in self.pending.take() {
            // The caller may be gone.
            let _ = pending.reply.send(Err(Failure::EngineLost));
        }
    }
}

fn spawn() -> Option<Worker> {
    let document = web_sys::window()?.document()?;
    let element = document.query_selector("meta[name=sealpost-engine]").ok()??;
    let url = element.get_attribute("content")?;
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    options.set_name("sealpost-engine");
    script::worker(&url, &options)
}
