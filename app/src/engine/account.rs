//! An account that is signed in: its relay, its keys in this browser, whom it believes.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use jmap::{Get, Identity as Sender, IdentityId};
use smime::{DecryptionKey, Signer, Trust};
use zeroize::Zeroizing;

use super::identity::{Identity, KeyRecord};
use super::known::{self, Known, NotAdmitted};
use super::open::Found;
use super::relay::Relay;
use super::revocation::Lists;
use super::summary::{Content, KEY_INFO, SummaryKey};
use super::trust::{Anchors, Comparison};
use super::vault::VaultKey;
use crate::protocol::{self, EmailId, Failure, MailboxId, Role};
use crate::web::crypto::{WebKeyring, hkdf_aes_key};
use crate::web::database::{Database, Store};

const IDENTITY: &str = "identity";
const FORMER: &str = "former";
const ANCHORS: &str = "anchors";
const KNOWN: &str = "known";

/// The database that belongs to no account; an address has an at sign.
const BROWSER: &str = "browser";

/// Messages that stay decrypted in memory, so that their attachments need not be fetched again.
const MAX_OPENED: usize = 2;
/// Summaries that stay decrypted in memory.
const MAX_SUMMARIES: usize = 20_000;

/// An account that is signed in.
pub struct Account {
    /// Its relay.
    pub relay: Relay,
    /// Who it is.
    pub who: protocol::Account,
    /// As whom it sends.
    pub sender: IdentityId,
    /// Its storage in this browser.
    pub database: Database,
    /// Its private keys.
    pub keyring: WebKeyring,
    /// One receipt at a time is noted beside its letter.
    pub noting: futures::lock::Mutex<()>,
    /// When the vault was looked at for keys of another browser, in seconds since 1970.
    pub followed: futures::lock::Mutex<u64>,
    trust: RefCell<Rc<Trust>>,
    lists: RefCell<Lists>,
    identity: RefCell<Option<Rc<Identity>>>,
    former: RefCell<Vec<KeyRecord>>,
    opened: RefCell<Vec<(EmailId, Rc<Found>)>>,
    /// The key of summaries, by the box whose vault key it is derived from.
    summary_key: RefCell<Option<(String, SummaryKey)>>,
    summaries: RefCell<HashMap<EmailId, Glance>>,
    roles: RefCell<HashMap<Role, MailboxId>>,
}

/// What is known of a message's content without opening it again.
#[derive(Clone, Debug)]
pub enum Glance {
    /// Its summary.
    Known(Rc<Content>),
    /// It does not open with the keys at hand.
    Closed,
    /// It is damaged.
    Damaged,
}

impl Account {
    /// Opens what this browser keeps of the account that is signed in, if it is the one of the address that
    /// was typed, now or before.
    pub async fn open(typed: Option<&str>) -> Result<Self, Failure> {
        let relay = Relay::open().await?;
        let identities = Get::<Sender> { account_id: relay.account().clone(), ids: None, properties: None };
        let sender = relay.call(&identities).await?.list.into_iter().next();
        let sender = sender.ok_or_else(|| Failure::RelayFailed { reason: "noIdentity".into() })?;
        admit(&sender.email, typed).await?;
        let database = Database::open(&known::key(&sender.email)).await?;
        let keyring = WebKeyring::open(database.clone()).await?;
        let identity = database.record::<Identity>(Store::Records, IDENTITY).await?;
        let former = database.record(Store::Records, FORMER).await?.unwrap_or_default();
        let id = relay.account().as_str().to_owned();
        let attachable = relay.attachable();
        // Once there is a certificate, the relay can make nobody write under another name.
        let certified = identity.as_ref().and_then(Identity::name_and_address);
        let (name, address) = certified.unwrap_or((sender.name, sender.email));
        Ok(Self {
            relay,
            who: protocol::Account { id, name, address, attachable, ending: None },
            sender: sender.id,
            database,
            keyring,
            noting: futures::lock::Mutex::default(),
            followed: futures::lock::Mutex::default(),
            trust: RefCell::default(),
            lists: RefCell::default(),
            identity: RefCell::new(identity.map(Rc::new)),
            former: RefCell::new(former),
            opened: RefCell::default(),
            summary_key: RefCell::default(),
            summaries: RefCell::default(),
            roles: RefCell::default(),
        })
    }

