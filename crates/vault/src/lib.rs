//! Server side of the key vault: seal, keys, wrap and unwrap, the internal certificate authority. No HTTP.
