//! What differs between two texts, line by line.

/// Longer texts are compared as wholes: the table of a comparison grows with both.
const LINES_MAX: usize = 2000;

/// The lines that go (`-`) and come (`+`), in the order of the texts.
pub fn lines(old: &str, new: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[same..], &new[same..]);
    if old.len() > LINES_MAX || new.len() > LINES_MAX {
        let gone = old.iter().map(|line| format!("-{line}"));
        return gone.chain(new.iter().map(|line| format!("+{line}"))).collect();
    }
    // length[i][j]: the longest common subsequence of old[i..] and new[j..].
    let width = new.len() + 1;
    let mut length = vec![0_u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            length[i * width + j] = match old[i] == new[j] {
                true => length[(i + 1) * width + j + 1] + 1,
                false => length[(i + 1) * width + j].max(length[i * width + j + 1]),
            };
        }
    }
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        let both = i < old.len() && j < new.len();
        if both && old[i] == new[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || both && length[(i + 1) * width + j] >= length[i * width + j + 1]
        {
            out.push(format!("-{}", old[i]));
            i += 1;
        } else {
            out.push(format!("+{}", new[j]));
            j += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn tells_what_goes_and_what_comes() {
        assert_eq!(lines("a\nb\nc", "a\nx\nc\nd"), ["-b", "+x", "+d"]);
        assert!(lines("a\nb", "a\nb\n").is_empty());
        assert_eq!(lines("", "a"), ["+a"]);
        assert_eq!(lines("a", ""), ["-a"]);
    }
}
