//! The letter while it is on the desk.

use std::collections::BTreeMap;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::page::desk::Desk;
use crate::page::writing::letter::{Enclosure, Letter, Origin, Thread};
use crate::page::writing::typed;
use crate::protocol::{Address, RecipientKind, Reply, Request};
use crate::web::crypto::random;
use crate::web::files::LocalFile;

/// One of the three lists of recipients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    To,
    Cc,
    Bcc,
}

/// The fields of the composer. It lives and dies with it.
#[derive(Clone, Copy)]
pub(super) struct Sheet {
    to: RwSignal<Vec<Address>>,
    cc: RwSignal<Vec<Address>>,
    bcc: RwSignal<Vec<Address>>,
    /// What is typed on each line and not taken over yet.
    typed: [RwSignal<String>; 3],
    pub subject: RwSignal<String>,
    pub text: RwSignal<String>,
    pub enclosures: RwSignal<Vec<Enclosure>>,
    /// The readers are asked for a receipt.
    pub receipt: RwSignal<bool>,
    /// What is known of addresses, in lower case, once the engine looked.
    known: RwSignal<BTreeMap<String, RecipientKind>>,
    /// How many bytes attachments may have in all.
    pub attachable: u64,
    files: StoredValue<Vec<LocalFile>, LocalStorage>,
    thread: StoredValue<Thread>,
}

impl Sheet {
    pub(super) fn new(mut letter: Letter, attachable: u64) -> Self {
        // One name for every attempt to send it, so that it arrives once.
        let name = || random().map(|name| format!("{:032x}", u128::from_be_bytes(name)));
        letter.thread.letter = letter.thread.letter.or_else(name);
        Self {
            to: RwSignal::new(letter.to),
            cc: RwSignal::new(letter.cc),
            bcc: RwSignal::new(letter.bcc),
            typed: std::array::from_fn(|_| RwSignal::new(String::new())),
            subject: RwSignal::new(letter.subject),
            text: RwSignal::new(letter.text),
            enclosures: RwSignal::new(letter.enclosures),
            receipt: RwSignal::new(letter.receipt),
            known: RwSignal::default(),
            attachable,
            files: StoredValue::new_local(Vec::new()),
            thread: StoredValue::new(letter.thread),
        }
    }

    /// A line of recipients.
    pub(super) fn line(self, line: Line) -> RwSignal<Vec<Address>> {
        match line {
            Line::To => self.to,
            Line::Cc => self.cc,
            Line::Bcc => self.bcc,
        }
    }

    /// What is typed on a line and not taken over yet.
    pub(super) fn typed(self, line: Line) -> RwSignal<String> {
        let [to, cc, bcc] = self.typed;
        match line {
            Line::To => to,
            Line::Cc => cc,
            Line::Bcc => bcc,
        }
    }

    /// Puts addresses on a line, each once.
    pub(super) fn add(self, line: Line, addresses: Vec<Address>) {
        // The input loses the focus when the composer closes, and the line is gone by then.
        self.line(line).try_update(|line| {
            for address in addresses {
                if !line.iter().any(|other| other.email.eq_ignore_ascii_case(&address.email)) {
                    line.push(address);
                }
            }
        });
        self.typed(line).try_set(String::new());
    }

    /// Takes over what was typed on a line.
    pub(super) fn commit(self, line: Line) {
        if let Some(typed) = self.typed(line).try_get_untracked().filter(|typed| !typed.trim().is_empty()) {
            self.add(line, typed::addresses(&typed));
        }
    }

    /// Takes over what was typed on every line, for a letter that is sent from the keyboard.
    pub(super) fn commit_all(self) {
        for line in [Line::To, Line::Cc, Line::Bcc] {
            self.commit(line);
        }
    }

    /// Whether the text repeats what somebody sealed.
    pub(super) fn repeats_sealed(self) -> bool {
        self.thread.with_value(|thread| thread.from_sealed)
    }

    /// The letter as it stands; follows every field.
    pub(super) fn letter(self) -> Letter {
        Letter {
            to: self.to.get(),
            cc: self.cc.get(),
            bcc: self.bcc.get(),
            subject: self.subject.get(),
            text: self.text.get(),
            thread: self.thread.get_value(),
            enclosures: self.enclosures.get(),
            receipt: self.receipt.get(),
        }
    }

    /// The files of these indexes.
    pub(super) fn files(self, indexes: &[usize]) -> Vec<LocalFile> {
        self.files.with_value(|files| indexes.iter().filter_map(|index| files.get(*index)).cloned().collect())
    }

    /// Every address once, in the order of the lines.
    pub(super) fn addresses(self) -> Vec<String> {
        let mut addresses = Vec::new();
        for line in [self.to, self.cc, self.bcc] {
            // A lookup may begin in the moment the composer closes.
            line.try_with(|line| addresses.extend(line.iter().map(|address| address.email.clone())));
        }
        addresses
    }

    /// What is known of an address.
    pub(super) fn kind(self, address: &str) -> Option<RecipientKind> {
        self.known.try_with(|known| known.get(&address.to_ascii_lowercase()).cloned()).flatten()
    }

    /// The addresses that mail cannot be sealed for, as far as is known.
    pub(super) fn unsealable(self) -> Vec<String> {
        let open = |address: &String| {
            matches!(self.kind(address), Some(RecipientKind::NoCertificate | RecipientKind::Unfit(_)))
        };
        self.addresses().into_iter().filter(open).collect()
    }

    /// Looks up what is not known yet, or all of it anew.
    pub(super) async fn look_up(self, desk: Desk, anew: bool) {
        let addresses = untrack(|| self.addresses());
        let addresses: Vec<_> = addresses
            .into_iter()
            .filter(|address| anew || untrack(|| self.kind(address)).is_none())
            .collect();
        if addresses.is_empty() {
            return;
        }
        if let Ok(Reply::Recipients(list)) = desk.call(Request::Recipients { addresses }).await {
            let found =
                list.into_iter().map(|recipient| (recipient.address.to_ascii_lowercase(), recipient.kind));
            self.known.try_update(|known| known.extend(found));
        }
    }

    /// Notes addresses that turned out to have no certificate when the letter was to be sealed.
    pub(super) fn note_unsealable(self, addresses: &[String]) {
        let found =
            addresses.iter().map(|address| (address.to_ascii_lowercase(), RecipientKind::NoCertificate));
        self.known.try_update(|known| known.extend(found));
    }

    /// Takes addresses off every line.
    pub(super) fn remove(self, addresses: &[String]) {
        for line in [self.to, self.cc, self.bcc] {
            line.update(|line| line.retain(|address| !addresses.contains(&address.email)));
        }
    }

    /// Encloses files as long as there is room; tells whether there was.
    pub(super) fn enclose(self, files: Vec<LocalFile>) -> bool {
        for file in files {
            let enclosed: u64 = self.enclosures.with_untracked(|list| list.iter().map(|it| it.size).sum());
            if enclosed.saturating_add(file.size()) > self.attachable {
                return false;
            }
            let index = self.files.with_value(Vec::len);
            let (name, media_type, size) = (file.name(), file.media_type(), file.size());
            self.files.update_value(|files| files.push(file));
            self.enclosures
                .update(|list| list.push(Enclosure { name, media_type, size, origin: Origin::File(index) }));
        }
        true
    }
}

/// Looks recipients up as they are added.
pub(super) fn look_up_as_added(sheet: Sheet, desk: Desk) {
    Effect::new(move || {
        sheet.addresses();
        spawn_local(sheet.look_up(desk, false));
    });
}
