//! "Did you mean": names that look like one that does not exist.

const N_SUGGESTIONS: usize = 3;

/// The names nearest to `wanted`, best first, at most three.
pub(crate) fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let limit = (wanted.len() / 3).clamp(1, 4);
    let mut found: Vec<(usize, &str)> = names
        .into_iter()
        .filter_map(|name| {
            let apart = distance(wanted, name);
            let part = wanted.len() >= 4 && name.contains(wanted);
            (apart <= limit || part).then_some((apart, name))
        })
        .collect();
    found.sort_unstable();
    found.into_iter().take(N_SUGGESTIONS).map(|(_, name)| name.to_owned()).collect()
}

/// How many letters have to be added, removed or changed (Levenshtein distance).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in other.iter().enumerate() {
            let changed = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn counts_letters() {
        for (one, other, apart) in
            [("", "", 0), ("a", "", 1), ("abc", "abd", 1), ("wrk", "work", 1)]
        {
            assert_eq!(distance(one, other), apart);
        }
    }

    #[test]
    fn finds_what_was_meant() {
        let names = ["work_mem", "shared_buffers", "autovacuum_work_mem", "port"];
        assert_eq!(nearest("wrok_mem", names), ["work_mem"]);
        assert_eq!(nearest("work_mem", names), ["work_mem", "autovacuum_work_mem"]);
        assert!(nearest("entirely_different", names).is_empty());
    }
}
