//! Every text of the interface, in both languages.
//!
//! [`Texts`] has one field per text, so a language that misses one does not compile.

mod en;
mod format;
mod zh;

use crate::page::place::Writing;
use crate::page::writing::answer::Unquoted;
use crate::protocol::{Failure, Role, Says, SignerProblem, Stage, Status, Unfit};

pub(crate) use format::{common_name, dated, day_and_time, full_time, grouped, isolated, list_time, size};

/// A language of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    Chinese,
}

impl Language {
    /// Chooses from a language tag such as `zh-Hans-CN` (RFC 5646).
    pub(crate) fn from_tag(tag: &str) -> Self {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("zh") { Self::Chinese } else { Self::English }
    }

    /// The tag for the document and for formats.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-Hans",
        }
    }

    /// Its own name for itself.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Chinese => "简体中文",
        }
    }

    /// Its texts.
    pub(crate) fn texts(self) -> &'static Texts {
        match self {
            Self::English => &en::TEXTS,
            Self::Chinese => &zh::TEXTS,
        }
    }
}

/// The texts of one language.
pub(crate) struct Texts {
    pub language: Language,
    pub brand: &'static str,
    pub brand_small: &'static str,
    pub starting: &'static str,
    pub skip_to_list: &'static str,
    pub skip_to_message: &'static str,

    pub sign_in_title: &'static str,
    pub sign_in_lead: &'static str,
    pub username: &'static str,
    pub password: &'static str,
    pub sign_in: &'static str,
    pub signing_in: &'static str,
    pub sign_out: &'static str,

    pub enrol_title: fn(name: &str) -> String,
    pub enrol_lead: &'static str,
    pub enrol_progress: &'static str,
    pub try_again: &'static str,
    pub reload: &'static str,

