//! Answers, on files made up here, and on those that are really inside.

use std::borrow::Cow;

use super::{Answer, File, Stored, respond};

fn files(name: &str) -> Option<Stored> {
    let bytes: &'static [u8] = match name {
        "index.html" => b"<html>",
        "index.html.gz" => b"gz",
        "favicon.svg" => b"<svg>",
        ".gitkeep" => b"hidden",
        "assets/a-1.js" => b"script",
        "assets/a-1.js.br" => b"br",
        "assets/a-1.js.gz" => b"gz",
        _ => return None,
    };
    let mut sha256 = [0; 32];
    sha256[0] = bytes.len().try_into().unwrap();
    sha256[1] = bytes[0];
    Some(Stored { body: Cow::Borrowed(bytes), sha256 })
}

fn ask(path: &str, accept: &str) -> File {
    match respond(&files, path, accept, None) {
        Answer::File(file) => file,
        other => panic!("{path}: {other:?}"),
    }
}

#[test]
fn a_file_comes_in_the_smallest_encoding_taken() {
    let file = ask("/assets/a-1.js", "gzip, br");
    assert_eq!((&*file.body, file.content_encoding), (&b"br"[..], Some("br")));
    assert_eq!(file.content_type, "text/javascript; charset=utf-8");
    assert!(file.cache_control.contains("immutable"));
    let gzip = ask("/assets/a-1.js", "gzip");
    assert_eq!((&*gzip.body, gzip.content_encoding), (&b"gz"[..], Some("gzip")));
    let plain = ask("/assets/a-1.js", "br;q=0");
    assert_eq!((&*plain.body, plain.content_encoding), (&b"script"[..], None));
    assert!(file.etag != gzip.etag && gzip.etag != plain.etag, "a tag names bytes");
}

#[test]
fn every_other_path_is_the_portals_page() {
    for path in ["/", "/servers/demo", "/keyvaults/a/keys/b.c", "/../x", "/.gitkeep", "/x.gz"] {
        let file = ask(path, "br");
        assert_eq!(&*file.body, b"<html>", "{path}");
        assert_eq!(file.cache_control, "no-cache", "{path}");
    }
    assert_eq!(ask("/favicon.svg", "").content_type, "image/svg+xml");
}

#[test]
fn a_script_of_another_build_is_not_found() {
    for path in ["/assets/b-2.js", "/assets/a-1.js.br", "/assets/"] {
        assert_eq!(respond(&files, path, "br", None), Answer::NotFound, "{path}");
    }
}

#[test]
fn what_the_client_has_is_not_sent_again() {
    let etag = ask("/", "").etag;
    for known in [etag.clone(), format!("\"x\", W/{etag}"), "*".to_owned()] {
        let answer = respond(&files, "/", "", Some(&known));
        let want = Answer::NotModified { etag: etag.clone(), cache_control: "no-cache" };
        assert_eq!(answer, want, "{known}");
    }
    assert!(matches!(respond(&files, "/", "", Some("\"x\"")), Answer::File(_)));
}

#[test]
fn without_a_build_one_page_says_how() {
    for path in ["/", "/servers"] {
        let Answer::File(file) = respond(&|_| None, path, "br", None) else { panic!("{path}") };
        let text = std::str::from_utf8(&file.body).unwrap();
        assert!(text.contains("cargo xtask build"), "{text}");
        assert!(!text.contains("<script"), "{text}");
        assert_eq!(file.content_type, "text/html; charset=utf-8");
    }
    assert_eq!(respond(&|_| None, "/assets/a.js", "", None), Answer::NotFound);
}

#[test]
fn what_is_inside_answers() {
    let Answer::File(file) = super::answer("/", "", None) else { panic!("no page") };
    let text = std::str::from_utf8(&file.body).unwrap();
    assert_eq!(super::is_built(), !text.contains("has no portal in it"));
}