    /// Pins the relay's authorities, or compares them with those pinned before.
    pub async fn settle_trust(&self) -> Result<(), Failure> {
        let pinned: Option<Anchors> = self.database.record(Store::Records, ANCHORS).await?;
        match Anchors::offered(self.relay.sealed()).compare(pinned.as_ref()) {
            Comparison::Agreed(anchors) => self.pin(&anchors, pinned.is_none()).await,
            Comparison::Changed(fingerprints) => Err(Failure::TrustChanged { fingerprints }),
        }
    }

    /// Pins the authorities that the user was shown, if they still are the relay's.
    pub async fn accept_trust(&self, fingerprints: &[String]) -> Result<(), Failure> {
        let offered = Anchors::offered(self.relay.sealed());
        let now = offered.fingerprints();
        if now != fingerprints {
            return Err(Failure::TrustChanged { fingerprints: now });
        }
        self.pin(&offered, true).await
    }

    async fn pin(&self, anchors: &Anchors, store: bool) -> Result<(), Failure> {
        if store {
            self.database.set_record(Store::Records, ANCHORS, anchors).await?;
        }
        let crls = self.lists.borrow().der();
        self.trust.replace(Rc::new(Trust { crls, ..anchors.trust() }));
        Ok(())
    }

    /// The revocation lists that certificates are judged by.
    pub fn lists(&self) -> Lists {
        self.lists.borrow().clone()
    }

    /// Judges by other revocation lists from now on.
    pub fn set_lists(&self, lists: Lists) {
        let trust = Trust { crls: lists.der(), ..(*self.trust()).clone() };
        self.trust.replace(Rc::new(trust));
        self.lists.replace(lists);
    }

    /// Whom this browser believes.
    pub fn trust(&self) -> Rc<Trust> {
        Rc::clone(&self.trust.borrow())
    }

    /// The keys of this browser, certified or not.
    pub fn identity(&self) -> Option<Rc<Identity>> {
        self.identity.borrow().clone()
    }

    /// The certified keys of this browser.
    pub fn certified(&self) -> Result<Rc<Identity>, Failure> {
        self.identity().filter(|identity| identity.is_certified()).ok_or(Failure::NoKeys)
    }

    /// Who signs.
    pub fn signer(&self) -> Result<Signer, Failure> {
        self.certified()?.signer().ok_or(Failure::NoKeys)
    }

    /// Keeps other keys from now on.
    pub async fn set_identity(&self, identity: Identity) -> Result<(), Failure> {
        self.database.set_record(Store::Records, IDENTITY, &identity).await?;
        self.identity.replace(Some(Rc::new(identity)));
        self.forget_content();
        Ok(())
    }

    /// Gives the current keys up; what they open goes on opening.
    pub async fn retire_identity(&self) -> Result<(), Failure> {
        if let Some(identity) = self.identity() {
            let keys = identity.generations.iter().map(|pairs| pairs.encryption.clone());
            self.add_former(keys.filter(|key| !key.chain.is_empty()).collect()).await?;
        }
        self.database.remove(Store::Records, IDENTITY).await?;
        self.identity.replace(None);
        Ok(())
    }

    /// Keys of earlier times, which only open mail.
    pub async fn add_former(&self, keys: Vec<KeyRecord>) -> Result<(), Failure> {
        let mut former = self.former.borrow().clone();
        let before = former.len();
        for key in keys {
            if !former.iter().any(|known| known.id == key.id) {
                former.push(key);
            }
        }
        if former.len() == before {
            return Ok(());
        }
        self.database.set_record(Store::Records, FORMER, &former).await?;
        self.former.replace(former);
        self.forget_content();
        Ok(())
    }

    /// What opens this account's mail, newest first.
    pub fn keys(&self) -> Vec<DecryptionKey> {
        let current = self.identity().map(|identity| identity.decryption_keys()).unwrap_or_default();
        let former = self.former.borrow();
        current.into_iter().chain(former.iter().filter_map(KeyRecord::decryption_key)).collect()
    }

    /// The vault key.
    pub async fn vault_key(&self, identity: &Identity) -> Result<VaultKey, Failure> {
        let key = self.keyring.device().open_sealed(&identity.vault_key).await.ok_or(Failure::NoKeys)?;
        let key: [u8; 32] = key.as_slice().try_into().map_err(|_| Failure::NoKeys)?;
        Ok(Zeroizing::new(key))
    }

