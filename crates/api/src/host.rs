//! Which host names are served: a page elsewhere must not read this one by pointing its own name
//! at the loopback address (DNS rebinding).

/// `localhost` and loopback addresses, with or without a port.
pub(crate) fn is_local(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn only_local_names_pass() {
        for good in ["localhost", "localhost:8443", "127.0.0.1:1", "[::1]", "[::1]:8443"] {
            assert!(is_local(good), "{good}");
        }
        for bad in ["", "example.org", "localhost.example.org:8443", "127.0.0.1.example.org", "a:b"]
        {
            assert!(!is_local(bad), "{bad}");
        }
    }
}
