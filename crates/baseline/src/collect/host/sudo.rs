//! Who may become the server's account through sudo (sudoers(5)) or doas.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kql::plan::Schema;
use kql::value::Json;

use super::files::names;
use super::stat::{Names, found, text};
use super::{Filled, Host};
use crate::derive::{Given, row};

/// Files that are read.
const FILES_MAX: usize = 500;

/// Programs that make whoever runs them as root any account that they like.
const DOORS: [&str; 15] = [
    "su",
    "runuser",
    "setpriv",
    "sudo",
    "bash",
    "sh",
    "zsh",
    "dash",
    "env",
    "python3",
    "perl",
    "visudo",
    "chroot",
    "nsenter",
    "systemd-run",
];

/// A rule: who may be whom with which commands.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    who: String,
    as_whom: Vec<String>,
    commands: Vec<String>,
    no_password: bool,
}

/// What one text says.
#[derive(Debug, Default)]
struct Sudoers {
    rules: Vec<(usize, Rule)>,
    includes: Vec<(bool, String)>,
    aliases: BTreeMap<String, Vec<String>>,
    /// `Defaults` switch the system's log off, or name a log of their own
    no_syslog: bool,
    own_log: bool,
}

impl Sudoers {
    fn read(&mut self, content: &str) {
        let mut whole = String::new();
        for (n, line) in content.lines().enumerate() {
            if let Some(part) = line.strip_suffix('\\') {
                whole.push_str(part);
                continue;
            }
            whole.push_str(line);
            let line = std::mem::take(&mut whole);
            let line = line.trim();
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["@include" | "#include", path] => self.includes.push((false, path.to_owned())),
                ["@includedir" | "#includedir", path] => {
                    self.includes.push((true, path.to_owned()));
                }
                [] => {}
                // `#1000` is an account by its number.
                [first, ..] => {
                    let digit = first.chars().nth(1).is_some_and(|c| c.is_ascii_digit());
                    if !first.starts_with('#') || digit {
                        self.line(n + 1, line);
                    }
                }
            }
        }
    }

    fn line(&mut self, number: usize, line: &str) {
        let line = line.split(" #").next().unwrap_or(line).trim();
        let (first, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        if first.starts_with("Defaults") {
            for word in rest.split(',').map(str::trim) {
                self.no_syslog |= word == "!syslog";
                self.own_log |= word.starts_with("logfile") || word == "log_output";
            }
            return;
        }
        if first.ends_with("_Alias") {
            for part in rest.split(':') {
                if let Some((name, members)) = part.split_once('=') {
                    let members = members.split(',').map(|member| member.trim().to_owned());
                    self.aliases.insert(name.trim().to_owned(), members.collect());
                }
            }
            return;
        }
        let Some((left, right)) = line.split_once('=') else { return };
        // The last word in front of the sign is the host.
        let users = left.trim().rsplit_once(char::is_whitespace).map_or(left, |(users, _)| users);
        let (as_whom, commands) = match right.trim().strip_prefix('(') {
            Some(rest) => {
                let (whom, commands) = rest.split_once(')').unwrap_or((rest, ""));
                let users = whom.split(':').next().unwrap_or_default();
                (users.split(',').map(|user| user.trim().to_owned()).collect(), commands)
            }
            None => (vec!["root".to_owned()], right),
        };
        let no_password = commands.contains("NOPASSWD:");
        let commands: Vec<String> = commands
            .split(',')
            .map(|command| command.rsplit_once(": ").map_or(command, |(_, command)| command))
            .map(|command| command.trim_start_matches("NOPASSWD:").trim().to_owned())
            .collect();
        for who in users.split(',').map(str::trim) {
            let (who, as_whom, commands) = (who.to_owned(), as_whom.clone(), commands.clone());
            self.rules.push((number, Rule { who, as_whom, commands, no_password }));
        }
    }

    fn spelled(&self, words: &[String], depth: usize) -> Vec<String> {
        let spelled = words.iter().flat_map(|word| match self.aliases.get(word) {
            Some(members) if depth > 0 => self.spelled(members, depth - 1),
            _ => vec![word.clone()],
        });
        spelled.collect()
    }

    /// How a rule reaches an account; none where it does not.
    fn reaches(&self, rule: &Rule, account: &str, uid: u32) -> Option<&'static str> {
        let (whom, commands) = (self.spelled(&rule.as_whom, 8), self.spelled(&rule.commands, 8));
        let is = |name: &str| whom.iter().any(|known| known == name);
        if is(&format!("!{account}")) {
            return None;
        }
        if is(account) || is(&format!("#{uid}")) {
            return Some("as the account");
        }
        let any = commands.iter().any(|command| command == "ALL");
        let door = commands.iter().any(|command| {
            let program = command.split_whitespace().next().unwrap_or_default();
            DOORS.contains(&program.rsplit('/').next().unwrap_or_default())
        });
        let root = is("root") || is("ALL") || is("#0") || is("");
        (root && (any || door)).then_some("as root")
    }
}

