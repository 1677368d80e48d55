//! Reading one line with a limit; the buffer is zeroised because lines may carry keys.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};
use zeroize::Zeroizing;

use super::LINE_MAX_BYTES;

/// Why no line came.
#[derive(Debug, thiserror::Error)]
pub(super) enum LineError {
    #[error("a line is longer than {LINE_MAX_BYTES} bytes")]
    TooLong,
    #[error("the connection failed")]
    Io(#[from] io::Error),
}

/// The next line without its line feed; `None` at the end of the stream.
///
/// A last line without a line feed does not count: the sender did not finish it.
pub(super) async fn read_line<R>(reader: &mut R) -> Result<Option<Zeroizing<Vec<u8>>>, LineError>
where
    R: AsyncBufRead + Unpin,
{
    // One allocation up front: a growing buffer would leave copies of a key behind.
    let mut line = Zeroizing::new(Vec::with_capacity(4096));
    loop {
        let chunk = reader.fill_buf().await?;
        if chunk.is_empty() {
            return Ok(None);
        }
        let end = chunk.iter().position(|&b| b == b'\n');
        let part = &chunk[..end.unwrap_or(chunk.len())];
        if line.len() + part.len() > LINE_MAX_BYTES {
            return Err(LineError::TooLong);
        }
        if line.len() + part.len() > line.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(
                (line.capacity() * 4).clamp(line.len() + part.len(), LINE_MAX_BYTES),
            ));
            larger.extend_from_slice(&line);
            line = larger;
        }
        line.extend_from_slice(part);
        let used = part.len() + usize::from(end.is_some());
        reader.consume(used);
        if end.is_some() {
            return Ok(Some(line));
        }
    }
}
