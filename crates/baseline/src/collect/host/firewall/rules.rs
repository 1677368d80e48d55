//! The kernel's rules as `nft -j` writes them (libnftables-json(5)), judged for one question: from
//! where a new connection may reach a port over TCP.
//!
//! Doubt lets through: a rule that is not understood may accept all that it could, and its drop
//! drops nothing. It is named, so that nobody takes the answer for the whole truth.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;

use serde_json::Value;

use crate::derive::Addresses;

/// Chains that jump to each other.
const DEPTH_MAX: usize = 16;
/// Rules that are followed, jumps included.
const STEPS_MAX: usize = 200_000;

/// All rules.
#[derive(Debug, Default)]
pub(super) struct Ruleset {
    /// By family, table and name
    chains: BTreeMap<(String, String, String), Chain>,
    sets: BTreeMap<(String, String, String), Vec<Value>>,
}

#[derive(Debug, Default)]
struct Chain {
    /// Where the kernel begins: at what priority
    input: Option<i64>,
    accepts: bool,
    rules: Vec<(i64, Vec<Value>)>,
}

/// What was found for a port.
#[derive(Debug, Default)]
pub(super) struct Judged {
    pub(super) allowed: Addresses,
    /// Chains that packets to the host go through
    pub(super) n_chains: usize,
    /// Rules that are not understood
    pub(super) odd: Vec<String>,
}

/// Whether a rule is for the packet in question.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Applies {
    Yes,
    No,
    Perhaps,
}

/// What a map of verdicts says.
enum Mapped {
    Verdict(String, String),
    Nothing,
    Unknown,
}

struct Walk<'a> {
    rules: &'a Ruleset,
    is_six: bool,
    port: u16,
    steps: usize,
    odd: Vec<String>,
}

/// How a chain ends.
struct Passed {
    accepted: Addresses,
    /// Neither accepted nor dropped
    rest: Addresses,
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or("").to_owned()
}

impl Ruleset {
    pub(super) fn parse(json: &str) -> io::Result<Self> {
        let odd = || io::Error::other("it is not what nft says");
        let all: Value = serde_json::from_str(json).map_err(|_| odd())?;
        let all = all.get("nftables").and_then(Value::as_array).ok_or_else(odd)?;
        let mut found = Self::default();
        for item in all {
            let Some((kind, item)) = item.as_object().and_then(|item| item.iter().next()) else {
                return Err(odd());
            };
            let key = |name: &str| (text(item, "family"), text(item, "table"), text(item, name));
            match kind.as_str() {
                "chain" => {
                    let chain = found.chains.entry(key("name")).or_default();
                    let is_filter = text(item, "type") == "filter";
                    if is_filter && text(item, "hook") == "input" {
                        let priority = item.get("prio").and_then(Value::as_i64);
                        chain.input = Some(priority.unwrap_or(0));
                    }
                    chain.accepts = text(item, "policy") != "drop";
                }
                "rule" => {
                    let handle = item.get("handle").and_then(Value::as_i64).unwrap_or(0);
                    let what = item.get("expr").and_then(Value::as_array);
                    let rules = &mut found.chains.entry(key("chain")).or_default().rules;
                    rules.push((handle, what.cloned().unwrap_or_default()));
                }
                "set" => {
                    let elements = item.get("elem").and_then(Value::as_array);
                    found.sets.insert(key("name"), elements.cloned().unwrap_or_default());
                }
                _ => {}
            }
        }
        Ok(found)
    }

    /// From where a port can be reached, at most.
    pub(super) fn allowed(&self, is_six: bool, port: u16) -> Judged {
        let family = if is_six { "ip6" } else { "ip" };
        let mut bases: Vec<_> = self
            .chains
            .iter()
            .filter(|((of, _, _), chain)| chain.input.is_some() && (of == "inet" || of == family))
            .collect();
        bases.sort_by_key(|(_, chain)| chain.input);
        let mut walk = Walk { rules: self, is_six, port, steps: 0, odd: Vec::new() };
        let mut allowed = Addresses::family(is_six);
        let n_chains = bases.len();
        // A packet has to be let through by each of them.
        for (key, chain) in bases {
            let passed = walk.chain(key, allowed, 0);
            allowed = passed.accepted;
            if chain.accepts {
                allowed = allowed.or(&passed.rest);
            }
        }
        Judged { allowed, n_chains, odd: walk.odd }
    }
}

