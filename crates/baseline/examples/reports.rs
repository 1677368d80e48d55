//! Writes a made-up assessment in every format into the folder that its argument names.
//! `cargo xtask conform baseline-formats` lets others read them.

#[path = "../tests/it/sample.rs"]
mod sample;

use std::path::PathBuf;

use baseline::report::Format;

fn main() -> std::io::Result<()> {
    let missing = || std::io::Error::other("needs a folder");
    let folder = std::env::args_os().nth(1).map(PathBuf::from).ok_or_else(missing)?;
    std::fs::create_dir_all(&folder)?;
    let assessment = sample::assessment();
    for format in Format::ALL {
        let name = format!("{}.{}", format.name(), format.ending());
        std::fs::write(folder.join(name), format.render(&assessment))?;
    }
    Ok(())
}
