//! Language and appearance: from the browser, changeable, remembered.

use leptos::prelude::*;

use crate::page::text::Language;
use crate::web::dom;

/// Light, dark, or whatever the system says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    System,
    Light,
    Dark,
}

impl Theme {
    fn name(self) -> Option<&'static str> {
        match self {
            Self::System => None,
            Self::Light => Some("light"),
            Self::Dark => Some("dark"),
        }
    }
}

/// What the user prefers.
#[derive(Clone, Copy)]
pub(crate) struct Prefs {
    language: RwSignal<Language>,
    theme: RwSignal<Theme>,
}

impl Prefs {
    /// What this browser remembers, or what it asks for by itself.
    pub(crate) fn recalled() -> Self {
        let tag = dom::recall("language").unwrap_or_else(dom::browser_language);
        let theme = match dom::recall("theme").as_deref() {
            Some("light") => Theme::Light,
            Some("dark") => Theme::Dark,
            _ => Theme::System,
        };
        let prefs = Self { language: RwSignal::new(Language::from_tag(&tag)), theme: RwSignal::new(theme) };
        Effect::new(move || dom::set_language(prefs.language.get().tag()));
        Effect::new(move || dom::set_theme(prefs.theme.get().name()));
        prefs
    }

    /// The language in use.
    pub(crate) fn language(self) -> Language {
        self.language.get()
    }

    /// The appearance in use.
    pub(crate) fn theme(self) -> Theme {
        self.theme.get()
    }

    /// Changes the language and remembers it.
    pub(crate) fn set_language(self, language: Language) {
        dom::remember("language", language.tag());
        self.language.set(language);
    }

    /// Changes the appearance and remembers it.
    pub(crate) fn set_theme(self, theme: Theme) {
        dom::remember("theme", theme.name().unwrap_or("system"));
        self.theme.set(theme);
    }
}