impl Walk<'_> {
    fn chain(&mut self, key: &(String, String, String), from: Addresses, depth: usize) -> Passed {
        let mut passed = Passed { accepted: Addresses::default(), rest: from };
        let Some(chain) = self.rules.chains.get(key) else {
            self.odd.push(format!("{} {}: the chain is not there", key.1, key.2));
            return passed;
        };
        let mut returned = Addresses::default();
        for (handle, rule) in &chain.rules {
            self.steps += 1;
            if depth > DEPTH_MAX || self.steps > STEPS_MAX {
                self.odd.push("there are too many rules".to_owned());
                passed.accepted = passed.accepted.or(&passed.rest);
                return passed;
            }
            let (mut applies, mut of) = (Applies::Yes, passed.rest.clone());
            let mut verdict = None;
            for part in rule {
                let Some((kind, part)) = part.as_object().and_then(|part| part.iter().next())
                else {
                    applies = and(applies, Applies::Perhaps);
                    continue;
                };
                match kind.as_str() {
                    "match" => {
                        let (one, addresses) = self.matches(key, part);
                        applies = and(applies, one);
                        of = addresses.map_or(of.clone(), |addresses| of.and(&addresses));
                    }
                    "accept" | "drop" | "reject" | "jump" | "goto" | "return" => {
                        verdict = Some((kind.clone(), text(part, "target")));
                    }
                    "vmap" => match self.mapped(key, part) {
                        Mapped::Verdict(kind, target) => verdict = Some((kind, target)),
                        Mapped::Nothing => applies = Applies::No,
                        Mapped::Unknown => {
                            applies = and(applies, Applies::Perhaps);
                            verdict = Some(("accept".to_owned(), String::new()));
                        }
                    },
                    "counter" | "log" | "comment" | "mangle" | "notrack" => {}
                    _ => applies = and(applies, Applies::Perhaps),
                }
            }
            if applies == Applies::No || of.is_empty() {
                continue;
            }
            let Some((verdict, target)) = verdict else {
                if applies == Applies::Perhaps {
                    self.say(key, *handle);
                }
                continue;
            };
            if applies == Applies::Perhaps {
                self.say(key, *handle);
            }
            let is_sure = applies == Applies::Yes;
            match verdict.as_str() {
                "accept" => {
                    passed.accepted = passed.accepted.or(&of);
                    if is_sure {
                        passed.rest = passed.rest.without(&of);
                    }
                }
                "drop" | "reject" if is_sure => passed.rest = passed.rest.without(&of),
                // What goes back is asked further by whoever sent it here.
                "return" if is_sure => {
                    passed.rest = passed.rest.without(&of);
                    returned = returned.or(&of);
                }
                "jump" | "goto" => {
                    let to = (key.0.clone(), key.1.clone(), target);
                    let there = self.chain(&to, of.clone(), depth + 1);
                    // What comes through would not be asked further here.
                    if verdict == "goto" && !there.rest.is_empty() {
                        self.say(key, *handle);
                    }
                    passed.accepted = passed.accepted.or(&there.accepted);
                    if is_sure {
                        passed.rest = passed.rest.without(&of).or(&there.rest);
                    }
                }
                _ => {}
            }
            if passed.rest.is_empty() {
                break;
            }
        }
        passed.rest = passed.rest.or(&returned);
        passed
    }

    fn say(&mut self, key: &(String, String, String), handle: i64) {
        self.odd.push(format!("{} {} {}, handle {handle}", key.0, key.1, key.2));
    }

    /// Whether a condition holds for a new connection from elsewhere, and for which addresses.
    fn matches(
        &self,
        key: &(String, String, String),
        condition: &Value,
    ) -> (Applies, Option<Addresses>) {
        let is_not = text(condition, "op") == "!=";
        let (Some(left), Some(right)) = (condition.get("left"), condition.get("right")) else {
            return (Applies::Perhaps, None);
        };
        let payload = left.get("payload");
        let field = payload.map(|p| (text(p, "protocol"), text(p, "field"))).unwrap_or_default();
        let meta = left.get("meta").map(|meta| text(meta, "key")).unwrap_or_default();
        let family = if self.is_six { "ip6" } else { "ip" };
        match (field.0.as_str(), field.1.as_str(), meta.as_str()) {
            ("tcp" | "th", "dport", _) => match self.has_port(key, right) {
                Some(has) => (sure(has ^ is_not), None),
                None => (Applies::Perhaps, None),
            },
            ("udp" | "icmp" | "icmpv6" | "sctp", ..) => (Applies::No, None),
            (of, "saddr", _) if of == family => match self.addresses(key, right) {
                Some(found) if is_not => {
                    (Applies::Yes, Some(Addresses::family(self.is_six).without(&found)))
                }
                Some(found) => (Applies::Yes, Some(found)),
                None => (Applies::Perhaps, None),
            },
            ("ip" | "ip6", "saddr", _) => (Applies::No, None),
            (_, "protocol" | "nexthdr", _) | (_, _, "l4proto") => {
                (sure(self.has_word(right, "tcp") ^ is_not), None)
            }
            (_, _, "nfproto") => {
                let own = if self.is_six { "ipv6" } else { "ipv4" };
                (sure(self.has_word(right, own) ^ is_not), None)
            }
            (_, _, "iif" | "iifname") if right == "lo" => (sure(is_not), None),
            _ if left.get("ct").is_some_and(|ct| text(ct, "key") == "state") => {
                (sure(self.has_word(right, "new") ^ is_not), None)
            }
            _ => (Applies::Perhaps, None),
        }
    }

    /// What a map of verdicts says of the packet.
    fn mapped(&self, key: &(String, String, String), map: &Value) -> Mapped {
        let left = map.get("key");
        let is_state =
            left.and_then(|left| left.get("ct")).is_some_and(|ct| text(ct, "key") == "state");
        let is_port = left.and_then(|left| left.get("payload")).is_some_and(|payload| {
            text(payload, "field") == "dport" && text(payload, "protocol") == "tcp"
        });
        let all = map.get("data").and_then(|data| data.get("set")).and_then(Value::as_array);
        let Some(all) = all.filter(|_| is_state || is_port) else { return Mapped::Unknown };
        for pair in all {
            let (Some(of), Some(verdict)) = (pair.get(0), pair.get(1)) else {
                return Mapped::Unknown;
            };
            let is_it = if is_state { Some(plain(of) == "new") } else { self.has_port(key, of) };
            match is_it {
                Some(false) => {}
                Some(true) => {
                    let verdict = verdict.as_object().and_then(|verdict| verdict.iter().next());
                    return verdict.map_or(Mapped::Unknown, |(kind, more)| {
                        Mapped::Verdict(kind.clone(), text(more, "target"))
                    });
                }
                None => return Mapped::Unknown,
            }
        }
        Mapped::Nothing
    }

    /// The elements of a value: itself, those of a set in place, or of a set by its name.
    fn elements<'v>(
        &'v self,
        key: &(String, String, String),
        value: &'v Value,
    ) -> Option<Vec<&'v Value>> {
        if let Some(name) = value.as_str().and_then(|name| name.strip_prefix('@')) {
            let key = (key.0.clone(), key.1.clone(), name.to_owned());
            return Some(self.rules.sets.get(&key)?.iter().map(plain).collect());
        }
        match value.get("set").and_then(Value::as_array).or_else(|| value.as_array()) {
            Some(all) => Some(all.iter().map(plain).collect()),
            None => Some(vec![plain(value)]),
        }
    }

    /// Whether the port is among those of a value; `None` where one of them is no number.
    fn has_port(&self, key: &(String, String, String), value: &Value) -> Option<bool> {
        let port = u64::from(self.port);
        let mut has = false;
        for value in self.elements(key, value)? {
            has |= match value.get("range").and_then(Value::as_array) {
                Some(ends) => {
                    let end = |at: usize| ends.get(at).and_then(Value::as_u64);
                    end(0)? <= port && port <= end(1)?
                }
                None => value.as_u64()? == port,
            };
        }
        Some(has)
    }

    fn has_word(&self, value: &Value, word: &str) -> bool {
        let none = (String::new(), String::new(), String::new());
        let all = self.elements(&none, value).unwrap_or_default();
        all.into_iter().any(|value| value == word)
    }

    fn addresses(&self, key: &(String, String, String), value: &Value) -> Option<Addresses> {
        let mut found = Addresses::default();
        for value in self.elements(key, value)? {
            found = found.or(&network(value)?);
        }
        Some(found)
    }
}