    /// What summaries are sealed under. It follows from the vault key, so every browser that has the keys
    /// has it too, and the relay does not.
    pub async fn summary_key(&self) -> Result<SummaryKey, Failure> {
        let identity = self.certified()?;
        let known = self.summary_key.borrow().clone().filter(|(of, _)| *of == identity.box_id);
        if let Some((_, key)) = known {
            return Ok(key);
        }
        let vault_key = self.vault_key(&identity).await?;
        let key = hkdf_aes_key(vault_key.as_slice(), b"", KEY_INFO).await;
        let key = Zeroizing::new(key.ok_or(Failure::StorageUnavailable)?);
        self.summary_key.replace(Some((identity.box_id.clone(), key.clone())));
        Ok(key)
    }

    /// A message that is open, and counts as opened last from now on.
    pub fn opened(&self, email: &EmailId) -> Option<Rc<Found>> {
        recall(&mut self.opened.borrow_mut(), email)
    }

    /// Keeps a message open in place of the one needed longest ago.
    pub fn keep_opened(&self, email: EmailId, message: Rc<Found>) {
        let mut opened = self.opened.borrow_mut();
        opened.retain(|(id, _)| *id != email);
        opened.insert(0, (email, message));
        opened.truncate(MAX_OPENED);
    }

    /// What is known of a message's content.
    pub fn glance(&self, email: &EmailId) -> Option<Glance> {
        self.summaries.borrow().get(email).cloned()
    }

    /// Remembers what is known of a message's content.
    pub fn set_glance(&self, email: EmailId, glance: Glance) {
        let mut summaries = self.summaries.borrow_mut();
        if summaries.len() >= MAX_SUMMARIES {
            summaries.clear();
        }
        summaries.insert(email, glance);
    }

    /// Forgets what was decrypted of messages that are gone.
    pub fn forget(&self, emails: &[EmailId]) {
        self.opened.borrow_mut().retain(|(id, _)| !emails.contains(id));
        let mut summaries = self.summaries.borrow_mut();
        for email in emails {
            summaries.remove(email);
        }
    }

    /// Other keys open other messages.
    fn forget_content(&self) {
        self.opened.borrow_mut().clear();
        self.summaries.borrow_mut().clear();
    }

    /// The mailbox of a role, asking the relay the first time.
    pub async fn mailbox(&self, role: Role) -> Result<jmap::MailboxId, Failure> {
        if !self.roles.borrow().contains_key(&role) {
            super::lists::mailboxes(self).await?;
        }
        let id = self.roles.borrow().get(&role).map(|id| id.0.as_str().into());
        id.ok_or_else(|| Failure::RelayFailed { reason: "noMailbox".into() })
    }

    /// Remembers which mailbox has which role.
    pub fn set_roles(&self, mailboxes: &[protocol::Mailbox]) {
        let roles = mailboxes.iter().filter_map(|mailbox| Some((mailbox.role?, mailbox.id.clone())));
        self.roles.replace(roles.collect());
    }
}

/// Finds a message and puts it in front.
fn recall<T>(opened: &mut [(EmailId, Rc<T>)], email: &EmailId) -> Option<Rc<T>> {
    let at = opened.iter().position(|(id, _)| id == email)?;
    opened.get_mut(..=at)?.rotate_right(1);
    opened.first().map(|(_, message)| Rc::clone(message))
}

/// Refuses an account that nobody here asked for.
async fn admit(address: &str, typed: Option<&str>) -> Result<(), Failure> {
    let browser = Database::open(BROWSER).await?;
    let mut known: Known = browser.record(Store::Records, KNOWN).await?.unwrap_or_default();
    known.admits(address, typed).map_err(|reason| match reason {
        NotAdmitted::NeverTyped => Failure::SessionExpired,
        NotAdmitted::AnotherAddress => Failure::AnotherAddress { address: address.to_owned() },
    })?;
    if known.remember(address) {
        browser.set_record(Store::Records, KNOWN, &known).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::recall;
    use crate::protocol::EmailId;

    #[test]
    fn a_message_that_is_needed_again_is_not_the_next_to_go() {
        let id = |name: &str| EmailId(name.into());
        let mut opened: Vec<_> = ["c", "b", "a"].map(|name| (id(name), Rc::new(name))).into();
        assert_eq!(recall(&mut opened, &id("b")).as_deref(), Some(&"b"));
        assert_eq!(opened.iter().map(|(_, name)| **name).collect::<Vec<_>>(), ["b", "c", "a"]);
        assert_eq!(recall(&mut opened, &id("d")), None);
    }
}
