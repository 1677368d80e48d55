//! Throw-away PostgreSQL and fixtures for tests.
//!
//! Not for products: what fails here panics with a reason, because in a test that is the failure.
//!
//! | what | for |
//! |---|---|
//! | [`TestCluster`] | a real PostgreSQL in a folder of its own, gone when it is dropped |
//! | [`StockCluster`] | a PostgreSQL as `initdb` leaves it |
//! | [`TestCa`] | an authority that issues server and client certificates, good and bad ones |
//! | [`eventually`] | waiting for a condition with a deadline |
//! | [`free_port`], [`server_user`], [`temp_dir`] | ports, users and folders that servers can use |

mod ca;
mod cluster;
mod place;
mod stock;
mod wait;

pub use ca::{Issued, KeyKind, TestCa};
pub use cluster::{DEADLINE, TestCluster, quiet};
pub use place::{free_port, server_user, temp_dir};
pub use stock::StockCluster;
pub use wait::eventually;
