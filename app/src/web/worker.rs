//! The engine's end of the channel to the page.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use futures::channel::oneshot;
use futures::future::{AbortHandle, Abortable};
use js_sys::{Array, Uint8Array};
use smime::message::Attachment;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, DedicatedWorkerGlobalScope, MessageEvent};

use super::buffers::append;
use super::{clock, stream};
use crate::protocol::{CallId, Event, Failure, FromEngine, Progress, Reply, Request, Stage, ToEngine};

/// Milliseconds between two reports of one call within a stage.
const REPORT_EVERY: u64 = 60;

/// The page, as the engine sees it. Clones are the same page.
#[derive(Clone)]
pub struct Page(DedicatedWorkerGlobalScope);

/// A reply and the bytes that go beside it.
pub struct Answer {
    /// The reply.
    pub reply: Reply,
    /// Bytes, handed over without a copy.
    pub bytes: Vec<Uint8Array>,
}

/// Copies bytes out of the engine's memory, to be handed over.
pub fn bytes(data: &[u8]) -> Uint8Array {
    Uint8Array::from(data)
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        Self { reply, bytes: Vec::new() }
    }
}

/// One request of the page while it is served.
#[derive(Clone)]
pub struct Call {
    page: Page,
    id: CallId,
    /// Files that came with the request.
    pub files: Rc<[Attached]>,
    gate: Rc<Gate>,
    reported: Rc<Cell<(Option<Stage>, u64)>>,
}

/// The point of no return of a call.
#[derive(Default)]
struct Gate {
    /// Behind it: cancelling is ignored.
    passed: Cell<bool>,
    /// Before it, waiting for the page.
    waiting: RefCell<Option<oneshot::Sender<()>>>,
}

/// A file that came with a request.
pub struct Attached(Blob);

impl Page {
    /// The page that started this worker; none outside a dedicated worker.
    pub fn of_this_worker() -> Option<Self> {
        js_sys::global().dyn_into().ok().map(Self)
    }

    /// Serves every request by `serve` until the page goes away.
    pub fn serve<F, S>(self, serve: S)
    where
        F: Future<Output = Result<Answer, Failure>> + 'static,
        S: Fn(Request, Call) -> F + 'static,
    {
        let running = Running::default();
        let page = self.clone();
        let on_message =
            Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| match envelope(&event.data()) {
                Some((ToEngine::Call(id, request), files)) => {
                    let call = Call::new(page.clone(), id, files);
                    running.start(call.clone(), serve(*request, call));
                }
                Some((ToEngine::Cancel(id), _)) => running.cancel(id),
                Some((ToEngine::Commit(id), _)) => running.commit(id),
                None => {}
            });
        self.0.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        // It listens as long as the worker lives.
        on_message.forget();
        self.post(&FromEngine::Ready, Vec::new());
    }

    /// Tells the page of something it did not ask for.
    pub fn announce(&self, event: Event) {
        self.post(&FromEngine::Event(event), Vec::new());
    }

    fn post(&self, envelope: &FromEngine, bytes: Vec<Uint8Array>) {
        // Plain data always serialises.
        let Ok(encoded) = postcard::to_allocvec(envelope) else { return };
        let message = Array::of1(&Uint8Array::from(encoded.as_slice()));
        let transfer = Array::new();
        for part in bytes {
            message.push(&part.buffer());
            transfer.push(&part.buffer());
        }
        // Fails only when a buffer was handed over before, and each is fresh.
        let _ = self.0.post_message_with_transfer(&message, &transfer);
    }
}

impl Call {
    fn new(page: Page, id: CallId, files: Vec<Attached>) -> Self {
        let reported = Rc::new(Cell::new((None, 0)));
        Self { page, id, files: files.into(), gate: Rc::default(), reported }
    }

    /// From here on the call cannot be cancelled. The page has the word: where it cancelled before, the
    /// call ends here, so that what it says of a cancelled call is true at once.
    pub async fn commit(&self) {
        if self.gate.passed.get() {
            return;
        }
        let (agree, agreed) = oneshot::channel();
        self.gate.waiting.replace(Some(agree));
        self.page.post(&FromEngine::Commit(self.id), Vec::new());
        // The sender lives in the gate until it is used.
        let _ = agreed.await;
    }

    /// Tells the page how far the call is; more often than it can be seen is not told.
    pub fn report(&self, stage: Stage, done: u64, total: u64) {
        let now = clock::millis();
        let (last, at) = self.reported.get();
        if last == Some(stage) && now.saturating_sub(at) < REPORT_EVERY && done != total {
            return;
        }
        self.reported.set((Some(stage), now));
        let progress = Progress { stage, done, total };
        self.page.post(&FromEngine::Progress(self.id, progress), Vec::new());
    }

    /// A listener for [`super::http`] that reports a stage.
    pub fn reporter(&self, stage: Stage) -> Option<Box<dyn Fn(u64, u64)>> {
        let call = self.clone();
        Some(Box::new(move |done, total| call.report(stage, done, total)))
    }
}

impl Attached {
    /// How many bytes it has.
    pub fn size(&self) -> u64 {
        super::files::whole(self.0.size())
    }

    /// Its bytes; none when the file is gone or was changed since it was chosen.
    pub async fn read(&self) -> Option<Vec<u8>> {
        let size = usize::try_from(self.size()).ok()?;
        let mut bytes = Vec::with_capacity(Attachment::room(size));
        let take = |piece: &Uint8Array| {
            append(piece, &mut bytes);
            Ok::<_, JsValue>(())
        };
        stream::read(&self.0.stream(), take).await.ok()?;
        (bytes.len() == size).then_some(bytes)
    }
}

/// The calls that are being served.
#[derive(Clone, Default)]
struct Running(Rc<RefCell<HashMap<CallId, Task>>>);

struct Task {
    abort: AbortHandle,
    gate: Rc<Gate>,
}

impl Running {
    fn start(&self, call: Call, work: impl Future<Output = Result<Answer, Failure>> + 'static) {
        let (abort, registration) = AbortHandle::new_pair();
        self.0.borrow_mut().insert(call.id, Task { abort, gate: Rc::clone(&call.gate) });
        let running = self.clone();
        spawn_local(async move {
            let result = Abortable::new(work, registration).await.unwrap_or(Err(Failure::Cancelled));
            running.0.borrow_mut().remove(&call.id);
            let (reply, bytes) = match result {
                Ok(answer) => (Ok(answer.reply), answer.bytes),
                Err(failure) => (Err(failure), Vec::new()),
            };
            call.page.post(&FromEngine::Reply(call.id, reply), bytes);
        });
    }

    fn cancel(&self, id: CallId) {
        if let Some(task) = self.0.borrow().get(&id)
            && !task.gate.passed.get()
        {
            task.abort.abort();
        }
    }

    fn commit(&self, id: CallId) {
        if let Some(task) = self.0.borrow().get(&id)
            && let Some(agree) = task.gate.waiting.take()
        {
            task.gate.passed.set(true);
            // Nobody waits when the call was aborted in this very moment.
            let _ = agree.send(());
        }
    }
}

fn envelope(data: &JsValue) -> Option<(ToEngine, Vec<Attached>)> {
    let message = Array::from(data);
    let encoded = message.get(0).dyn_into::<Uint8Array>().ok()?.to_vec();
    let envelope = postcard::from_bytes(&encoded).ok()?;
    let files = message.iter().skip(1).filter_map(|file| file.dyn_into::<Blob>().ok());
    Some((envelope, files.map(Attached).collect()))
}
