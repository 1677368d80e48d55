//! Writes the OpenAPI document of the plane to `docs/openapi.json`.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let mut text = api::plane::openapi().to_pretty_json().map_err(std::io::Error::other)?;
    text.push('\n');
    std::fs::write(file, text)
}
