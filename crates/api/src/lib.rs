//! HTTP and JSON at the edge.