/// `Sudo`: each rule that lets somebody become the server's account, and one row of the whole.
pub(super) fn sudo(host: &Host, _: &Given<'_>, schema: &Schema) -> Filled {
    let mut filled = Filled::default();
    let (uid, _) = match host.account() {
        Ok(account) => account,
        Err(error) => {
            filled.lack(host.pgdata(), &error);
            return filled;
        }
    };
    let names_of = Names::of(host);
    if names_of.known(uid).is_none() {
        let what = format!("account {uid} of the server has no name there");
        filled.lack(Path::new("/etc/passwd"), &std::io::Error::other(what));
    }
    let account = names_of.user(uid);
    match found(host.text("/etc/nsswitch.conf")) {
        Ok(switch) => {
            let switch = switch.unwrap_or_default();
            let sources = switch.lines().find_map(|line| line.trim().strip_prefix("sudoers:"));
            if sources.is_some_and(|sources| sources.contains("ldap") || sources.contains("sss")) {
                let what = "a directory service has rules of sudo too";
                filled.lack(Path::new("/etc/nsswitch.conf"), &std::io::Error::other(what));
            }
        }
        Err(error) => filled.lack(Path::new("/etc/nsswitch.conf"), &error),
    }
    let mut sudoers = Sudoers::default();
    let mut open = vec![PathBuf::from("/etc/sudoers")];
    let (mut n_files, mut rules) = (0, Vec::new());
    while let Some(path) = open.pop() {
        n_files += 1;
        if n_files > FILES_MAX {
            let error = std::io::Error::other(format!("more than {FILES_MAX} files"));
            filled.lack(&path, &error);
            break;
        }
        match found(host.text(&path)) {
            Ok(Some(content)) => sudoers.read(&content),
            Ok(None) => continue,
            Err(error) => filled.lack(&path, &error),
        }
        let found = std::mem::take(&mut sudoers.rules);
        rules.extend(found.into_iter().map(|(line, rule)| (path.clone(), line, rule)));
        for (is_folder, target) in std::mem::take(&mut sudoers.includes) {
            let target = Path::new("/etc").join(target.trim_matches('"'));
            if !is_folder {
                open.push(target);
                continue;
            }
            match names(host, &target) {
                // sudo leaves out names with a dot or a tilde at the end.
                Ok(names) => {
                    let used = |name: &&String| !name.contains('.') && !name.ends_with('~');
                    open.extend(names.iter().filter(used).map(|name| target.join(name)));
                }
                Err(error) => filled.lack(&target, &error),
            }
        }
    }
    let logged = !sudoers.no_syslog || sudoers.own_log;
    let mut push = |who: &str, how: &str, file: &Path, line: usize, free: bool| {
        let cells = [
            ("who", text(who)),
            ("how", text(how)),
            ("file", text(file.display().to_string())),
            ("line", super::stat::number(line as u64)),
            ("no_password", Json::Bool(free)),
            ("logged", Json::Bool(logged)),
        ];
        filled.rows.push(row(schema, &cells));
    };
    for (path, line, rule) in &rules {
        let Some(how) = sudoers.reaches(rule, &account, uid) else { continue };
        for who in sudoers.spelled(std::slice::from_ref(&rule.who), 8) {
            if who != "root" && who != account && !who.starts_with('!') {
                push(&who, how, path, *line, rule.no_password);
            }
        }
    }
    push("", "", Path::new(""), rules.len(), false);
    if let Some(doas) = doas(host, &mut filled) {
        for (line, who, whom, free) in doas {
            if whom.is_empty() || whom == "root" || whom == account {
                let cells = [
                    ("who", text(who)),
                    ("how", text(if whom == account { "as the account" } else { "as root" })),
                    ("file", text("/etc/doas.conf")),
                    ("line", super::stat::number(line as u64)),
                    ("no_password", Json::Bool(free)),
                    ("logged", Json::Bool(true)),
                ];
                filled.rows.push(row(schema, &cells));
            }
        }
    }
    filled
}

