//! Functions that take text apart, on values.

use super::agent_table::{BROWSERS, DEVICES, SYSTEMS};
use crate::functions::{Context, scalar};
use crate::value::{Json, Value};

fn call(name: &str, arguments: &[Value]) -> Value {
    scalar(name).unwrap_or_else(|| panic!("no {name}"))(arguments, &Context { now: 0 })
}

fn t(text: &str) -> Value {
    Value::text(text)
}

fn j(text: &str) -> Value {
    Value::json(Json::parse(text).unwrap_or_else(|| panic!("no JSON: {text}")))
}

const N: Value = Value::Null;

#[test]
fn csv() {
    for (text, expected) in [
        (
            r#"aa,"b,b,b",cc,"a ""b"" c","l1
l2""#,
            r#"["aa","b,b,b","cc","a \"b\" c","l1\nl2"]"#,
        ),
        ("a,b\r\nc", r#"["a","b"]"#),
        (",", r#"["",""]"#),
        ("\"open", r#"["open"]"#),
    ] {
        assert_eq!(call("parse_csv", &[t(text)]), j(expected), "{text}");
    }
}

#[test]
fn command_lines() {
    for (line, expected) in [
        (r#"echo "hello world!""#, r#"["echo","hello world!"]"#),
        (r#""C:\Program Files\a.exe" /x  y"#, r#"["C:\\Program Files\\a.exe","/x","y"]"#),
        (r#"a b\\\"c d\\e "f\\""#, r#"["a","b\\\"c","d\\\\e","f\\"]"#),
        (r#"a "b""c" ''"#, r#"["a","b\"c ''"]"#),
        (r#"a """"#, r#"["a","\""]"#),
        (r#"a "open"#, r#"["a","open"]"#),
        (r#""open"#, r#"["open"]"#),
    ] {
        assert_eq!(call("parse_command_line", &[t(line), t("windows")]), j(expected), "{line}");
    }
    assert_eq!(call("parse_command_line", &[t(""), t("windows")]), N);
    assert_eq!(call("parse_command_line", &[t("a"), t("bash")]), N);
}

#[test]
fn versions() {
    let decimal = |text: &str| Value::Decimal(text.parse().unwrap());
    for (version, expected) in [
        ("0.0.0.5", decimal("5")),
        ("0.0.3", decimal("300000000")),
        ("1.2.3.4", decimal("1000000020000000300000004")),
        ("1", decimal("1000000000000000000000000")),
        ("1.2.3.4.5", N),
        ("1.x", N),
        ("123456789", N),
        ("99999999.0.0.0", N),
    ] {
        assert_eq!(call("parse_version", &[t(version)]), expected, "{version}");
    }
}

#[test]
fn file_paths() {
    for (path, expected) in [
        (r"C:\temp\file.txt", ["", "C:", r"C:\temp", "temp", "file.txt", "txt", ""]),
        (r"temp\file.txt", ["", "", "temp", "temp", "file.txt", "txt", ""]),
        (
            "file://C:/temp/file.txt:some.exe",
            ["file", "C:", "C:/temp", "temp", "file.txt", "txt", "some.exe"],
        ),
        (
            r"\\shared\users\temp\file.txt.gz",
            ["", "", r"\\shared\users\temp", "temp", "file.txt.gz", "gz", ""],
        ),
        ("/usr/lib/temp/file", ["", "", "/usr/lib/temp", "temp", "file", "", ""]),
        (r"\\?\C:\a", ["", "C:", r"\\?\C:", "C:", "a", "", ""]),
        ("file.txt", ["", "", "", "", "file.txt", "txt", ""]),
    ] {
        let names = [
            "Scheme",
            "RootPath",
            "DirectoryPath",
            "DirectoryName",
            "Filename",
            "Extension",
            "AlternateDataStreamName",
        ];
        let members = names.iter().zip(expected);
        let bag = members.map(|(name, value)| ((*name).into(), Json::String(value.into())));
        assert_eq!(call("parse_path", &[t(path)]), Value::json(Json::Bag(bag.collect())), "{path}");
    }
}

#[test]
fn xml() {
    for (document, expected) in [
        ("<e/>", r#"{"e":null}"#),
        ("<e>text</e>", r#"{"e":"text"}"#),
        (r#"<e name="va&lt;ue" />"#, r#"{"e":{"@name":"va<ue"}}"#),
        (r#"<e name='value'>text</e>"#, r##"{"e":{"@name":"value","#text":"text"}}"##),
        ("<e> <a>text</a> <b>text</b> </e>", r#"{"e":{"a":"text","b":"text"}}"#),
        ("<e> <a>1</a> <a>2</a> <a>3</a> </e>", r#"{"e":{"a":["1","2","3"]}}"#),
        ("<e> text <a>text</a> </e>", r##"{"e":{"#text":"text","a":"text"}}"##),
        (
            "<?xml version=\"1.0\"?><!DOCTYPE e [<!ENTITY x 'y'>]><!-- c --><e><![CDATA[<&>]]>\
             &#65;&#x42;</e>",
            r##"{"e":{"#text":["<&>","AB"]}}"##,
        ),
    ] {
        assert_eq!(call("parse_xml", &[t(document)]), j(expected), "{document}");
    }
    for document in [
        "",
        "text",
        "<a>",
        "<a></b>",
        "<a/><b/>",
        "<a b></a>",
        "<a>&nope;</a>",
        "</a>",
        "<",
        "<1/>",
    ] {
        assert_eq!(call("parse_xml", &[t(document)]), N, "{document}");
    }
    assert_eq!(call("parse_xml", &[t(&"<a>".repeat(100_000))]), N);
}

fn agent(text: &str, target: &str) -> Value {
    call("parse_user_agent", &[t(text), t(target)])
}

#[test]
fn user_agents() {
    let air = "Mozilla/5.0 (Windows; U; en-US) AppleWebKit/531.9 AdobeAIR/2.5.1";
    let family = r#"{"Family":"AdobeAIR","MajorVersion":"2","MinorVersion":"5","Patch":"1"}"#;
    assert_eq!(agent(air, "browser"), j(&format!(r#"{{"Browser":{family}}}"#)));
    let nokia = "Mozilla/5.0 (SymbianOS/9.2; U; Series60/3.1 NokiaN81-3/10.0.032 \
                 Profile/MIDP-2.0 Configuration/CLDC-1.1 ) AppleWebKit/413 Safari/4";
    let all = r#"{
        "Browser":{"Family":"Nokia OSS Browser","MajorVersion":"3","MinorVersion":"1","Patch":""},
        "OperatingSystem":{"Family":"Symbian OS","MajorVersion":"9","MinorVersion":"2","Patch":"",
            "PatchMinor":""},
        "Device":{"Family":"Nokia N81","Brand":"Nokia","Model":"N81-3"}}"#;
    let targets = j(r#"["browser","os","device"]"#);
    assert_eq!(call("parse_user_agent", &[t(nokia), targets]), j(all));
    let chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0.0.0 \
                  Safari/537.36";
    for (text, family) in [
        (chrome, "Chrome"),
        (&*format!("{chrome} Edg/120.0.0.0"), "Edge"),
        ("Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko", "IE"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 \
             Version/17.1 Mobile/15E148 Safari/604.1",
            "Mobile Safari",
        ),
        ("nothing known", "Other"),
    ] {
        let Value::Dynamic(parsed) = agent(text, "browser") else { panic!() };
        let found = parsed.member("Browser").and_then(|b| b.member("Family")).cloned();
        assert_eq!(found, Some(Json::String(family.into())), "{text}");
    }
    for (pattern, _) in BROWSERS {
        assert!(regex::Regex::new(pattern).is_ok(), "{pattern}");
    }
    assert!(!SYSTEMS.is_empty() && !DEVICES.is_empty());
}
