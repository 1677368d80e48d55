//! What is read from a text and its defaults, and what is refused.

use std::path::PathBuf;

use base::Secret;

use super::{Defaults, Dsn};

fn named() -> Defaults {
    Defaults { user: Some("me".to_owned()), ..Defaults::default() }
}

#[test]
fn a_place_is_one_server_on_the_network() {
    for (text, place) in [
        ("", None),
        ("host=/run/pg", None),
        ("host=a,b", None),
        ("host=h port=6000", Some(("h", 6000))),
        ("host=h hostaddr=127.0.0.1", Some(("127.0.0.1", 5432))),
        ("postgresql://[::1]/d", Some(("::1", 5432))),
    ] {
        let dsn = Dsn::parse(text, named()).unwrap_or_else(|e| panic!("{text}: {e}"));
        let found = dsn.place();
        assert_eq!(found.as_ref().map(|(host, port)| (host.as_str(), *port)), place, "{text}");
    }
}

#[test]
fn labels_say_where_and_who() {
    for (text, label) in [
        ("", "/var/run/postgresql:5432/me as me"),
        ("host=h user=u", "h:5432/u as u"),
        ("host=h dbname=d password=hunter2 user=u user=v", "h:5432/d as v"),
        ("host=/run/pg port=6000", "/run/pg:6000/me as me"),
        ("host=a,b port=1,", "a:1,b:5432/me as me"),
        ("host=a,b port=7", "a:7,b:7/me as me"),
        ("host=a, port=7", "a:7,/var/run/postgresql:7/me as me"),
        ("hostaddr=127.0.0.1", "127.0.0.1:5432/me as me"),
        ("host=a,b hostaddr=::1,127.0.0.1", "a:5432,b:5432/me as me"),
        ("postgres://u:hunter2@[::1]:7/d", "[::1]:7/d as u"),
        ("postgresql://u%40corp@%2Frun%2Fpg/d", "/run/pg:5432/d as u@corp"),
        ("postgresql:///d?host=h&user=a@b", "h:5432/d as a@b"),
        ("postgresql://a:1,b/d?target_session_attrs=any", "a:1,b:5432/d as me"),
    ] {
        let dsn = Dsn::parse(text, named()).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(dsn.label(), label, "{text}");
        assert_eq!(format!("{dsn:?}"), format!("Dsn({label})"));
    }
}

#[test]
fn connecting_can_move_between_threads() {
    fn moves<T: Send>(_: &T) {}
    let dsn = Dsn::parse("", named()).expect("nothing is wrong with it");
    moves(&dsn.connect(None));
}

#[test]
fn defaults_count_where_the_text_says_nothing() {
    let defaults = || Defaults {
        user: Some("u".to_owned()),
        database: Some("d".to_owned()),
        host: Some("h".to_owned()),
        port: Some("7".to_owned()),
        password: Some(Secret::new("hunter2".to_owned())),
        ssl_mode: Some("verify-full".to_owned()),
        ssl_root_certificate: Some("system".to_owned()),
        passfile: Some(PathBuf::from("/pass")),
        ..Defaults::default()
    };
    let dsn = Dsn::parse("", defaults()).unwrap();
    assert_eq!(dsn.label(), "h:7/d as u");
    assert_eq!(dsn.password.as_ref().unwrap().expose(), "hunter2");
    let text = "user=v dbname=e host=i port=8 password=other passfile=/own sslmode=disable";
    let dsn = Dsn::parse(text, defaults()).unwrap();
    assert_eq!(dsn.label(), "i:8/e as v");
    assert_eq!(dsn.password.as_ref().unwrap().expose(), "other");
    assert_eq!(dsn.passfile.as_deref(), Some(std::path::Path::new("/own")));
    // An address in the text is where to go, whatever the environment says.
    assert_eq!(Dsn::parse("hostaddr=::1", defaults()).unwrap().label(), "[::1]:7/d as u");
}

#[test]
fn refusals_help_and_repeat_nothing() {
    for (text, reason, hint) in [
        ("hunter2=1", "parameter 1 is not known", "single quotes"),
        ("host=h ssslmode=require", "parameter 2 is not known", "did you mean sslmode"),
        ("password=a hunter2=b", "parameter 2 is not known", "quotes"),
        ("service=hunter2", "service is not supported", "stands for"),
        ("sslmode=hunter2", "sslmode is not known", "verify-full"),
        ("sslmode=verify-ca", "needs sslrootcert", "sslrootcert=system"),
        ("sslmode=require sslrootcert=system", "too weak", "verify-full"),
        ("sslcert=/c", "belong together", "sslkey"),
        ("sslnegotiation=direct", "sslnegotiation is not supported", "postgres"),
        ("gssencmode=require", "gssencmode is not supported", "disable"),
        ("require_auth=none", "require_auth is not supported", "leave it out"),
        ("ssl_min_protocol_version=TLSv1.3", "is not supported", "TLSv1.2"),
        ("connect_timeout=hunter2", "connect_timeout", "manual"),
        ("target_session_attrs=hunter2", "target_session_attrs", "manual"),
        ("port=hunter2", "port is not a number", "65535"),
        ("port=0", "port is not a number", "65535"),
        ("port=1,2 host=a,b,c", "another number", "each host"),
        ("host=a,b hostaddr=::1", "another number", "each host"),
        ("hostaddr=hunter2", "hostaddr is not an address", "host instead"),
        ("host=hunter2@h", "not a name", "%40"),
        ("host=a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a", "too many hosts", "16"),
        ("user='hunter2\n'", "control character", "leave"),
        ("postgresql://u:hunter2/d", "port is not a number", "%40"),
        ("postgresql://h?x=hunter2&user=a@b", "parameter 1 is not known", ""),
    ] {
        let fault = Dsn::parse(text, named()).expect_err(text).fault();
        assert_eq!((fault.code.as_str(), fault.exit), ("connection_string", base::ExitCode::Usage));
        let shown = format!("{fault:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(fault.message.contains(reason), "{text}: {shown}");
        assert!(fault.hint.as_ref().is_some_and(|text| text.contains(hint)), "{text}: {shown}");
    }
}
