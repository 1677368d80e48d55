//! Check digits, computed here a second time and in another way than in the SQL.

use pg::Connection;

/// Proves each number of the sample that claims to be valid, and that it is nobody's.
pub(super) async fn all_are_valid(connection: &Connection) {
    for (what, sql, n_least, valid) in CHECKS {
        let rows = connection.query("test", sql, &[]).await.unwrap();
        let values: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        assert!(values.len() >= n_least, "{what}: only {} of them", values.len());
        for value in &values {
            assert!(valid(value), "{what}: {value}");
        }
        println!("{what:<40} {:>6} valid", values.len());
    }
}

type Check = (&'static str, &'static str, usize, fn(&str) -> bool);

const CHECKS: [Check; 8] = [
    (
        "card numbers",
        "select card_number from shop.payments where card_number is not null
         union all select col7 from staging.import_2025_11 where col7 is not null
         union all select substring(payload from 'card ([0-9]+)') from staging.partner_feed
                   where payload like '%;card %'",
        10_000,
        is_test_card,
    ),
    (
        "account numbers",
        "select payer_iban from clinic.invoices where payer_iban is not null
         union all select iban from shop.payments where iban is not null
         union all select iban from hr.employees
         union all select col8 from staging.import_2025_11 where col8 is not null
         union all select split_part(payload, ';', 3) from staging.partner_feed where line_no > 0
         union all select body ->> 'account' from clinic.documents where body ? 'account'",
        10_000,
        is_test_iban,
    ),
    ("NHS numbers", "select nhs_number from clinic.patients", 10_000, is_test_nhs_number),
    (
        "Finnish personal codes",
        "select tax_ref from shop.customers where tax_ref is not null
         union all select personal_code from hr.employees where personal_code is not null",
        500,
        is_test_hetu,
    ),
    ("EAN codes", "select attributes ->> 'ean' from shop.products", 900, is_internal_ean),
    (
        "e-mail addresses",
        "select email from clinic.patients where email is not null
         union all select email from shop.customers
         union all select private_email from hr.employees
         union all select work_email from clinic.staff",
        10_000,
        is_example_address,
    ),
    (
        "telephone numbers",
        "select phone from clinic.patients where phone is not null
         union all select phone from shop.customers where phone is not null
         union all select private_phone from hr.employees",
        10_000,
        is_fictional_phone,
    ),
    (
        "network addresses",
        "select host(last_ip) from shop.customers where last_ip is not null
         union all select host(client_ip) from shop.orders
         union all select host(source) from analytics.events",
        30_000,
        is_documentation_address,
    ),
];

fn digits(text: &str) -> Option<Vec<u32>> {
    text.chars().map(|letter| letter.to_digit(10)).collect()
}

/// ISO/IEC 7812-1 over all digits, and a prefix that providers publish for tests.
fn is_test_card(text: &str) -> bool {
    const PREFIXES: [&str; 8] =
        ["378282", "400000", "411111", "424242", "555555", "510510", "222300", "601111"];
    let Some(digits) = digits(text) else { return false };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match at % 2 {
            0 => *digit,
            _ => [0, 2, 4, 6, 8, 1, 3, 5, 7, 9][*digit as usize],
        })
        .sum();
    let length = if text.starts_with('3') { 15 } else { 16 };
    sum.is_multiple_of(10) && digits.len() == length && PREFIXES.iter().any(|p| text.starts_with(p))
}

/// ISO 13616: the first four characters go to the end, letters become numbers, mod 97 is 1.
fn is_test_iban(text: &str) -> bool {
    let nobodys = (text.starts_with("DE") && text.len() == 22 && &text[4..5] == "9")
        || (text.starts_with("GB") && text.len() == 22 && &text[4..8] == "TEST");
    let remainder = text[4..].chars().chain(text[..4].chars()).try_fold(0, |sum, letter| {
        let value = letter.to_digit(36)?;
        Some((sum * if value > 9 { 100 } else { 10 } + value) % 97)
    });
    nobodys && remainder == Some(1)
}

/// The weighted sum with its check digit is a multiple of 11; 999 is the range for tests.
fn is_test_nhs_number(text: &str) -> bool {
    let Some(digits) = digits(text) else { return false };
    let sum: u32 = digits.iter().zip((1..=10).rev()).map(|(digit, weight)| digit * weight).sum();
    digits.len() == 10 && text.starts_with("999") && sum.is_multiple_of(11)
}

/// DDMMYY, century, serial from 900, and the letter for the number mod 31.
fn is_test_hetu(text: &str) -> bool {
    let Some((number, letter)) = text.split_at_checked(10) else { return false };
    let century = &number[6..7];
    let plain: u64 = number.replace(century, "").parse().unwrap();
    let table = "0123456789ABCDEFHJKLMNPRSTUVWXY";
    let right = table.chars().nth((plain % 31) as usize).map(String::from);
    ["-", "A"].contains(&century) && plain % 1000 >= 900 && right.as_deref() == Some(letter)
}

/// GS1: weights 1 and 3, and the prefix that shops use inside.
fn is_internal_ean(text: &str) -> bool {
    let Some(digits) = digits(text) else { return false };
    let sum: u32 = digits.iter().zip([1, 3].iter().cycle()).map(|(d, weight)| d * weight).sum();
    digits.len() == 13 && text.starts_with("200") && sum.is_multiple_of(10)
}

fn is_example_address(text: &str) -> bool {
    let (local, domain) = text.split_once('@').unwrap_or_default();
    ["example.com", "example.org", "example.net"].contains(&domain)
        && local.chars().all(|l| l.is_ascii_lowercase() || l.is_ascii_digit() || l == '.')
}

fn is_fictional_phone(text: &str) -> bool {
    let plain = text.replace(' ', "");
    let rest_is = |prefix: &str, n: usize| {
        plain.strip_prefix(prefix).is_some_and(|rest| rest.len() == n && digits(rest).is_some())
    };
    rest_is("+447700900", 3)
        || rest_is("+442079460", 3)
        || rest_is("+493023125", 3)
        || (plain.starts_with("+1") && plain.len() == 14 && &plain[5..11] == "-555-0")
}

fn is_documentation_address(text: &str) -> bool {
    ["192.0.2.", "198.51.100.", "203.0.113."].iter().any(|net| text.starts_with(net))
}

#[test]
fn the_checks_themselves_tell_right_from_wrong() {
    let check = |valid: fn(&str) -> bool, right: &str, wrong: &str| {
        assert!(valid(right), "{right}");
        assert!(!valid(wrong), "{wrong}");
    };
    // Published examples.
    check(is_test_card, "4242424242424242", "4242424242424241");
    check(is_test_card, "378282246310005", "378282246310006");
    check(is_test_nhs_number, "9990000018", "9990000019");
    check(is_internal_ean, "2000000000015", "2000000000016");
    check(is_test_hetu, "010101-900R", "010101-900S");
    check(is_fictional_phone, "+1 212-555-0123", "+1 212-555-1123");
    check(is_fictional_phone, "+44 20 7946 0123", "+44 20 7947 0123");
    check(is_example_address, "a.b1@example.org", "a.b1@example.io");
    check(is_documentation_address, "192.0.2.7", "192.0.3.7");
    check(is_test_iban, "GB52TEST03109900000001", "GB53TEST03109900000001");
}
