//! The relay's event stream (RFC 8620 7.3).

use futures::channel::mpsc;
use wasm_bindgen::prelude::*;
use web_sys::{Event, EventSource, MessageEvent};

/// What came over the stream.
#[derive(Debug)]
pub enum Push {
    /// The stream is open.
    Opened,
    /// A `StateChange` in JSON.
    State(String),
    /// The stream broke; the browser tries again by itself unless it gave up.
    Broken {
        /// The browser gave up: the relay answered, but with no event stream.
        closed: bool,
    },
}

/// An open stream; dropped, it is closed.
pub struct EventStream {
    source: EventSource,
    /// What comes over it.
    pub events: mpsc::UnboundedReceiver<Push>,
    _listeners: [Closure<dyn FnMut(Event)>; 3],
}

impl EventStream {
    /// Opens the stream; none when the browser refuses the address.
    pub fn open(url: &str) -> Option<Self> {
        let source = EventSource::new(url).ok()?;
        let (sender, events) = mpsc::unbounded();
        // The receiver lives in the same struct; once that is gone nobody cares.
        let opened = sender.clone();
        let on_open = Closure::new(move |_: Event| drop(opened.unbounded_send(Push::Opened)));
        let states = sender.clone();
        let on_state = Closure::new(move |event: Event| {
            let data = event.dyn_ref::<MessageEvent>().and_then(|message| message.data().as_string());
            if let Some(data) = data {
                drop(states.unbounded_send(Push::State(data)));
            }
        });
        let watched = source.clone();
        let on_error = Closure::new(move |_: Event| {
            let closed = watched.ready_state() == EventSource::CLOSED;
            drop(sender.unbounded_send(Push::Broken { closed }));
        });
        source.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        source.add_event_listener_with_callback("state", on_state.as_ref().unchecked_ref()).ok()?;
        Some(Self { source, events, _listeners: [on_open, on_state, on_error] })
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        self.source.set_onopen(None);
        self.source.set_onerror(None);
        self.source.close();
    }
}
