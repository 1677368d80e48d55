//! Who may connect to a server: between the words of the API and those of the agent.

use api::plane::model::{
    Change, Networking, NetworkingPreview, NetworkingUpdate, Refusal, RefusalKind, Rule, RuleKind,
};
use base::{ExitCode, Fault};
use serde_json::{Value, json};

use super::{read, text};

/// What the agent shows.
pub(super) fn shown(answer: &Value) -> Result<Networking, Fault> {
    let rules: Vec<Rule> = list(answer, "rules").iter().map(of_owner).collect::<Result<_, _>>()?;
    let effective_rules = list(answer, "effective").iter().map(in_force).collect();
    // What waits for a restart is what was asked for.
    let pending = answer["listen_addresses_pending"].as_str();
    let listen = pending.map_or_else(|| text(answer, "listen_addresses"), str::to_owned);
    let addresses = listen.split(',').map(|one| one.trim().trim_matches('"').to_owned());
    Ok(Networking {
        require_secure_transport: answer["require_secure_transport"].as_bool().unwrap_or_default(),
        min_protocol_version: text(answer, "min_tls_version"),
        listen_addresses: addresses.filter(|one| !one.is_empty()).collect(),
        port: read(answer["port"].clone())?,
        client_certificates: None,
        rules,
        effective_rules,
    })
}

/// What is to change, for the agent.
pub(super) fn wanted(update: NetworkingUpdate) -> Result<Value, Fault> {
    let rules: Option<Vec<Value>> =
        update.rules.map(|rules| rules.iter().map(rule).collect()).transpose()?;
    Ok(json!({
        "rules": rules,
        "require_secure_transport": update.require_secure_transport,
        "min_tls_version": update.min_protocol_version,
        "listen_addresses": update.listen_addresses.map(|all| all.join(", ")),
    }))
}

/// What a change would do.
pub(super) fn preview(answer: &Value) -> Result<NetworkingPreview, Fault> {
    let changes = list(answer, "changes").iter().filter_map(Value::as_str).map(|line| {
        let (sign, text) = line.split_at_checked(1).unwrap_or((" ", line));
        Change { sign: sign.to_owned(), text: text.to_owned() }
    });
    // What only PostgreSQL can tell is listed too: silence would look like a promise.
    let refused = list(answer, "would_refuse").iter().chain(list(answer, "unsure"));
    let would_refuse = refused.map(|one| Refusal {
        kind: match one["kind"].as_str() {
            Some("role") => RefusalKind::Role,
            Some("rule") => RefusalKind::Rule,
            _ => RefusalKind::Session,
        },
        who: text(one, "who"),
        why: text(one, "why"),
    });
    Ok(NetworkingPreview {
        changes: changes.collect(),
        would_refuse: would_refuse.collect(),
        restart_needed: answer["restart_needed"].as_bool().unwrap_or_default(),
    })
}

fn list<'v>(answer: &'v Value, field: &str) -> &'v [Value] {
    answer[field].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn rule(rule: &Rule) -> Result<Value, Fault> {
    let refuse = |message: &str| {
        Fault::new("bad_request", message)
            .detail(format!("rule for {} as {}", rule.database, rule.role))
            .exit(ExitCode::Usage)
    };
    let connection = match rule.kind {
        RuleKind::Host => "host",
        RuleKind::HostSsl => "hostssl",
        RuleKind::HostNoSsl => "hostnossl",
        RuleKind::Local | RuleKind::HostGssEnc | RuleKind::HostNoGssEnc => {
            return Err(refuse("a rule is of type host, hostssl or hostnossl"));
        }
    };
    if rule.options.as_deref().is_some_and(|options| !options.is_empty()) {
        return Err(refuse("a rule has no options here")
            .hint("certificates of clients are asked for by the client certificates' rules"));
    }
    Ok(json!({
        "connection": connection,
        "database": rule.database,
        "role": rule.role,
        "address": rule.address.as_deref().unwrap_or("all"),
        "method": rule.method,
    }))
}

fn of_owner(rule: &Value) -> Result<Rule, Fault> {
    Ok(Rule {
        kind: kind(&text(rule, "connection")),
        database: text(rule, "database"),
        role: text(rule, "role"),
        address: Some(text(rule, "address")),
        method: text(rule, "method"),
        options: None,
        managed: false,
    })
}

fn in_force(rule: &Value) -> Rule {
    let words = |field: &str| {
        let words: Vec<&str> = list(rule, field).iter().filter_map(Value::as_str).collect();
        words.join(",")
    };
    let address = match (rule["address"].as_str(), rule["netmask"].as_str()) {
        (Some(address), Some(mask)) => Some(match prefix(mask) {
            Some(prefix) => format!("{address}/{prefix}"),
            None => format!("{address} {mask}"),
        }),
        (address, _) => address.map(str::to_owned),
    };
    let (options, error) = (words("options"), text(rule, "error"));
    Rule {
        kind: kind(&text(rule, "connection")),
        database: words("databases"),
        role: words("roles"),
        address,
        // A line that PostgreSQL does not understand is not in force, and says so.
        method: if error.is_empty() { text(rule, "method") } else { format!("error: {error}") },
        options: (!options.is_empty()).then_some(options),
        managed: rule["managed"].as_bool().unwrap_or_default(),
    }
}

fn kind(word: &str) -> RuleKind {
    match word {
        "local" => RuleKind::Local,
        "hostssl" => RuleKind::HostSsl,
        "hostnossl" => RuleKind::HostNoSsl,
        "hostgssenc" => RuleKind::HostGssEnc,
        "hostnogssenc" => RuleKind::HostNoGssEnc,
        _ => RuleKind::Host,
    }
}

/// The length of a mask whose ones stand together.
fn prefix(mask: &str) -> Option<u32> {
    let (ones, leading) = match mask.parse().ok()? {
        std::net::IpAddr::V4(ip) => (ip.to_bits().count_ones(), ip.to_bits().leading_ones()),
        std::net::IpAddr::V6(ip) => (ip.to_bits().count_ones(), ip.to_bits().leading_ones()),
    };
    (ones == leading).then_some(ones)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_shown_as_lengths() {
        assert_eq!(prefix("255.255.255.0"), Some(24));
        assert_eq!(prefix("ffff:ffff::"), Some(32));
        assert_eq!(prefix("255.0.255.0"), None);
    }

    #[test]
    fn a_preview_keeps_signs_and_says_what_is_unsure() {
        let answer = json!({
            "changes": ["+hostnossl all all all reject", "-x"],
            "would_refuse": [{ "kind": "role", "who": "anna", "why": "none" }],
            "unsure": [{ "kind": "session", "who": "b", "why": "line 3 may" }],
            "restart_needed": true,
        });
        let preview = preview(&answer).unwrap();
        assert_eq!(preview.changes[0].sign, "+");
        assert_eq!(preview.changes[0].text, "hostnossl all all all reject");
        assert_eq!(preview.would_refuse.len(), 2);
        assert_eq!(preview.would_refuse[0].kind, RefusalKind::Role);
        assert!(preview.restart_needed);
    }

    #[test]
    fn rules_of_other_kinds_and_options_are_refused() {
        let plain = Rule {
            kind: RuleKind::Host,
            database: "all".to_owned(),
            role: "all".to_owned(),
            method: "reject".to_owned(),
            ..Rule::default()
        };
        assert_eq!(rule(&plain).unwrap()["address"], "all");
        let local = Rule { kind: RuleKind::Local, ..plain.clone() };
        let options = Rule { options: Some("map=x".to_owned()), ..plain };
        assert!(rule(&local).is_err() && rule(&options).is_err());
    }
}
