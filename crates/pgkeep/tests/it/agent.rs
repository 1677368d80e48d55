//! A server's life with everything real: `pgkeep up`, FUSE, PostgreSQL, and what goes wrong.

mod deaths;
mod disk;
mod failures;
mod installation;
mod tls;
