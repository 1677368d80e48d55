//! The FUSE face of a store.
