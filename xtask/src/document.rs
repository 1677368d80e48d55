//! Results in documents: each measurement has its place between two marker comments.

use std::path::Path;

use crate::failure::{Doing, Failure, Outcome};

/// Puts `section` between the markers named `name` of a document; the rest stays as it is.
pub(crate) fn replace(document: &Path, name: &str, section: &str) -> Outcome {
    let reading = || format!("read \"{}\"", document.display());
    let text = std::fs::read_to_string(document).doing(reading)?;
    let new = between(&text, name, section).ok_or_else(|| {
        Failure::new(format!("\"{}\" has no place for {name}", document.display()))
            .hint(format!("put back the lines <!-- {name}:begin --> and <!-- {name}:end -->"))
    })?;
    std::fs::write(document, new).doing(|| format!("write \"{}\"", document.display()))
}

fn between(text: &str, name: &str, section: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- {name}:begin -->"), format!("<!-- {name}:end -->"));
    let (before, rest) = text.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n{}\n{end}{after}", section.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::between;

    #[test]
    fn replaces_only_its_place() {
        let text = "a\n<!-- x:begin -->\nold\n<!-- x:end -->\nb\n";
        let want = "a\n<!-- x:begin -->\nnew\n<!-- x:end -->\nb\n";
        assert_eq!(between(text, "x", "new\n").as_deref(), Some(want));
        assert_eq!(between(want, "x", "new").as_deref(), Some(want));
        assert_eq!(between(text, "y", "new"), None);
    }
}
