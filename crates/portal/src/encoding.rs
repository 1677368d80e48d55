//! Which encodings a client takes (RFC 9110, section 12.5.3), of those that the build makes.

/// How a file may be stored besides as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Brotli,
    Gzip,
}

impl Encoding {
    /// Smaller ones first.
    pub(crate) const ALL: [Self; 2] = [Self::Brotli, Self::Gzip];

    /// Its name in headers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// What it adds to a file's name.
    pub(crate) fn ending(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
        }
    }
}

/// Those that `Accept-Encoding` takes, smaller ones first. A weight only says yes or no here.
pub(crate) fn accepted(header: &str) -> Vec<Encoding> {
    let takes = |wanted: &str| {
        header.split(',').map(item).find(|(name, _)| name.eq_ignore_ascii_case(wanted))
    };
    let any = takes("*").is_some_and(|(_, yes)| yes);
    let is_taken = |encoding: &Encoding| takes(encoding.name()).map_or(any, |(_, yes)| yes);
    Encoding::ALL.into_iter().filter(is_taken).collect()
}

/// `name;q=0.5`: the name, and whether its weight is more than nothing.
fn item(text: &str) -> (&str, bool) {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let weight = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
    (name, weight.is_none_or(|weight| weight.parse().is_ok_and(|weight: f32| weight > 0.0)))
}

#[cfg(test)]
mod tests {
    use super::{Encoding, accepted};

    #[test]
    fn reads_what_a_client_takes() {
        use Encoding::{Brotli, Gzip};
        for (header, want) in [
            ("", &[][..]),
            ("identity", &[]),
            ("gzip, deflate, br, zstd", &[Brotli, Gzip]),
            ("GZIP", &[Gzip]),
            ("br;q=0, gzip;q=0.1", &[Gzip]),
            ("br ; q=1.0", &[Brotli]),
            ("*", &[Brotli, Gzip]),
            ("*;q=0", &[]),
            ("br;q=0, *", &[Gzip]),
            ("br;q=nonsense", &[]),
        ] {
            assert_eq!(accepted(header), want, "{header}");
        }
    }
}
