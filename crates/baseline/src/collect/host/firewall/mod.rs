//! `Firewall`: which addresses the kernel's packet filter lets through to the server's port, beside
//! those that pg_hba.conf knows.

mod rules;

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;

use kql::plan::Schema;
use kql::value::Json;

use super::{Filled, Host};
use crate::derive::{Addresses, Given, list, row};
use rules::Ruleset;

/// Programs that print the rules of the kernel.
const PROGRAMS: &[&str] = &["/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft"];
/// What the program said, where the host is not the one that this runs on.
const SAID: &str = "/run/nftables.json";
const BYTES_MAX: usize = 64 << 20;
/// Prefixes that are listed.
const PREFIXES_MAX: usize = 200;

/// Fills the table.
pub(super) fn firewall(host: &Host, given: &Given<'_>, schema: &Schema) -> Filled {
    let mut filled = Filled::default();
    let read = ruleset(host).and_then(|text| Ruleset::parse(&text));
    let rules = match read {
        Ok(rules) => rules,
        Err(error) => {
            filled.lack(Path::new("nft -j list ruleset"), &error);
            if let Some(gap) = filled.gaps.last_mut().filter(|gap| gap.reason == "not-found") {
                gap.cure = Some("install nftables, whose program reads the rules".to_owned());
            }
            return filled;
        }
    };
    let setting = |name: &str| {
        let mut rows = given.rows("Settings").filter(|row| row.text("name") == name);
        rows.next().map_or("", |row| row.text("setting"))
    };
    let Ok(port) = setting("port").parse::<u16>() else {
        filled.lack(Path::new("port"), &io::Error::other("it is no number"));
        return filled;
    };
    let (known, odd) = known(given);
    for is_six in families(setting("listen_addresses")) {
        let family = Addresses::family(is_six);
        let mut judged = rules.allowed(is_six, port);
        judged.odd.sort();
        judged.odd.dedup();
        let remote = family.without(&Addresses::loopback());
        let allowed = judged.allowed.and(&remote);
        let wanted = known.and(&remote);
        let prefixes = |set: &Addresses| list(set.prefixes(PREFIXES_MAX).unwrap_or_default());
        filled.rows.push(row(
            schema,
            &[
                ("family", Json::Long(if is_six { 6 } else { 4 })),
                ("port", Json::Long(i64::from(port))),
                ("n_chains", Json::Long(i64::try_from(judged.n_chains).unwrap_or(i64::MAX))),
                ("open", Json::Bool(remote.without(&allowed).is_empty())),
                ("allowed", prefixes(&allowed)),
                ("hba", prefixes(&wanted)),
                ("beyond_hba", prefixes(&allowed.without(&wanted))),
                ("lacking", prefixes(&wanted.without(&allowed))),
                ("not_understood", list(&judged.odd)),
                ("hba_not_understood", list(&odd)),
            ],
        ));
    }
    filled
}

/// What `nft -j list ruleset` says.
fn ruleset(host: &Host) -> io::Result<String> {
    if host.root != Path::new("/") {
        return host.text(SAID);
    }
    let program = PROGRAMS.iter().find(|program| Path::new(program).exists());
    let program = program.ok_or_else(|| {
        io::Error::new(io::ErrorKind::NotFound, "the program nft is not installed")
    })?;
    let mut command = Command::new(program);
    let said = command.env_clear().env("LC_ALL", "C").args(["-j", "list", "ruleset"]).output()?;
    if !said.status.success() {
        // Without the right it says so on standard error.
        let text = String::from_utf8_lossy(&said.stderr);
        let is_denied = text.contains("not permitted") || text.contains("denied");
        let kind = if is_denied { io::ErrorKind::PermissionDenied } else { io::ErrorKind::Other };
        return Err(io::Error::new(kind, text.trim().to_owned()));
    }
    if said.stdout.len() > BYTES_MAX {
        return Err(io::Error::other(format!("more than {BYTES_MAX} bytes of rules")));
    }
    String::from_utf8(said.stdout).map_err(|_| io::Error::other("it is no UTF-8"))
}

/// Families in which the server listens.
fn families(listen: &str) -> Vec<bool> {
    let names = listen.split(',').map(|name| name.trim().trim_matches('"'));
    let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
    let has = |is_six: bool| {
        names.iter().any(|name| match (*name, name.parse::<IpAddr>()) {
            // The two that stand for all of one family.
            (_, Ok(address)) => address.is_ipv6() == is_six,
            _ => true,
        })
    };
    [false, true].into_iter().filter(|is_six| has(*is_six)).collect()
}

/// Addresses that pg_hba.conf lets try to sign in, and lines whose addresses are no prefix.
fn known(given: &Given<'_>) -> (Addresses, Vec<String>) {
    let mut known = Addresses::default();
    let mut odd = Vec::new();
    for rule in given.rows("HbaRules") {
        let is_remote = rule.text("type").starts_with("host") && rule.text("error").is_empty();
        if !is_remote || rule.text("method") == "reject" {
            continue;
        }
        let network = match (rule.text("address"), rule.number("bits")) {
            ("all", _) => Some(Addresses::all()),
            ("samehost", _) => Some(Addresses::loopback()),
            (address, Some(bits)) => address
                .parse()
                .ok()
                .zip(u32::try_from(bits).ok())
                .and_then(|(address, bits)| Addresses::network(address, bits)),
            _ => None,
        };
        match network {
            Some(network) => known = known.or(&network),
            None => odd.push(rule.text("item").to_owned()),
        }
    }
    (known, odd)
}
