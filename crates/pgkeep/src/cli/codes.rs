//! The exit codes, for a person; the codes themselves are `base::ExitCode`.

/// The text of `pgkeep help exit-codes`.
pub(super) const TABLE: &str = "\
Exit codes of pgkeep. They are an interface: scripts may rely on them.

    0  it worked
    1  an error
    2  the command line was not understood
    3  what was named does not exist
    4  not signed in, or not allowed
    5  it clashes with what is there
    6  a gate failed: a check, a verification, or a server that did not come up
    7  it did not end in time
    8  the vault is sealed
  130  interrupted
";