/// An element of a set without what is said of it.
fn plain(value: &Value) -> &Value {
    value.get("elem").and_then(|element| element.get("val")).unwrap_or(value)
}

/// An address, `{"prefix":{"addr","len"}}` or `{"range":[from,to]}`.
fn network(value: &Value) -> Option<Addresses> {
    let address = |value: &Value| value.as_str().and_then(|text| text.parse::<IpAddr>().ok());
    if let Some(prefix) = value.get("prefix") {
        let bits = u32::try_from(prefix.get("len")?.as_u64()?).ok()?;
        return Addresses::network(address(prefix.get("addr")?)?, bits);
    }
    if let Some(ends) = value.get("range").and_then(Value::as_array) {
        return Addresses::between(address(ends.first()?)?, address(ends.get(1)?)?);
    }
    let one = address(value)?;
    Addresses::network(one, if one.is_ipv4() { 32 } else { 128 })
}

fn sure(is_so: bool) -> Applies {
    if is_so { Applies::Yes } else { Applies::No }
}

fn and(a: Applies, b: Applies) -> Applies {
    match (a, b) {
        (Applies::No, _) | (_, Applies::No) => Applies::No,
        (Applies::Perhaps, _) | (_, Applies::Perhaps) => Applies::Perhaps,
        _ => Applies::Yes,
    }
}

#[cfg(test)]
mod tests;
