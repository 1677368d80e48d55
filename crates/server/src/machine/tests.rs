//! The state machine over simulated doors: every step fails once, everything dies once.

mod failures;
mod life;
mod sim;
mod watching;
