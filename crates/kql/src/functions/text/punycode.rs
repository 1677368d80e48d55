//! Punycode (RFC 3492), of text and of the labels of a domain.

use crate::functions::Table;
use crate::functions::arguments::text;
use crate::value::Value;

pub(super) const TABLE: Table = &[
    ("punycode_from_string", |a, _| Value::text(encode(&text(a, 0)).unwrap_or_default())),
    ("punycode_to_string", |a, _| Value::text(decode(&text(a, 0)).unwrap_or_default())),
    ("punycode_domain_from_string", |a, _| {
        Value::text(labels(&text(a, 0), decode_label).unwrap_or_default())
    }),
    ("punycode_domain_to_string", |a, _| {
        Value::text(labels(&text(a, 0), encode_label).unwrap_or_default())
    }),
];

const BASE: u32 = 36;
const LENGTH_MAX: usize = 4096;

/// Adapts the bias (RFC 3492 section 6.1).
fn adapt(delta: u32, points: u32, first: bool) -> u32 {
    let mut delta = if first { delta / 700 } else { delta / 2 };
    delta += delta / points;
    let mut k = 0;
    while delta > 455 {
        delta /= BASE - 1;
        k += BASE;
    }
    k + (BASE - 1 + 1) * delta / (delta + 38)
}

fn threshold(k: u32, bias: u32) -> u32 {
    k.saturating_sub(bias).clamp(1, 26)
}

fn digit(value: u32) -> Option<char> {
    char::from_digit(value, 36).map(|_| match value {
        0..26 => char::from(b'a' + value as u8),
        _ => char::from(b'0' + (value - 26) as u8),
    })
}

fn encode(source: &str) -> Option<String> {
    if source.len() > LENGTH_MAX {
        return None;
    }
    let points: Vec<u32> = source.chars().map(u32::from).collect();
    let mut out: String = source.chars().filter(char::is_ascii).collect();
    let basic = u32::try_from(out.len()).ok()?;
    if basic > 0 {
        out.push('-');
    }
    let (mut n, mut delta, mut bias, mut handled) = (128_u32, 0_u32, 72_u32, basic);
    while (handled as usize) < points.len() {
        let next = points.iter().copied().filter(|p| *p >= n).min()?;
        delta = delta.checked_add((next - n).checked_mul(handled + 1)?)?;
        n = next;
        for point in &points {
            if *point < n {
                delta = delta.checked_add(1)?;
            }
            if *point == n {
                let mut q = delta;
                let mut k = BASE;
                loop {
                    let t = threshold(k, bias);
                    if q < t {
                        break;
                    }
                    out.push(digit(t + (q - t) % (BASE - t))?);
                    q = (q - t) / (BASE - t);
                    k += BASE;
                }
                out.push(digit(q)?);
                bias = adapt(delta, handled + 1, handled == basic);
                delta = 0;
                handled += 1;
            }
        }
        delta = delta.checked_add(1)?;
        n += 1;
    }
    Some(out)
}

fn decode(source: &str) -> Option<String> {
    if source.len() > LENGTH_MAX || !source.is_ascii() {
        return None;
    }
    let (basic, extended) = source.rsplit_once('-').unwrap_or(("", source));
    let mut out: Vec<char> = basic.chars().collect();
    let (mut n, mut i, mut bias) = (128_u32, 0_u32, 72_u32);
    let mut rest = extended.chars();
    let mut next = rest.next();
    while next.is_some() {
        let before = i;
        let (mut weight, mut k) = (1_u32, BASE);
        loop {
            let value = match next? {
                c @ '0'..='9' => u32::from(c) - u32::from('0') + 26,
                c if c.is_ascii_alphabetic() => c.to_digit(36)? - 10,
                _ => return None,
            };
            next = rest.next();
            i = i.checked_add(value.checked_mul(weight)?)?;
            let t = threshold(k, bias);
            if value < t {
                break;
            }
            weight = weight.checked_mul(BASE - t)?;
            k += BASE;
        }
        let count = u32::try_from(out.len()).ok()? + 1;
        bias = adapt(i - before, count, before == 0);
        n = n.checked_add(i / count)?;
        i %= count;
        out.insert(i as usize, char::from_u32(n)?);
        i += 1;
    }
    Some(out.into_iter().collect())
}

/// The labels of a domain, each changed; the wide dots of IDNA become dots.
fn labels(domain: &str, change: fn(&str) -> Option<String>) -> Option<String> {
    let dots = ['.', '\u{3002}', '\u{ff0e}', '\u{ff61}'];
    let changed: Option<Vec<String>> = domain.split(dots).map(change).collect();
    changed.map(|labels| labels.join("."))
}

fn encode_label(label: &str) -> Option<String> {
    if label.is_ascii() { Some(label.to_owned()) } else { Some(format!("xn--{}", encode(label)?)) }
}

fn decode_label(label: &str) -> Option<String> {
    match label.get(..4) {
        Some(prefix) if prefix.eq_ignore_ascii_case("xn--") => decode(&label[4..]),
        _ => Some(label.to_owned()),
    }
}
