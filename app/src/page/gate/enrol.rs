//! The first sign-in: keys are made and certified, with no question asked.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::Gate;
use crate::page::desk::Desk;
use crate::page::icon::{Glyph, Icon};
use crate::page::texts;
use crate::protocol::{Account, Failure, Progress, Reply, Request, Stage};

/// The stages on screen, in the order of the engine: no key is certified before it lies in the vault.
const STAGES: [Stage; 3] = [Stage::Keys, Stage::Vault, Stage::Certificates];

/// Enrols as soon as it is shown.
#[component]
pub(crate) fn Enrol(account: Account) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let texts = texts();
    let stage = RwSignal::new(0_usize);
    let failure = RwSignal::new(None::<Failure>);
    let begin = move || {
        failure.set(None);
        stage.set(0);
        spawn_local(async move {
            let call = desk.client().begin(Request::Enrol).on_progress(move |progress| {
                stage.try_set(position(progress));
            });
            match call.answer().await.map(|answer| answer.reply) {
                Ok(Reply::State(state)) => desk.session.set(state.into()),
                Ok(_) => desk.note(&Failure::EngineLost),
                Err(refused) => {
                    desk.note(&refused);
                    failure.try_set(Some(refused));
                }
            }
        });
    };
    begin();
    let steps = STAGES.into_iter().map(texts.stage).enumerate().map(move |(index, name)| {
        view! {
            <li class:done=move || index < stage.get() class:now=move || index == stage.get()>
                <span class="tick"><Icon glyph=Glyph::Tick class="small" /></span>
                {name}
            </li>
        }
    });
    view! {
        <Gate title=(texts.enrol_title)(&account.name) lead=texts.enrol_lead>
            <progress aria-label=texts.enrol_progress max=STAGES.len().to_string()
                value=move || stage.get().to_string()></progress>
            <ol class="stages">{steps.collect_view()}</ol>
            <p class="only-read-aloud" role="status">
                {move || STAGES.get(stage.get()).copied().map(texts.stage)}
            </p>
            <Show when=move || failure.get().is_some()>
                <p class="complaint" role="alert">{move || failure.get().map(|failure| (texts.failure)(&failure))}</p>
                <button type="button" class="button primary" on:click=move |_| begin()>{texts.try_again}</button>
            </Show>
        </Gate>
    }
}

/// The stage on screen for a stage of the engine; later ones count as all done.
fn position(progress: Progress) -> usize {
    STAGES.iter().position(|stage| *stage == progress.stage).unwrap_or(STAGES.len())
}
