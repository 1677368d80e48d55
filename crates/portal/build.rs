//! Tells cargo to look at `web/dist` again: a new file's name is in no source file. It runs
//! nothing, and reads no network.

fn main() {
    println!("cargo::rerun-if-changed=../../web/dist");
    println!("cargo::rerun-if-changed=build.rs");
}
