//! What DataFusion reads objects through. It speaks the release of `object_store` before the one
//! that reaches them, which alone can do without a second cryptographic library; between the two
//! nothing but names differs. Whatever would write is an error: the store alone writes.

use std::fmt;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use datafusion::object_store as engine;
use engine::{
    CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    PutMultipartOptions, PutOptions, PutPayload, PutResult,
};
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path;

use super::bucket::Bucket;
use crate::store::Away;

type EnginePath = engine::path::Path;
type EngineError = engine::Error;

/// A bucket for readers.
#[derive(Debug)]
pub(super) struct ReadOnly(pub(super) Bucket);

impl fmt::Display for ReadOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.text())
    }
}

impl ReadOnly {
    fn path(&self, path: &EnginePath) -> engine::Result<Path> {
        Path::parse(path.as_ref()).map_err(|e| self.said(path.as_ref(), e.into()))
    }

    fn said(&self, path: &str, error: object_store::Error) -> EngineError {
        error_of(&self.0, path, error)
    }
}

/// An error in the engine's words, without secrets.
fn error_of(bucket: &Bucket, path: &str, error: object_store::Error) -> EngineError {
    use object_store::Error as Theirs;
    let source: Box<Away> = Box::new(bucket.away(&error));
    let path = path.to_owned();
    match error {
        Theirs::NotFound { .. } => EngineError::NotFound { path, source },
        Theirs::AlreadyExists { .. } => EngineError::AlreadyExists { path, source },
        Theirs::Precondition { .. } => EngineError::Precondition { path, source },
        Theirs::NotModified { .. } => EngineError::NotModified { path, source },
        Theirs::PermissionDenied { .. } => EngineError::PermissionDenied { path, source },
        Theirs::Unauthenticated { .. } => EngineError::Unauthenticated { path, source },
        _ => EngineError::Generic { store: "tables", source },
    }
}

fn refused(what: &str) -> EngineError {
    EngineError::NotSupported { source: format!("a query does not {what}").into() }
}

fn meta(found: object_store::ObjectMeta) -> engine::Result<ObjectMeta> {
    Ok(ObjectMeta {
        location: EnginePath::parse(found.location.as_ref())?,
        last_modified: found.last_modified,
        size: found.size,
        e_tag: found.e_tag,
        version: found.version,
    })
}

fn range(range: engine::GetRange) -> object_store::GetRange {
    match range {
        engine::GetRange::Bounded(range) => object_store::GetRange::Bounded(range),
        engine::GetRange::Offset(at) => object_store::GetRange::Offset(at),
        engine::GetRange::Suffix(n) => object_store::GetRange::Suffix(n),
    }
}

#[async_trait]
impl engine::ObjectStore for ReadOnly {
    async fn get_opts(
        &self,
        location: &EnginePath,
        options: GetOptions,
    ) -> engine::Result<GetResult> {
        let path = self.path(location)?;
        let asked = object_store::GetOptions {
            if_match: options.if_match,
            if_none_match: options.if_none_match,
            if_modified_since: options.if_modified_since,
            if_unmodified_since: options.if_unmodified_since,
            range: options.range.map(range),
            version: options.version,
            head: options.head,
            ..object_store::GetOptions::default()
        };
        let said = self.0.store().get_opts(&path, asked).await;
        let found = said.map_err(|e| self.said(location.as_ref(), e))?;
        let (found_meta, found_range) = (found.meta.clone(), found.range.clone());
        let (bucket, of) = (self.0.clone(), location.to_string());
        let parts = found.into_stream().map_err(move |e| error_of(&bucket, &of, e));
        Ok(GetResult {
            payload: GetResultPayload::Stream(parts.boxed()),
            meta: meta(found_meta)?,
            range: found_range,
            attributes: engine::Attributes::default(),
        })
    }

    /// Ranges that are near each other are read with one request.
    async fn get_ranges(
        &self,
        location: &EnginePath,
        ranges: &[Range<u64>],
    ) -> engine::Result<Vec<Bytes>> {
        let path = self.path(location)?;
        let said = self.0.store().get_ranges(&path, ranges).await;
        said.map_err(|e| self.said(location.as_ref(), e))
    }

    fn list(&self, prefix: Option<&EnginePath>) -> BoxStream<'static, engine::Result<ObjectMeta>> {
        let path = match prefix.map(|prefix| self.path(prefix)).transpose() {
            Ok(path) => path,
            Err(e) => return stream::once(std::future::ready(Err(e))).boxed(),
        };
        let (bucket, of) = (self.0.clone(), prefix.map(ToString::to_string).unwrap_or_default());
        let found = self.0.store().list(path.as_ref());
        found.map(move |one| one.map_err(|e| error_of(&bucket, &of, e)).and_then(meta)).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&EnginePath>) -> engine::Result<ListResult> {
        let path = prefix.map(|prefix| self.path(prefix)).transpose()?;
        let said = self.0.store().list_with_delimiter(path.as_ref()).await;
        let of = prefix.map(ToString::to_string).unwrap_or_default();
        let found = said.map_err(|e| self.said(&of, e))?;
        let folders = found.common_prefixes.iter().map(|path| EnginePath::parse(path.as_ref()));
        Ok(ListResult {
            common_prefixes: folders.collect::<Result<_, _>>()?,
            objects: found.objects.into_iter().map(meta).collect::<engine::Result<_>>()?,
        })
    }

    async fn put_opts(
        &self,
        _: &EnginePath,
        _: PutPayload,
        _: PutOptions,
    ) -> engine::Result<PutResult> {
        Err(refused("write"))
    }

    async fn put_multipart_opts(
        &self,
        _: &EnginePath,
        _: PutMultipartOptions,
    ) -> engine::Result<Box<dyn MultipartUpload>> {
        Err(refused("write"))
    }

    fn delete_stream(
        &self,
        _: BoxStream<'static, engine::Result<EnginePath>>,
    ) -> BoxStream<'static, engine::Result<EnginePath>> {
        stream::once(std::future::ready(Err(refused("remove anything")))).boxed()
    }

    async fn copy_opts(
        &self,
        _: &EnginePath,
        _: &EnginePath,
        _: CopyOptions,
    ) -> engine::Result<()> {
        Err(refused("copy anything"))
    }
}
