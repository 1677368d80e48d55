//! Which passwords are taken: long ones that are on no list. NIST SP 800-63B-4, 3.1.1.2: no rules
//! about kinds of characters, no expiry.

use base::{ExitCode, Fault};

/// Fewest characters.
pub(super) const CHARS_MIN: usize = 12;

/// Passwords of twelve characters and more that everybody tries first.
const COMMON: &str = include_str!("../../../../content/access/common-passwords.txt");

/// Refuses a password that others would guess.
pub(super) fn check(name: &str, password: &str) -> Result<(), Fault> {
    let refused = |detail: &str| {
        Err(Fault::new("weak_password", "this password is not taken")
            .detail(detail)
            .hint("take several words that do not belong together, or let a program make one")
            .exit(ExitCode::Usage))
    };
    if password.len() > crypto::MAX_PASSPHRASE_BYTES {
        return refused("it has more than 1024 bytes");
    }
    let chars: Vec<char> = password.chars().collect();
    if chars.len() < CHARS_MIN {
        return refused("it has less than 12 characters");
    }
    let lower = password.to_lowercase();
    let bare: String = lower.chars().filter(|c| c.is_alphanumeric()).collect();
    if COMMON.lines().any(|common| common == lower || common == bare) {
        return refused("it is one of those that are tried first");
    }
    let mut kinds = chars.clone();
    kinds.sort_unstable();
    kinds.dedup();
    if kinds.len() < 5 {
        return refused("it consists of very few different characters");
    }
    let steps = chars.windows(2).filter(|pair| (pair[0] as u32).abs_diff(pair[1] as u32) <= 1);
    if steps.count() * 4 >= (chars.len() - 1) * 3 {
        return refused("its characters follow each other");
    }
    let around = bare.replace(&name.to_lowercase(), "").replace("pgkeep", "");
    if around.len() * 2 < bare.len() {
        return refused("it is little more than the user's or the product's name");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn long_and_unlike_others() {
        for good in ["horse battery staple", "ünïcödé wörds 7", "kV8-1pQz.Tt_40"] {
            assert!(check("anna", good).is_ok(), "{good}");
        }
        let long = "ab1 ".repeat(300);
        for bad in [
            "",
            "elevenchars",
            "aaaaaaaaaaaaaaaa",
            "abababababababab",
            "123456789012",
            "abcdefghijklmnop",
            "Password1234",
            "password-1234",
            "annaannaanna1",
            "pgkeep-anna-1",
            &long,
        ] {
            assert!(check("anna", bad).is_err(), "{bad}");
        }
    }
}
