//! etcd as `settings push` and `settings pull` see it: read once, written in transactions.

use std::{collections::BTreeMap, sync::Arc};

use etcd_client::{Client, Compare, CompareOp, Txn, TxnOp};
use tokio::runtime::Runtime;

use super::{
    Etcd,
    connection::Connection,
    options::Options,
    plan::{Plan, Write},
    tree::Keys,
    variables::ENDPOINTS,
};
use crate::{
    Cause, Error, Result,
    etcd::{Endpoints, Failure, PATIENCE, within},
    settings::{
        documents::Document,
        origin::Origin,
        path::KeyPath,
        problem::{Problem, Problems},
        source::{Layer, Source},
    },
};

/// The tree in the etcd that the environment names, as it was read.
pub(crate) struct Store {
    options: Arc<Options>,
    runtime: Runtime,
    client: Client,
    keys: Keys,
}

impl Store {
    /// Connects and reads the tree, whether the check key exists or not.
    ///
    /// # Errors
    /// What is wrong with the variables, or why no endpoint serves.
    pub(crate) fn open() -> Result<Self> {
        let mut problems = Problems::new();
        let Some(options) = Etcd::of_environment().map(|etcd| etcd.told()) else {
            let problem = Problem::of_source(Origin::named(ENDPOINTS), "is not set: it says where etcd is");
            problems.push(problem.help("set it to something like `http://10.0.0.1:2379`"));
            return problems.into_result().and(Err(Error::msg("there is no etcd")));
        };
        if !options.etcd.check(&mut problems) {
            problems.into_result()?;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let read = runtime.block_on(async {
            let client = Endpoints::new(Arc::new(options.etcd.clone())).connect().await?;
            let snapshot = Connection::of(client.clone()).read(&options.prefix).await?;
            Ok((client, snapshot.keys))
        });
        let (client, keys) = read.map_err(refused)?;
        Ok(Self { options, runtime, client, keys })
    }

    /// The settings in it, and everything that is wrong with them.
    pub(crate) fn layer(&self, problems: &mut Problems) -> Layer {
        self.keys.layer(&self.options.prefix, problems)
    }

    /// What is to be written so that the tree says what the documents say, and the tree that will be there then.
    pub(crate) fn plan(
        &self,
        documents: &BTreeMap<KeyPath, Document>,
        is_pruned: bool,
        problems: &mut Problems,
    ) -> (Plan, Box<dyn Source>) {
        let Options { prefix, check_key, .. } = &*self.options;
        let plan = Plan::of(&self.keys, prefix, documents, check_key.as_deref(), is_pruned, problems);
        let planned = Planned { keys: plan.applied(&self.keys), prefix: prefix.clone() };
        (plan, Box::new(planned))
    }

    /// Writes one transaction, if nobody else has written to any of its keys since the tree was read.
    ///
    /// # Errors
    /// Why nothing of it was written.
    pub(crate) fn write(&mut self, writes: &[&Write]) -> Result<()> {
        let at = |write: &&Write| {
            let revision = write.revision?;
            Some(Compare::mod_revision(write.key.clone(), CompareOp::Equal, revision))
        };
        let compares: Vec<Compare> = writes.iter().filter_map(at).collect();
        let operation = |write: &&Write| match &write.document {
            Some(document) => TxnOp::put(write.key.clone(), document.as_bytes(), None),
            None => TxnOp::delete(write.key.clone(), None),
        };
        let operations: Vec<TxnOp> = writes.iter().map(operation).collect();
        let transaction = Txn::new().when(compares).and_then(operations);
        let client = &mut self.client;
        let answer = self.runtime.block_on(async { Ok(within(PATIENCE, client.txn(transaction)).await??) });
        if answer.map_err(refused)?.succeeded() {
            return Ok(());
        }
        Err(refused(Failure::unavailable("somebody else has written to it meanwhile; begin again")))
    }
}

fn refused(failure: Failure) -> Error {
    let Failure { cause, what, help, .. } = failure;
    let problem = Problem::of_source(Origin::named("etcd"), what);
    let problem = if cause == Cause::Unavailable { problem.unavailable() } else { problem };
    let mut problems = Problems::new();
    problems.push(help.into_iter().fold(problem, Problem::help));
    problems.into_result().err().unwrap_or_else(|| Error::msg("etcd does not serve"))
}

/// A tree that is not written yet.
pub(super) struct Planned {
    keys: Keys,
    prefix: String,
}

impl Source for Planned {
    fn name(&self) -> String {
        "etcd".to_owned()
    }

    fn load(&self, problems: &mut Problems) -> Layer {
        self.keys.layer(&self.prefix, problems)
    }
}