/// Rules of doas.conf(5) that permit: line, who, as whom (empty: anyone), without a password.
fn doas(host: &Host, filled: &mut Filled) -> Option<Vec<(usize, String, String, bool)>> {
    let path = Path::new("/etc/doas.conf");
    let content = match found(host.text(path)) {
        Ok(content) => content?,
        Err(error) => {
            filled.lack(path, &error);
            return None;
        }
    };
    let rules = content.lines().enumerate().filter_map(|(n, line)| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (first, rest) = words.split_first()?;
        let options = ["nopass", "nolog", "persist", "keepenv"];
        let who = rest.iter().find(|word| !options.contains(*word))?;
        let whom = rest.iter().position(|word| *word == "as").and_then(|at| rest.get(at + 1));
        let whom = whom.map_or_else(String::new, |whom| (*whom).to_owned());
        let is_rule = *first == "permit" && *who != "root" && !rest.contains(&"cmd");
        is_rule.then(|| (n + 1, (*who).to_owned(), whom, rest.contains(&"nopass")))
    });
    Some(rules.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(content: &str) -> Vec<(String, &'static str)> {
        let mut sudoers = Sudoers::default();
        sudoers.read(content);
        let rules = sudoers.rules.iter().filter_map(|(_, rule)| {
            Some((rule.who.clone(), sudoers.reaches(rule, "postgres", 26)?))
        });
        rules.collect()
    }

    #[test]
    fn rules_that_reach_the_account() {
        let content = "Defaults env_reset\nroot ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\n\
                       dba ALL=(postgres) NOPASSWD: /usr/bin/psql\nweb ALL=(root) /usr/bin/apt\n\
                       ops ALL=NOPASSWD: /bin/su - postgres\n#26 ALL=(ALL) ALL # x\n\
                       Runas_Alias DB = postgres, barman\nlead ALL=(DB) ALL\n\
                       most ALL=(ALL, !postgres) ALL\n# dba2 ALL=(postgres) ALL\n";
        let wanted = [
            ("root", "as root"),
            ("%sudo", "as root"),
            ("dba", "as the account"),
            ("ops", "as root"),
            ("#26", "as root"),
            ("lead", "as the account"),
        ];
        let wanted = wanted.map(|(who, how)| (who.to_owned(), how));
        assert_eq!(who(content), wanted);
    }

    #[test]
    fn the_log_of_sudo() {
        let mut sudoers = Sudoers::default();
        sudoers.read("Defaults !syslog, env_reset\n");
        assert!(sudoers.no_syslog && !sudoers.own_log);
        sudoers.read("Defaults logfile=/var/log/sudo\n");
        assert!(sudoers.own_log);
    }
}
