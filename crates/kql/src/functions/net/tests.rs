//! Addresses with and without prefixes, and text that is none.

use crate::functions::{Context, scalar};
use crate::value::{Json, Value};

fn call(name: &str, arguments: &[Value]) -> Value {
    scalar(name).unwrap()(arguments, &Context { now: 0 })
}

fn texts(name: &str, arguments: &[&str]) -> String {
    let arguments: Vec<Value> = arguments.iter().map(Value::text).collect();
    call(name, &arguments).to_text().to_string()
}

#[test]
fn every_address_function_of_the_signatures_is_there() {
    let signatures = include_str!("../../../../../content/kql/functions.tsv");
    for line in signatures.lines() {
        let name = line.split('\t').next().unwrap();
        if name.starts_with("__") {
            continue;
        }
        if name.contains("ipv4") || name.contains("ipv6") || name.contains("_ip_") {
            assert!(scalar(name).is_some(), "{name}");
            for strange in [Value::Null, Value::text("é"), Value::Long(-1), Value::text("1.2.3./")]
            {
                call(name, &[strange.clone(), strange.clone(), strange]);
            }
        }
    }
}

#[test]
fn version_4() {
    for (a, b) in [
        ("172.20.1.0", "172.20.1.0"),
        ("172.20.1.1/24", "172.20.1.255"),
        ("172.20.1.1", "172.20.1.255/24"),
        ("172.20.1.1/30", "172.20.1.255/24"),
    ] {
        assert_eq!(texts("ipv4_is_match", &[a, b]), "True");
        assert_eq!(texts("ipv4_compare", &[a, b]), "0");
    }
    let with = |prefix| [Value::text("172.20.1.1"), Value::text("172.20.1.0"), Value::Long(prefix)];
    assert_eq!(call("ipv4_compare", &with(31)), Value::Long(0));
    assert_eq!(call("ipv4_compare", &with(32)), Value::Long(1));
    assert_eq!(call("ipv4_compare", &with(33)), Value::Null);
    assert_eq!(texts("ipv4_is_in_range", &["172.20.1.1", "172.20.1.255/24"]), "True");
    assert_eq!(texts("ipv4_is_in_range", &["172.20.1", "172.20.1.255/24"]), "");
    let ranges = ["172.20.1.6", "172.20.1.1/24", "10.0.0.1/8", "127.1.0.1/16"];
    assert_eq!(texts("ipv4_is_in_any_range", &ranges), "True");
    let list = Value::json(Json::parse(r#"["127.0.0.1","172.20.1.1"]"#).unwrap());
    assert_eq!(call("ipv4_is_in_any_range", &[Value::text("1.1.1.1"), list]), Value::Bool(false));
    for (ip, private) in [("10.1.2.3", "True"), ("127.0.0.1", "False"), ("172.31.9.9/16", "True")] {
        assert_eq!(texts("ipv4_is_private", &[ip]), private);
    }
    assert_eq!(texts("ipv4_netmask_suffix", &["10.1.2.3/16"]), "16");
    assert_eq!(texts("ipv4_netmask_suffix", &["10.1.2.3"]), "32");
    assert_eq!(texts("parse_ipv4", &["255.255.255.255/31"]), "4294967294");
    assert_eq!(
        texts("ipv4_range_to_cidr_list", &["10.9.128.0", "10.9.140.255"]),
        r#"["10.9.128.0/21","10.9.136.0/22","10.9.140.0/24"]"#
    );
    assert_eq!(
        texts("ipv4_range_to_cidr_list", &["0.0.0.0", "255.255.255.255"]),
        r#"["0.0.0.0/0"]"#
    );
    let formatted = |ip: &str, prefix: i64| {
        call("format_ipv4_mask", &[Value::text(ip), Value::Long(prefix)]).to_text().to_string()
    };
    assert_eq!(formatted("172.20.1.1", 24), "172.20.1.0/24");
    assert_eq!(formatted("172.20.1.1/24", 32), "172.20.1.0/24");
    assert_eq!(formatted("172.20.1.1/24", -1), "");
    assert_eq!(call("format_ipv4", &[Value::Long(2_886_992_129)]).to_text().as_ref(), "172.20.1.1");
}

#[test]
fn version_6() {
    for (a, b, prefix) in [
        ("172.20.1.1", "172.20.1.0", 31),
        ("172.20.1.1", "172.20.1.255", 24),
        ("fe80::1:2:a90", "fe80::1:2:a91", 127),
        ("fe80::1:2:a90/127", "fe80::1:2:a98", 120),
        ("172.20.1.1/24", "::ffff:ac14:01ff", 127),
        ("::ffff:ac14:0101", "172.20.1.255", 120),
        ("::172.20.1.1/30", "172.20.1.255/24", 127),
    ] {
        let arguments = [Value::text(a), Value::text(b), Value::Long(prefix)];
        assert_eq!(call("ipv6_compare", &arguments), Value::Long(0), "{a} {b}");
        assert_eq!(call("ipv6_is_match", &arguments), Value::Bool(true), "{a} {b}");
    }
    for (ip, canonical) in [
        ("172.20.255.255/24", "0000:0000:0000:0000:0000:ffff:ac14:ff00"),
        ("::172.20.255.255", "0000:0000:0000:0000:0000:ffff:ac14:ffff"),
        ("fe80::1:2:a90/120", "fe80:0000:0000:0000:0000:0001:0002:0a00"),
        ("fe80::g", ""),
    ] {
        assert_eq!(texts("parse_ipv6", &[ip]), canonical);
    }
    let ip = "2001:db8:1:2:3:4:5:6";
    let near = "2001:db8:1:2:3:4:5:0/112";
    let far = "2001:db8:2::/60";
    assert_eq!(texts("ipv6_is_in_range", &[ip, near]), "True");
    assert_eq!(texts("ipv6_is_in_range", &[ip, far]), "False");
    assert_eq!(texts("ipv6_is_in_any_range", &[ip, far, near]), "True");
}

#[test]
fn addresses_in_text() {
    let line = "login of bob from 127.0.0.1 (refused)";
    assert_eq!(texts("has_ipv4", &[line, "127.0.0.1"]), "True");
    assert_eq!(texts("has_ipv4", &["at 127.0.0.256", "127.0.0.256"]), "False");
    assert_eq!(texts("has_ipv4", &["at line 54127.0.0.1", "127.0.0.1"]), "False");
    assert_eq!(texts("has_ipv4", &["from 10.1.1.115", "10.1.1.11"]), "False");
    assert_eq!(texts("has_any_ipv4", &[line, "1.1.1.1", "127.0.0.1"]), "True");
    assert_eq!(texts("has_ipv4_prefix", &[line, "127.0."]), "True");
    assert_eq!(texts("has_ipv4_prefix", &[line, "127.0"]), "False");
    assert_eq!(texts("has_ipv4_prefix", &["127.0.0.256 é", "127.0."]), "False");
    assert_eq!(texts("has_any_ipv4_prefix", &[line, "172.20.", "127."]), "True");
    assert_eq!(texts("has_ipv4_prefix", &["54127.0.0.1", "127."]), "False");
}
