//! Throw-away PostgreSQL, simulated doors, fixtures.
