//! The protection of an open message: one status for all of it (RFC 9787 section 3).
//!
//! It is drawn above the part that scrolls, in the page's own frame, where no message can imitate it. A
//! signature that does not hold changes nothing of how the status looks.

use std::sync::Arc;

use leptos::prelude::*;

use super::details::Technical;
use crate::page::icon::{Glyph, Icon};
use crate::page::later;
use crate::page::seal::{Look, Seal};
use crate::page::text::{self, Texts, common_name, isolated};
use crate::page::texts;
use crate::protocol::{Message, Signer, Status};
use crate::web::dom;

/// The status bar of a letter.
#[component]
pub(super) fn Protection(message: Arc<Message>) -> impl IntoView {
    let texts = texts();
    let status = message.status;
    let valid: Vec<Signer> =
        message.signers.iter().filter(|signer| signer.problem.is_none()).cloned().collect();
    let invalid: Vec<Signer> =
        message.signers.iter().filter(|signer| signer.problem.is_some()).cloned().collect();
    let signed = matches!(status, Status::Confidential | Status::Verified);
    let by = valid.first().filter(|_| signed).map(|signer| {
        let doubt = if signer.revocation_known { "" } else { texts.revocation_unknown };
        (texts.signed_by)(&isolated(&signer_name(signer))) + doubt
    });
    let class = if status == Status::Confidential { "status confidential" } else { "status" };
    let signers = if signed { valid } else { Vec::new() };
    // Not seen before it is asked for.
    let means = move || {
        view! {
            <div class="facts">
                <p>{(texts.status_means)(status)}</p>
                {message.sealed_at_door.then(|| view! { <p>{texts.at_door}</p> })}
                {message.weak.then(|| view! { <p>{texts.weak}</p> })}
                {signers.iter().map(|signer| facts(signer, texts)).collect_view()}
                {invalid.iter().map(|signer| uncounted(signer, texts)).collect_view()}
                <Technical message=&*message />
            </div>
        }
    };
    view! {
        <section class="protection" aria-label=texts.message_status>
            <details class=class>
                <summary>
                    <Seal look=Look::Of(status) />
                    <span class="verdict">{(texts.status)(status)}</span>
                    <span class="by">{by}</span>
                    <span class="only-read-aloud">". " {texts.status_details}</span>
                    <span class="turn"><Icon glyph=Glyph::Down class="small" /></span>
                </summary>
                {later::draw(3, means)}
            </details>
        </section>
    }
}

fn signer_name(signer: &Signer) -> String {
    let name = signer.name.clone().filter(|name| !name.trim().is_empty());
    name.or_else(|| signer.emails.first().cloned()).unwrap_or_else(|| signer.subject.clone())
}

/// Who signed, who vouches for it, and since when that is known.
fn facts(signer: &Signer, texts: &'static Texts) -> impl IntoView + use<> {
    let time = |time| text::full_time(texts, dom::local_time(time));
    let proof = match &signer.timestamp {
        Some(stamp) => (texts.stamped)(&time(stamp.time), &isolated(&common_name(&stamp.authority))),
        None => texts.not_stamped.to_owned(),
    };
    let rows = [
        (texts.signer, Some(signer_name(signer))),
        (texts.signer_addresses, Some(signer.emails.join(texts.list_comma)).filter(|text| !text.is_empty())),
        (texts.vouched_by, Some(common_name(&signer.issuer))),
        (
            texts.revocation,
            Some(if signer.revocation_known { texts.not_revoked } else { texts.revocation_means }.to_owned()),
        ),
        (texts.signed_at, signer.signed_at.map(time)),
        (texts.proven_at, Some(proof)),
    ];
    let rows = rows
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| view! { <div><dt>{name}</dt><dd>{value}</dd></div> }));
    view! { <dl>{rows.collect_view()}</dl> }
}

/// A signature that counts as absent, named only here.
fn uncounted(signer: &Signer, texts: &'static Texts) -> impl IntoView + use<> {
    let why = signer.problem.as_ref().map(texts.signer_problem).unwrap_or_default();
    view! { <p>{(texts.does_not_count)(&isolated(&signer_name(signer)), &why)}</p> }
}
