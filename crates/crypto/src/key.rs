//! The key of one server's storage.

/// 32 bytes in memory that is locked, left out of core dumps, and zeroised on drop.
#[derive(Debug)]
pub struct DataKey {}
