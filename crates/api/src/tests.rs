//! The page escapes, the guard refuses.

use crate::guard::is_local;
use crate::page::render;
use crate::{ServerLine, Snapshot};

#[test]
fn escapes_what_comes_from_elsewhere() {
    let reason = "<script>alert(\"1\")</script> & 'x'".to_owned();
    let server = ServerLine { name: "demo".into(), state: "Stopped".into(), reason, port: 5432 };
    let page = render(&Snapshot { servers: vec![server], ..Snapshot::default() });
    assert!(!page.contains("<script"), "{page}");
    assert!(page.contains("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;"));
}

#[test]
fn says_so_when_there_is_no_server() {
    assert!(render(&Snapshot::default()).contains("There is no server"));
}

#[test]
fn only_local_names_pass() {
    for good in ["localhost", "localhost:8443", "127.0.0.1:1", "[::1]", "[::1]:8443"] {
        assert!(is_local(good), "{good}");
    }
    for bad in ["", "example.org", "localhost.example.org:8443", "127.0.0.1.example.org", "a:b"] {
        assert!(!is_local(bad), "{bad}");
    }
}
