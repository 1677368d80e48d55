//! One test runs all samples; others hold the lists of files to the folders.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use siem::{Library, parser_files};

use super::render::render;

pub(crate) fn content() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content")
}

pub(crate) fn stems(folder: &str, ending: &str) -> BTreeSet<String> {
    let paths = std::fs::read_dir(content().join(folder)).unwrap().map(|e| e.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|e| e == ending))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect()
}

#[test]
fn samples_give_the_expected_rows() {
    for (parser, _) in parser_files() {
        let folder = content().join("parsers").join(parser);
        let mut n_samples = 0;
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.to_str().unwrap().ends_with(".rows.json") {
                continue;
            }
            n_samples += 1;
            let text = std::fs::read_to_string(path.with_extension("rows.json")).unwrap();
            let expected: serde_json::Value = serde_json::from_str(&text).unwrap();
            let prefix = expected["log_line_prefix"].as_str();
            let got = render(parser, prefix, &std::fs::read(&path).unwrap()).unwrap();
            let got: serde_json::Value = serde_json::from_str(&got).unwrap();
            assert_eq!(got, expected, "{}", path.display());
        }
        assert!(n_samples > 0, "{parser} has no sample");
    }
}

#[test]
fn a_column_that_does_not_exist_is_refused() {
    let library = Library::new().unwrap();
    let file = |column: &str| {
        format!(
            "description = \"x\"\nformat = \"json\"\n[[row]]\ntable = \"PGSQLServerLogs\"\n\
             columns = {{ {column} }}\n"
        )
    };
    let compile = |column| library.compile("x", &file(column), &Default::default());
    assert!(compile("Message = \"m\"").is_ok());
    assert!(compile("Massage = \"m\"").is_err());
    assert!(compile("Message = { field = \"m\", read = \"stamp\" }").is_err());
    let rows = "description = \"x\"\nformat = \"json\"\ninclude = ";
    assert!(library.compile("x", &format!("{rows}\"postgresql\""), &Default::default()).is_ok());
    assert!(library.compile("x", &format!("{rows}\"oracle\""), &Default::default()).is_err());
    assert!(
        library.compile("x", "description = \"\"\nformat = \"json\"", &Default::default()).is_err()
    );
    assert!(compile("ProcessId = { value = \"many\" }").is_err());
}
