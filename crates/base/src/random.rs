//! The randomness door; the real one is `crypto::OsRandom`.

/// A source of cryptographically secure random bytes.
pub trait Random: Send + Sync {
    /// Fills `out`. Never returns with fewer bytes: a source that fails aborts the operation.
    fn fill(&self, out: &mut [u8]);
}
