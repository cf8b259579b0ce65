//! Certificate policies (RFC 5280 6.1, as the graph of RFC 9618).

use std::collections::{BTreeMap, BTreeSet};

use const_oid::ObjectIdentifier as Oid;

use super::Policies;
use crate::asn1::{self, Malformed, tag};
use crate::certificate::{Certificate, oid};

const ANY_POLICY: Oid = Oid::new_unwrap("2.5.29.32.0");
/// A certificate names at most this many policies or mappings here.
const MAX_POLICIES: usize = 128;

/// A policy that is valid for the path so far.
#[derive(Clone, Debug, Default)]
struct Node {
    /// What the next certificate must name to go on with it.
    expected: BTreeSet<Oid>,
    /// The policies of the trust anchor's domain that it stands for.
    roots: BTreeSet<Oid>,
}

/// The policies of a path, certificate by certificate.
///
/// Only the last level of the graph is kept: a level has at most as many nodes as its certificate
/// names policies, so that work does not grow with the number of ways through (RFC 9618 1).
#[derive(Debug)]
pub(super) struct PolicyState {
    /// None once no policy is valid.
    level: Option<BTreeMap<Oid, Node>>,
    initial: BTreeSet<Oid>,
    explicit_policy: u32,
    policy_mapping: u32,
    inhibit_any: u32,
    /// What looking at policies cost since somebody asked, in comparisons of names.
    comparisons: usize,
}

/// Why the path's policies do not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Malformed,
    NoPolicy,
}

impl From<Malformed> for Refused {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl PolicyState {
    /// RFC 5280 6.1.2, for a path of `length` certificates without the anchor.
    pub(super) fn new(policies: &Policies, length: usize) -> Self {
        let later = u32::try_from(length + 1).unwrap_or(u32::MAX);
        let unless = |now: bool| if now { 0 } else { later };
        let any = Node { expected: set([ANY_POLICY]), roots: set([ANY_POLICY]) };
        let mut level = BTreeMap::new();
        level.insert(ANY_POLICY, any);
        Self {
            level: Some(level),
            initial: set(policies.initial.iter().copied()),
            explicit_policy: unless(policies.require_explicit),
            policy_mapping: unless(policies.inhibit_mapping),
            inhibit_any: unless(policies.inhibit_any),
            comparisons: 0,
        }
    }

    /// What looking at policies cost since the last call, in comparisons of names.
    pub(super) fn take_comparisons(&mut self) -> usize {
        std::mem::take(&mut self.comparisons)
    }

    /// RFC 5280 6.1.3 (d) to (f).
    pub(super) fn process(&mut self, certificate: &Certificate, is_last: bool) -> Result<(), Refused> {
        let named = policies(certificate)?;
        let any_counts = self.inhibit_any > 0 || (!is_last && certificate.is_self_issued());
        self.level = match (self.level.take(), named) {
            (Some(parents), Some(named)) => {
                let level = next_level(&parents, &named, any_counts);
                let looked_at = |nodes: &BTreeMap<Oid, Node>| {
                    nodes.values().map(|node| 1 + node.expected.len() + node.roots.len()).sum::<usize>()
                };
                // To keep one in a set takes as long as some comparisons.
                self.comparisons += 8 * (named.len() + looked_at(&parents) + looked_at(&level));
                (!level.is_empty()).then_some(level)
            }
            _ => None,
        };
        if self.explicit_policy == 0 && self.level.is_none() { Err(Refused::NoPolicy) } else { Ok(()) }
    }

    /// RFC 5280 6.1.4 (a), (b) and (h) to (j).
    pub(super) fn prepare(&mut self, authority: &Certificate) -> Result<(), Refused> {
        self.map(&mappings(authority)?)?;
        if !authority.is_self_issued() {
            self.explicit_policy = self.explicit_policy.saturating_sub(1);
            self.policy_mapping = self.policy_mapping.saturating_sub(1);
            self.inhibit_any = self.inhibit_any.saturating_sub(1);
        }
        let (require, inhibit) = constraints(authority)?;
        self.explicit_policy = self.explicit_policy.min(require.unwrap_or(u32::MAX));
        self.policy_mapping = self.policy_mapping.min(inhibit.unwrap_or(u32::MAX));
        if let Some(der) = authority.extension(oid::INHIBIT_ANY_POLICY) {
            self.inhibit_any = self.inhibit_any.min(asn1::single(der, tag::INTEGER)?.small()?);
        }
        Ok(())
    }

    fn map(&mut self, mappings: &BTreeMap<Oid, BTreeSet<Oid>>) -> Result<(), Refused> {
        let Some(level) = &mut self.level else { return Ok(()) };
        for (from, to) in mappings {
            if self.policy_mapping == 0 {
                level.remove(from);
            } else if let Some(node) = level.get_mut(from) {
                node.expected.clone_from(to);
            } else if level.contains_key(&ANY_POLICY) {
                let node = Node { expected: to.clone(), roots: set([*from]) };
                level.insert(*from, node);
            }
        }
        if level.is_empty() {
            self.level = None;
        }
        Ok(())
    }

