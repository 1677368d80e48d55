//! Changes of single lines of `pg_hba.conf`, which leave all else as it is.
//!
//! After section "The pg_hba.conf File" of PostgreSQL's manual: fields are divided by blanks, lists
//! within a field by commas, a quote keeps blanks together, `#` begins a comment, and a backslash
//! at the end of a line joins it with the next one (from PostgreSQL 14 on).

use std::net::IpAddr;
use std::ops::Range;

use base::Fault;

use super::plan::Edit;

/// The text with the changes made.
///
/// # Errors
/// A line is not there, or not one that can be changed alone.
pub(super) fn edited(text: &str, edits: &[&Edit]) -> Result<String, Fault> {
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    // From the end on, so that numbers of lines hold.
    let mut edits: Vec<&Edit> = edits.to_vec();
    let place = |edit: &Edit| if edit.line == 0 { i64::MAX } else { edit.line };
    edits.sort_by_key(|edit| std::cmp::Reverse(place(edit)));
    for edit in edits {
        if edit.line == 0 {
            let Some(line) = &edit.insert else { continue };
            if let Some(last) = lines.last_mut().filter(|last| !last.ends_with('\n')) {
                last.push_str(newline);
            }
            lines.push(format!("{line}{newline}"));
            continue;
        }
        let at = usize::try_from(edit.line - 1).unwrap_or(usize::MAX);
        let Some(line) = lines.get(at) else {
            return Err(odd(edit, "it has no such line"));
        };
        if edit.remove {
            single(&lines, at, edit)?;
            lines.remove(at);
        } else if edit.connection.is_some() || edit.method.is_some() || edit.option.is_some() {
            single(&lines, at, edit)?;
            lines[at] = changed(line, edit)?;
        }
        if let Some(line) = &edit.insert {
            lines.insert(at, format!("{line}{newline}"));
        }
    }
    Ok(lines.concat())
}

fn odd(edit: &Edit, what: &str) -> Fault {
    Fault::new("odd_line", format!("line {} of {} cannot be changed", edit.line, edit.file))
        .detail(what)
        .hint("change it by hand; nothing was changed")
}

/// A line that is joined with none before or behind it.
fn single(lines: &[String], at: usize, edit: &Edit) -> Result<(), Fault> {
    let goes_on = |line: &String| line.trim_end_matches(['\r', '\n']).ends_with('\\');
    if goes_on(&lines[at]) || at.checked_sub(1).is_some_and(|before| goes_on(&lines[before])) {
        return Err(odd(edit, "it is one of several that a backslash joins"));
    }
    Ok(())
}

fn changed(line: &str, edit: &Edit) -> Result<String, Fault> {
    let fields = fields(line);
    let text = |at: usize| fields.get(at).map(|range| &line[range.clone()]);
    let method = match text(0) {
        Some("local") => 3,
        Some(_) => {
            let address = text(3).unwrap_or_default();
            if address.trim_matches('"').parse::<IpAddr>().is_ok() { 5 } else { 4 }
        }
        None => return Err(odd(edit, "it is empty")),
    };
    if fields.len() <= method {
        return Err(odd(edit, "it has too few fields"));
    }
    let mut changes: Vec<(Range<usize>, String)> = Vec::new();
    if let Some(connection) = &edit.connection {
        changes.push((fields[0].clone(), connection.clone()));
    }
    if let Some(new) = &edit.method {
        changes.push((fields[method].clone(), new.clone()));
    }
    if let Some(option) = &edit.option {
        let name = option.split_once('=').map_or(option.as_str(), |(name, _)| name);
        let is_same = |range: &&Range<usize>| {
            let known = line[(*range).clone()].trim_matches('"');
            known.split_once('=').is_some_and(|(known, _)| known == name)
        };
        match fields[method + 1..].iter().find(is_same) {
            Some(range) => changes.push((range.clone(), option.clone())),
            None => {
                let end = fields.last().map_or(0, |range| range.end);
                changes.push((end..end, format!(" {option}")));
            }
        }
    }
    changes.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    let mut line = line.to_owned();
    for (range, text) in changes {
        line.replace_range(range, &text);
    }
    Ok(line)
}

/// Where the fields of a line are.
fn fields(line: &str) -> Vec<Range<usize>> {
    let mut all = Vec::new();
    let mut start: Option<usize> = None;
    let (mut is_quoted, mut after_comma) = (false, false);
    for (at, c) in line.char_indices() {
        let is_blank = c.is_ascii_whitespace();
        if is_quoted {
            is_quoted = c != '"';
            continue;
        }
        match c {
            '#' => {
                all.extend(start.take().map(|start| start..at));
                return all;
            }
            _ if is_blank && after_comma && start.is_some() => {}
            _ if is_blank => all.extend(start.take().map(|start| start..at)),
            _ => {
                start.get_or_insert(at);
                is_quoted = c == '"';
                after_comma = c == ',';
            }
        }
    }
    all.extend(start.map(|start| start..line.len()));
    all.into_iter()
        .map(|range| range.start..range.start + line[range.clone()].trim_end().len())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(line: i64) -> Edit {
        let file = "pg_hba.conf".to_owned();
        let what = String::new();
        let (connection, method, option, insert) = (None, None, None, None);
        Edit { file, line, connection, method, option, remove: false, insert, what }
    }

    #[test]
    fn one_line_changes_and_all_else_stays() {
        let text = "# top\nlocal  all\tall   trust # why\n\
                    host a, b \"x y\" 10.0.0.0 255.0.0.0 md5 map=m\n\
                    host all all samenet password";
        let method = |line, method: &str| Edit { method: Some(method.to_owned()), ..edit(line) };
        let check = |edits: &[&Edit], expected: &str| {
            assert_eq!(edited(text, edits).expect("it can be changed"), expected);
        };
        check(&[&method(2, "peer")], &text.replace("trust", "peer"));
        check(&[&method(3, "scram-sha-256")], &text.replace("md5", "scram-sha-256"));
        check(&[&method(4, "reject")], &text.replace("password", "reject"));
        let tls = Edit { connection: Some("hostssl".to_owned()), ..edit(4) };
        check(
            &[&tls, &method(3, "x")],
            &text.replace("host all", "hostssl all").replace("md5", "x"),
        );
        let option = |option: &str| Edit { option: Some(option.to_owned()), ..edit(3) };
        check(&[&option("map=n")], &text.replace("map=m", "map=n"));
        check(
            &[&option("clientcert=verify-full")],
            &text.replace("map=m", "map=m clientcert=verify-full"),
        );
        let gone = Edit { remove: true, ..edit(2) };
        check(&[&gone], &text.replace("local  all\tall   trust # why\n", ""));
        let first = Edit { insert: Some("new".to_owned()), ..edit(1) };
        let last = Edit { insert: Some("end".to_owned()), ..edit(0) };
        check(&[&first, &last], &format!("new\n{text}\nend\n"));
    }

    #[test]
    fn what_cannot_be_changed_alone_is_refused() {
        let method = |line| Edit { method: Some("peer".to_owned()), ..edit(line) };
        for (text, line) in [
            ("local all all \\\n trust\n", 1),
            ("local all all \\\n trust\n", 2),
            ("local\n", 1),
            ("", 1),
        ] {
            assert!(edited(text, &[&method(line)]).is_err(), "{text:?}");
        }
    }
}
