//! Rulesets as nft writes them, and what they let through.

use super::Ruleset;

/// A ruleset with one table, one base chain, and what is put into it.
fn ruleset(policy: &str, rules: &[&str], more: &str) -> Ruleset {
    let rules: String = rules
        .iter()
        .enumerate()
        .map(|(at, expr)| {
            format!(
                r#",{{"rule":{{"family":"inet","table":"t","chain":"input","handle":{at},
                   "expr":[{expr}]}}}}"#
            )
        })
        .collect();
    let text = format!(
        r#"{{"nftables":[{{"metainfo":{{}}}},{{"table":{{"family":"inet","name":"t"}}}},
        {{"chain":{{"family":"inet","table":"t","name":"input","type":"filter","hook":"input",
          "prio":0,"policy":"{policy}"}}}}{more}{rules}]}}"#
    );
    Ruleset::parse(&text).unwrap()
}

const PORT: &str = r#"{"match":{"op":"==","left":{"payload":{"protocol":"tcp","field":"dport"}},
    "right":5432}}"#;
const FROM_TEN: &str = r#"{"match":{"op":"==","left":{"payload":{"protocol":"ip",
    "field":"saddr"}},"right":{"prefix":{"addr":"10.0.0.0","len":8}}}}"#;
const ACCEPT: &str = r#"{"accept":null}"#;
const DROP: &str = r#"{"drop":null}"#;

fn said(rules: &Ruleset) -> (Vec<String>, usize) {
    let judged = rules.allowed(false, 5432);
    (judged.allowed.prefixes(20).unwrap(), judged.odd.len())
}

fn all() -> Vec<String> {
    vec!["0.0.0.0/0".to_owned()]
}

#[test]
fn what_is_let_through_is_found() {
    let ten = vec!["10.0.0.0/8".to_owned()];
    let known = format!("{PORT},{FROM_TEN},{ACCEPT}");
    for (policy, rules, wanted) in [
        ("drop", vec![known.as_str()], ten.clone()),
        ("accept", vec![known.as_str()], all()),
        ("accept", vec![known.as_str(), &format!("{PORT},{DROP}")], ten.clone()),
        ("drop", vec![&format!("{PORT},{ACCEPT}")], all()),
        ("drop", vec![ACCEPT], all()),
        ("drop", vec![DROP, ACCEPT], vec![]),
        ("drop", vec![], vec![]),
    ] {
        assert_eq!(said(&ruleset(policy, &rules, "")), (wanted, 0), "{policy} {rules:?}");
    }
    assert_eq!(said(&Ruleset::parse(r#"{"nftables":[]}"#).unwrap()), (all(), 0));
}

#[test]
fn what_is_for_others_is_left_out() {
    let lo = r#"{"match":{"op":"==","left":{"meta":{"key":"iif"}},"right":"lo"}}"#;
    let old = r#"{"match":{"op":"in","left":{"ct":{"key":"state"}},
        "right":["established","related"]}}"#;
    let udp = r#"{"match":{"op":"==","left":{"payload":{"protocol":"udp","field":"dport"}},
        "right":5432}}"#;
    let six = r#"{"match":{"op":"==","left":{"payload":{"protocol":"ip6","field":"saddr"}},
        "right":"fd00::1"}}"#;
    let ssh = PORT.replace("5432", "22");
    for one in [lo, old, udp, six, &ssh] {
        let rules = ruleset("drop", &[&format!("{one},{ACCEPT}")], "");
        assert_eq!(said(&rules), (vec![], 0), "{one}");
    }
}

#[test]
fn doubt_lets_through_and_is_named() {
    let odd = r#"{"xt":{"type":"match","name":"recent"}}"#;
    let accepts = ruleset("drop", &[&format!("{odd},{ACCEPT}")], "");
    assert_eq!(said(&accepts), (all(), 1));
    let drops = ruleset("accept", &[&format!("{odd},{DROP}")], "");
    assert_eq!(said(&drops), (all(), 1));
    let port = ruleset("accept", &[&format!("{},{DROP}", PORT.replace("5432", "\"@p\""))], "");
    assert_eq!(said(&port), (all(), 1));
}

#[test]
fn chains_and_sets_are_followed() {
    let more = r#",{"set":{"family":"inet","table":"t","name":"s","type":"ipv4_addr","elem":
        ["192.0.2.1",{"prefix":{"addr":"10.0.0.0","len":8}}]}},
        {"chain":{"family":"inet","table":"t","name":"db"}},
        {"rule":{"family":"inet","table":"t","chain":"db","handle":90,"expr":[
            {"match":{"op":"!=","left":{"payload":{"protocol":"ip","field":"saddr"}},
             "right":"@s"}},{"return":null}]}},
        {"rule":{"family":"inet","table":"t","chain":"db","handle":91,"expr":[{"accept":null}]}}"#;
    let jump = format!(r#"{PORT},{{"jump":{{"target":"db"}}}}"#);
    let wanted = vec!["10.0.0.0/8".to_owned(), "192.0.2.1/32".to_owned()];
    assert_eq!(said(&ruleset("drop", &[&jump], more)), (wanted, 0));
    assert_eq!(said(&ruleset("accept", &[&jump], more)), (all(), 0));
    let lost = r#"{"jump":{"target":"other"}}"#;
    assert_eq!(said(&ruleset("accept", &[lost], more)), (all(), 1));
}

#[test]
fn what_nft_itself_writes_is_understood() {
    // nftables 1.0.6 for rules of our own.
    let rules = Ruleset::parse(include_str!("said.json")).unwrap();
    let prefixes = |judged: super::Judged| {
        assert_eq!(judged.odd, Vec::<String>::new());
        judged.allowed.prefixes(20).unwrap()
    };
    let four = ["10.0.0.0/8", "172.16.5.1/32", "172.16.5.2/31", "172.16.5.4/30", "172.16.5.8/31"];
    let four = four.iter().chain(&["192.168.7.0/24"]).map(|p| (*p).to_owned());
    assert_eq!(prefixes(rules.allowed(false, 5432)), four.collect::<Vec<_>>());
    assert_eq!(prefixes(rules.allowed(true, 5432)), ["fd00::7/128"]);
    assert_eq!(prefixes(rules.allowed(false, 443)), ["0.0.0.0/0"]);
    assert_eq!(prefixes(rules.allowed(false, 6001)), Vec::<String>::new());
    // Let through as long as there are few: nobody knows whether there are.
    assert_eq!(rules.allowed(false, 22).odd.len(), 1);
}
