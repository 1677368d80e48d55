//! Prints what a parser makes of a file: `parse_rows PARSER FILE [LOG_LINE_PREFIX]`. Files of
//! expected rows are made with it and then read by a person.
#![allow(clippy::print_stdout, reason = "it is a command")]

#[path = "../tests/it/render.rs"]
mod render;

fn main() -> Result<(), String> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (Some(parser), Some(file)) = (words.first(), words.get(1)) else {
        return Err("usage: parse_rows PARSER FILE [LOG_LINE_PREFIX]".to_owned());
    };
    let bytes = std::fs::read(file).map_err(|e| e.to_string())?;
    print!("{}", render::render(parser, words.get(2).map(String::as_str), &bytes)?);
    Ok(())
}
