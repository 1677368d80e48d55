//! The state machine over simulated doors: every step fails once, everything dies once, and the
//! owner's key goes and comes back at every moment.

mod bench;
mod denial;
mod failures;
mod life;
mod races;
mod rotation;
mod silence;
mod sim;
mod vault;
mod watching;