    /// RFC 5280 6.1.5 (a), (b) and (g), after the last certificate was processed.
    pub(super) fn finish(mut self, last: &Certificate) -> Result<(), Refused> {
        self.explicit_policy = self.explicit_policy.saturating_sub(1);
        if constraints(last)?.0 == Some(0) {
            self.explicit_policy = 0;
        }
        let acceptable = |node: &Node| {
            self.initial.is_empty()
                || self.initial.contains(&ANY_POLICY)
                || node.roots.contains(&ANY_POLICY)
                || !node.roots.is_disjoint(&self.initial)
        };
        let valid = self.level.as_ref().is_some_and(|level| level.values().any(acceptable));
        if self.explicit_policy > 0 || valid { Ok(()) } else { Err(Refused::NoPolicy) }
    }
}

fn next_level(parents: &BTreeMap<Oid, Node>, named: &BTreeSet<Oid>, any_counts: bool) -> BTreeMap<Oid, Node> {
    let mut level: BTreeMap<Oid, Node> = BTreeMap::new();
    let mut add = |policy: Oid, parent_policy: Oid, parent: &Node| {
        let node = level.entry(policy).or_default();
        node.expected = set([policy]);
        if parent_policy == ANY_POLICY {
            node.roots.insert(policy);
        } else {
            node.roots.extend(&parent.roots);
        }
    };
    // Who expects what, found once: mappings are bounded, so that these are few.
    let mut expecting: BTreeMap<Oid, Vec<(Oid, &Node)>> = BTreeMap::new();
    for (parent_policy, parent) in parents {
        for policy in &parent.expected {
            expecting.entry(*policy).or_default().push((*parent_policy, parent));
        }
    }
    for policy in named.iter().filter(|policy| **policy != ANY_POLICY) {
        if let Some(parents) = expecting.get(policy) {
            parents.iter().for_each(|(parent_policy, parent)| add(*policy, *parent_policy, parent));
        } else if let Some(any) = parents.get(&ANY_POLICY) {
            add(*policy, ANY_POLICY, any);
        }
    }
    if named.contains(&ANY_POLICY) && any_counts {
        for (policy, parents) in &expecting {
            if !named.contains(policy) || *policy == ANY_POLICY {
                parents.iter().for_each(|(parent_policy, parent)| add(*policy, *parent_policy, parent));
            }
        }
    }
    level
}

/// Collecting would sort first, by a function of its own.
fn set(policies: impl IntoIterator<Item = Oid>) -> BTreeSet<Oid> {
    let mut set = BTreeSet::new();
    set.extend(policies);
    set
}

fn policies(certificate: &Certificate) -> Result<Option<BTreeSet<Oid>>, Malformed> {
    let Some(der) = certificate.extension(oid::CERTIFICATE_POLICIES) else { return Ok(None) };
    let list = asn1::single(der, tag::SEQUENCE)?.reader().all(MAX_POLICIES)?;
    let read = list.iter().map(|policy| policy.reader().oid()).collect::<Result<Vec<_>, _>>()?;
    let policies = set(read);
    // RFC 5280 4.2.1.4: one at least, and each but once.
    if policies.is_empty() || policies.len() < list.len() { Err(Malformed) } else { Ok(Some(policies)) }
}

fn mappings(certificate: &Certificate) -> Result<BTreeMap<Oid, BTreeSet<Oid>>, Refused> {
    let mut mappings: BTreeMap<Oid, BTreeSet<Oid>> = BTreeMap::new();
    let Some(der) = certificate.extension(oid::POLICY_MAPPINGS) else { return Ok(mappings) };
    for pair in asn1::single(der, tag::SEQUENCE)?.reader().all(MAX_POLICIES)? {
        let mut fields = pair.reader();
        let (from, to) = (fields.oid()?, fields.oid()?);
        fields.end()?;
        if from == ANY_POLICY || to == ANY_POLICY {
            return Err(Refused::NoPolicy);
        }
        mappings.entry(from).or_default().insert(to);
    }
    Ok(mappings)
}

/// requireExplicitPolicy and inhibitPolicyMapping.
fn constraints(certificate: &Certificate) -> Result<(Option<u32>, Option<u32>), Malformed> {
    let Some(der) = certificate.extension(oid::POLICY_CONSTRAINTS) else { return Ok((None, None)) };
    let mut fields = asn1::single(der, tag::SEQUENCE)?.reader();
    let require = fields.optional(tag::context(0))?.map(|number| number.small()).transpose()?;
    let inhibit = fields.optional(tag::context(1))?.map(|number| number.small()).transpose()?;
    fields.end()?;
    Ok((require, inhibit))
}