    pub elsewhere_title: &'static str,
    pub elsewhere_lead: &'static str,
    pub recovery_code: &'static str,
    pub recovery_hint: &'static str,
    pub recover: &'static str,
    pub afresh_title: &'static str,
    pub afresh_means: [&'static str; 3],
    pub afresh_confirm: &'static str,
    pub afresh: &'static str,

    pub trust_title: &'static str,
    pub trust_lead: &'static str,
    pub trust_prints: &'static str,
    pub trust_confirm: &'static str,
    pub trust_accept: &'static str,

    pub mailboxes: &'static str,
    pub role: fn(Role) -> &'static str,
    pub unread: fn(u32) -> String,
    pub menu: &'static str,
    pub close_menu: &'static str,
    pub settings: &'static str,

    pub messages: &'static str,
    pub message_count: fn(u32) -> String,
    pub find: &'static str,
    pub found: fn(found: u32, of: u32) -> String,
    pub finding: &'static str,
    pub empty_mailbox: fn(Option<Role>) -> &'static str,
    pub nothing_found: &'static str,
    pub no_subject: &'static str,
    pub no_sender: &'static str,
    pub no_recipient: &'static str,
    pub to_short: &'static str,
    pub sealed_row: &'static str,
    pub closed_row: &'static str,
    pub damaged_row: &'static str,
    pub mark_unread: &'static str,
    pub mark_flagged: &'static str,
    pub mark_answered: &'static str,
    pub mark_attachment: &'static str,
    pub new_mail: fn(u32) -> String,

    pub choose_message: &'static str,
    pub shortcuts_hint: &'static str,
    pub opening: &'static str,
    pub message_actions: &'static str,
    pub back: &'static str,
    pub reply: &'static str,
    pub reply_all: &'static str,
    pub forward: &'static str,
    pub archive: &'static str,
    pub trash: &'static str,
    pub destroy: &'static str,
    pub destroy_confirm: &'static str,
    pub to_inbox: &'static str,
    pub as_unread: &'static str,
    pub flag: &'static str,
    pub unflag: &'static str,
    pub from: &'static str,
    pub to: &'static str,
    pub cc: &'static str,
    pub bcc: &'static str,
    pub on_behalf_of: &'static str,
    pub name_given: &'static str,
    /// Between the entries of a list.
    pub list_comma: &'static str,
    pub show_more: fn(usize) -> String,
    pub several_authors: &'static str,
    pub claimed_from: fn(who: &str) -> String,
    pub body_frame: &'static str,
    pub no_text: &'static str,
    pub remote_removed: &'static str,
    pub text_cut: &'static str,
    pub attachments: &'static str,
    pub download: fn(name: &str) -> String,
    pub risky_file: &'static str,

    pub status: fn(Status) -> &'static str,
    pub status_short: fn(Status) -> &'static str,
    pub status_means: fn(Status) -> &'static str,
    pub message_status: &'static str,
    pub signed_by: fn(who: &str) -> String,
    pub status_details: &'static str,
    pub at_door: &'static str,
    /// What a domain says of mail in its name; see [`crate::protocol::Domain`].
    pub domain: fn(name: &str, says: Says) -> String,
    pub weak: &'static str,
    pub signer: &'static str,
    pub signer_addresses: &'static str,
    pub vouched_by: &'static str,
    pub signed_at: &'static str,
    pub proven_at: &'static str,
    pub stamped: fn(time: &str, authority: &str) -> String,
    pub not_stamped: &'static str,
    pub fingerprint: &'static str,
    pub does_not_count: fn(who: &str, why: &str) -> String,
    pub signer_problem: fn(&SignerProblem) -> String,
    pub revocation: &'static str,
    pub not_revoked: &'static str,
    /// Follows the name of a signer.
    pub revocation_unknown: &'static str,
    pub revocation_means: &'static str,
    pub technical: &'static str,
    pub layer_encrypted: fn(cipher: &str, recipients: u32, weak: bool) -> String,
    pub layer_signed_clear: &'static str,
    pub layer_signed_opaque: &'static str,
    pub layer_compressed: &'static str,
    pub layer_door: &'static str,
    pub layer_errant: fn(media_type: &str) -> String,
    pub signature: &'static str,
    pub signature_holds: &'static str,
    pub certificate_of: &'static str,
    pub certificate_issuer: &'static str,
    pub certificate_key: &'static str,
    pub certificate_validity: &'static str,
    pub label: &'static str,
    /// RFC 2634 3.2 names 0 to 5.
    pub classification: fn(u16) -> String,
    pub label_policy: fn(policy: &str) -> String,
    pub label_categories: fn(categories: &str) -> String,
    pub label_unreadable: &'static str,
    pub label_conflict: &'static str,
    pub receipt: &'static str,
    pub receipt_ask: &'static str,
    pub receipt_ask_means: &'static str,
    pub receipt_wanted: fn(to: &str) -> String,
    pub receipt_give: &'static str,
    pub receipt_refuse: &'static str,
    pub receipt_given: &'static str,
    pub receipt_refused: &'static str,
    pub receipt_none_yet: &'static str,
    pub receipt_opened: fn(who: &str, when: Option<&str>, stamped: bool) -> String,
    pub receipt_more: fn(usize) -> String,
    pub receipt_for: fn(subject: &str) -> String,
    pub receipt_letter: &'static str,
    pub receipt_unknown: &'static str,
    pub receipt_other: &'static str,
    pub receipt_unsigned: fn(why: String) -> String,

    pub new_message: &'static str,
    pub write_title: &'static str,
    pub reply_title: &'static str,
    pub forward_title: &'static str,
    pub draft_title: &'static str,
    pub subject: &'static str,
    pub message: &'static str,
    pub add_cc: &'static str,
    pub add_bcc: &'static str,
    pub send: &'static str,
    pub send_clear: &'static str,
    pub cancel: &'static str,
    pub close: &'static str,
    pub discard: &'static str,
    pub attach: &'static str,
    pub drop_here: &'static str,
    pub remove: fn(name: &str) -> String,
    pub saving: &'static str,
    pub saved: &'static str,
    pub not_saved: &'static str,
    pub too_large: fn(limit: &str) -> String,
    pub will_seal: &'static str,
    pub will_not_seal: &'static str,
    pub no_one_yet: &'static str,
    pub checking: &'static str,
    pub chip_sealed: fn(authority: &str) -> String,
    pub chip_open: fn(why: &str) -> String,
    pub no_certificate: fn(Option<Unfit>) -> &'static str,
    pub chip_wrong: &'static str,
    pub suggestions: &'static str,
    pub suggestion_open: &'static str,
    pub caution_title: fn(count: usize) -> String,
    pub caution_means: &'static str,
    pub caution_repeats: &'static str,
    pub caution_confirm: &'static str,
    pub caution_remove: &'static str,
    pub sending: &'static str,
    pub stage: fn(Stage) -> &'static str,
    pub sent: &'static str,
    pub sent_clear: &'static str,
    pub partly_refused: fn(addresses: &str) -> String,
    pub cancelled: &'static str,
    pub discarded: &'static str,
    pub wrote: fn(when: &str, who: &str) -> String,
    pub forwarded: &'static str,
    pub date: &'static str,
    pub not_quoted: fn(why: Unquoted) -> &'static str,
    pub outside: &'static str,
    pub outside_add: &'static str,
    pub reply_prefix: &'static str,
    pub forward_prefix: &'static str,

    pub archived: fn(usize) -> String,
    pub trashed: fn(usize) -> String,
    pub moved: fn(usize) -> String,
    pub destroyed: fn(usize) -> String,
    pub undo: &'static str,
    pub dismiss: &'static str,
    pub failure: fn(&Failure) -> String,
    pub offline: &'static str,
    pub ending: fn(day: &str) -> String,
    pub ended: fn(day: &str) -> String,
    pub put_off: &'static str,
    pub not_found_title: &'static str,
    pub cannot_open_title: &'static str,

    pub language_title: &'static str,
    pub theme_title: &'static str,
    pub theme_system: &'static str,
    pub theme_light: &'static str,
    pub theme_dark: &'static str,
    pub recovery_title: &'static str,
    pub recovery_lead: &'static str,
    pub recovery_make: &'static str,
    pub recovery_keep: &'static str,
    pub copy: &'static str,
    pub copied: &'static str,
    pub account: &'static str,
    pub shortcuts: &'static str,
    pub shortcut_names: [&'static str; 10],

    pub yesterday: &'static str,
    pub weekdays: [&'static str; 7],
    pub months: [&'static str; 12],
    pub tab_title: fn(unread: u32, place: &str) -> String,
}

impl Texts {
    /// The title of what is being written.
    pub(crate) fn writing_title(&self, writing: Writing) -> &'static str {
        match writing {
            Writing::New => self.write_title,
            Writing::Reply | Writing::ReplyAll => self.reply_title,
            Writing::Forward => self.forward_title,
            Writing::Draft => self.draft_title,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Language;

    #[test]
    fn any_chinese_tag_gives_chinese_and_everything_else_english() {
        for tag in ["zh", "zh-CN", "ZH-Hant-TW", "zh_HK"] {
            assert_eq!(Language::from_tag(tag), Language::Chinese, "{tag}");
        }
        for tag in ["en-GB", "de", "", "zhx"] {
            assert_eq!(Language::from_tag(tag), Language::English, "{tag}");
        }
    }

    #[test]
    fn plurals_follow_the_language() {
        let (en, zh) = (Language::English.texts(), Language::Chinese.texts());
        assert_eq!((en.unread)(1), "1 unread message");
        assert_eq!((en.unread)(2), "2 unread messages");
        assert_eq!((zh.unread)(2), "2 封未读");
    }
}
