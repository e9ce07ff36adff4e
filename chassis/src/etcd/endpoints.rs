//! The endpoints of one etcd: the first that answers, and why the others do not.

use std::sync::Arc;

use etcd_client::{Client, Error, GetOptions};
use tonic::Code;

use super::{
    connection::{GREETING, open, within},
    diagnosis::diagnose,
    failure::Failure,
    options::Options,
};
use crate::Cause;

/// The endpoints of one etcd, as one who needs any of them sees them.
pub(crate) struct Endpoints {
    options: Arc<Options>,
    /// The one that is tried first.
    next: usize,
    /// Why each one did not serve when it was last tried.
    failures: Vec<Option<Failure>>,
}

impl Endpoints {
    pub(crate) fn new(options: Arc<Options>) -> Self {
        let count = options.endpoints.len();
        // Many services that start together spread over the endpoints.
        Self { next: fastrand::usize(..count.max(1)), failures: vec![None; count], options }
    }

    /// Connects to the first endpoint that answers; tries each of them once.
    ///
    /// # Errors
    /// Why none of them serves, in words that name each of them.
    ///
    /// # Cancel safety
    /// Safe; the next attempt begins where this one was.
    pub(crate) async fn connect(&mut self) -> Result<Client, Failure> {
        let count = self.failures.len();
        for _ in 0..count {
            let at = self.next;
            // When this one is lost, another one is the better choice.
            self.next = (at + 1) % count;
            match self.attempt(at).await {
                Ok(client) => {
                    self.failures.fill(None);
                    return Ok(client);
                }
                Err(failure) => self.failures[at] = Some(failure),
            }
        }
        Err(self.failure())
    }

    async fn attempt(&self, at: usize) -> Result<Client, Failure> {
        // On the heap: the futures of the client take many kilobytes each, and whoever connects has others beside them.
        match Box::pin(self.greet(at)).await {
            Err(failure) if failure.is_vague => Err(Box::pin(diagnose(&self.options, at)).await.unwrap_or(failure)),
            greeted => greeted,
        }
    }

    /// Connects, and asks something that only an etcd can answer which has a leader.
    async fn greet(&self, at: usize) -> Result<Client, Failure> {
        let mut client = open(&self.options, &self.options.endpoints[at]).await?;
        match within(GREETING, client.get("/", Some(GetOptions::new().with_count_only()))).await? {
            // Whoever may not read that key may use others.
            Err(Error::GRpcStatus(status)) if status.code() == Code::PermissionDenied => Ok(client),
            answer => Ok(answer.map(|_| client)?),
        }
    }

    /// Why none of them serves.
    fn failure(&self) -> Failure {
        let told = self.options.endpoints.iter().zip(&self.failures);
        let told = told.filter_map(|(endpoint, failure)| Some(format!("{endpoint}: {}", failure.as_ref()?.what)));
        let what = told.collect::<Vec<_>>().join("; ");
        let is_refused = self.failures.iter().flatten().all(|failure| failure.cause == Cause::Misconfigured);
        if is_refused { Failure::misconfigured(what) } else { Failure::unavailable(what) }
    }
}
