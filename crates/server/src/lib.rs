//! A PostgreSQL server's life: states, keys, mount, parameters, TLS.
