//! One recipient on the line.

use leptos::prelude::*;

use super::Typing;
use crate::page::icon::{Glyph, Icon};
use crate::page::seal::{Look, Seal};
use crate::page::text::common_name;
use crate::page::texts;
use crate::page::writing::quote::with_address;
use crate::page::writing::sheet::Sheet;
use crate::protocol::{Address, RecipientKind, Status};

/// Shows who it is and whether mail to them can be sealed.
#[component]
pub(super) fn Chip(address: Address, typing: Typing, sheet: Sheet) -> impl IntoView {
    let texts = texts();
    let email = address.email.clone();
    let kind = Memo::new(move |_| sheet.kind(&email));
    let class = move || match kind.get() {
        None | Some(RecipientKind::Sealed { .. }) => "chip",
        Some(RecipientKind::NoCertificate | RecipientKind::Unfit(_)) => "chip open",
        Some(RecipientKind::NotAnAddress) => "chip wrong",
    };
    let said = move || match kind.get() {
        None => texts.checking.to_owned(),
        Some(RecipientKind::Sealed { vouched_by, .. }) => (texts.chip_sealed)(&common_name(&vouched_by)),
        Some(RecipientKind::NoCertificate) => (texts.chip_open)((texts.no_certificate)(None)),
        Some(RecipientKind::Unfit(why)) => (texts.chip_open)((texts.no_certificate)(Some(why))),
        Some(RecipientKind::NotAnAddress) => texts.chip_wrong.to_owned(),
    };
    let mark = move || match kind.get() {
        None => view! { <Icon glyph=Glyph::Wait class="small turning" /> }.into_any(),
        Some(RecipientKind::Sealed { .. }) => {
            view! { <Seal look=Look::Of(Status::Confidential) /> }.into_any()
        }
        Some(_) => view! { <Icon glyph=Glyph::Warning class="small" /> }.into_any(),
    };
    // The name in the certificate is the one that is vouched for; any other may be anybody's.
    let typed = with_address(&address);
    let name = move || match kind.get() {
        Some(RecipientKind::Sealed { name: Some(name), .. }) => name,
        _ => typed.clone(),
    };
    let remove_name = (texts.remove)(&address.email);
    let title = address.email.clone();
    let remove = move |_| typing.line.update(|line| line.retain(|other| other.email != address.email));
    view! {
        <li class=class title=move || format!("{title}\n{}", said())>
            {mark}
            <span class="name"><bdi>{name}</bdi></span>
            <span class="only-read-aloud">". " {said}</span>
            <button type="button" class="remove" aria-label=remove_name on:click=remove>
                <Icon glyph=Glyph::Close class="small" />
            </button>
        </li>
    }
}
