//! A file on its way to an object store: one request where it is short, else parts of one upload,
//! which is seen by nobody before it is complete.

use std::fmt;
use std::io;
use std::sync::Arc;

use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStoreExt as _};

use super::bucket::Bucket;
use crate::store::Upload;

/// Bytes of a part; S3 takes none below 5 MiB but the last, and 10,000 parts at most.
const PART_BYTES: usize = 8 << 20;

/// Bytes that go on as soon as they make a part.
pub(super) struct Growing {
    bucket: Bucket,
    path: Path,
    buffer: Vec<u8>,
    upload: Option<Box<dyn MultipartUpload>>,
}

impl fmt::Debug for Growing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Growing({:?}, {})", self.bucket, self.path)
    }
}

impl Growing {
    pub(super) fn new(bucket: Bucket, path: Path) -> Self {
        Self { bucket, path, buffer: Vec::new(), upload: None }
    }

    fn send_part(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        let (store, path) = (Arc::clone(self.bucket.store()), self.path.clone());
        let begun = self.upload.take();
        let upload = self.bucket.wait(async move {
            let mut upload = match begun {
                Some(upload) => upload,
                None => store.put_multipart(&path).await?,
            };
            match upload.put_part(bytes.into()).await {
                Ok(()) => Ok(upload),
                Err(e) => {
                    // What stays of it is the bucket's lifecycle rule's business.
                    let _ = upload.abort().await;
                    Err(e)
                }
            }
        })?;
        self.upload = Some(upload);
        Ok(())
    }
}

impl Upload for Growing {
    fn append(&mut self, data: &[u8]) -> io::Result<()> {
        self.buffer.extend_from_slice(data);
        while self.buffer.len() >= PART_BYTES {
            let rest = self.buffer.split_off(PART_BYTES);
            let part = std::mem::replace(&mut self.buffer, rest);
            self.send_part(part)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        let rest = std::mem::take(&mut self.buffer);
        if self.upload.is_some() && !rest.is_empty() {
            self.send_part(rest)?;
        } else if self.upload.is_none() {
            let (store, path) = (Arc::clone(self.bucket.store()), self.path.clone());
            return self.bucket.wait(async move { store.put(&path, rest.into()).await.map(drop) });
        }
        match self.upload.take() {
            Some(mut upload) => self.bucket.wait(async move { upload.complete().await.map(drop) }),
            None => Ok(()),
        }
    }
}

impl Drop for Growing {
    fn drop(&mut self) {
        if let Some(mut upload) = self.upload.take() {
            // Nobody is told: what stays is the bucket's lifecycle rule's business.
            let _ = self.bucket.wait(async move { upload.abort().await });
        }
    }
}
