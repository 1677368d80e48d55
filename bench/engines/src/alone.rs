//! DataFusion in one process.

use datafusion::prelude::{SessionConfig, SessionContext};

use crate::serve::{self, config};
use crate::{Asked, Outcome};

/// Answers queries.
///
/// # Errors
/// What ends the program.
pub(crate) async fn serve(asked: &Asked<'_>) -> Outcome {
    let context = SessionContext::new_with_config(config(SessionConfig::new(), asked.n_partitions));
    serve::serve(&context, asked).await
}
