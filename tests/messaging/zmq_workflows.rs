//! The workflows of ZeroMQ: which calls go on in the one they come of, and which take no number of it.

use std::sync::Arc;

use chassis::{
    Builder,
    codec::{Codec as _, Json, MessagePack},
    messaging::{Failure, Zmq},
    prelude::*,
};
use chassis_tests::free_port;
use serde_json::{Value, json};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
    time::timeout,
};

use super::zmq_scene::{frame, greeted, shake_hands};

const PATIENCE: Duration = Duration::from_secs(30);

/// Hands on what is pushed, by a handler.
#[microservice]
struct Handler {
    #[resource]
    zmq: Zmq,
}

#[microservice]
impl Handler {
    #[pull(zmq, "jobs")]
    async fn job(&self, number: u64) -> Result<()> {
        for number in number..number + 2 {
            let refused = self.zmq.push("further", &number).codec(Json).await.unwrap_err();
            assert!(matches!(refused.find::<Failure>(), Some(Failure::Refused(_))), "{refused:#}");
            self.zmq.push("further", &number).await?;
        }
        Ok(())
    }
}

/// Hands on what is pushed, taken from a stream.
#[microservice]
struct Stream {
    #[resource]
    zmq: Zmq,
}

#[microservice]
impl Stream {
    #[task]
    async fn jobs(&self, cx: Context) -> Result<()> {
        let mut jobs = self.zmq.pull::<u64>("jobs").await?;
        while let Some(job) = jobs.next().await {
            let job = job?;
            let message = job.message();
            let origin = message.origin().expect("what came by this wire has an origin");
            let further = async {
                for number in **message..**message + 2 {
                    self.zmq.push("further", &number).await?;
                }
                Ok(())
            };
            cx.unit("job").origin(Arc::clone(origin)).run(further).await?;
            job.ack().await?;
        }
        Ok(())
    }
}

/// What a service that is sent a job of the workflow `wf-1` pushes further: two bodies.
async fn further<S: chassis::Microservice>(service: Builder<S>) -> [Value; 2] {
    let (jobs, puller) = (free_port(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let zmq = json!({ "addresses": {
        "in": { "jobs": { "puller": format!("127.0.0.1:{jobs}") } },
        "out": { "further": { "pusher": puller.local_addr().unwrap().to_string() } },
    } });
    let running = service.settings(json!({ "resources": { "zmq": zmq } })).start().await.unwrap();
    let (mut pulling, _) = puller.accept().await.unwrap();
    shake_hands(&mut pulling, "PULL").await;
    let mut pushing = reached(jobs).await;
    let body = MessagePack.encode(&json!({ "args": 7, "workflow_id": "wf-1" })).unwrap();
    pushing.write_all(&[&[0, body.len() as u8], &body[..]].concat()).await.unwrap();
    let mut next = async || MessagePack.decode(&frame(&mut pulling).await, None).unwrap();
    let bodies = [next().await, next().await];
    drop(pushing);
    running.stop().await.unwrap();
    bodies
}

/// A connection that pushes, once somebody takes it.
async fn reached(port: u16) -> TcpStream {
    while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    greeted(port, "PUSH").await
}

fn goes_on() -> [Value; 2] {
    [json!({ "args": 7, "workflow_id": "wf-1" }), json!({ "args": 8, "workflow_id": "wf-1_1" })]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_refused_takes_no_number_of_the_workflow() {
    assert_eq!(timeout(PATIENCE, further(Handler::builder())).await.unwrap(), goes_on());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_of_a_message_of_a_stream_goes_on_in_its_workflow() {
    assert_eq!(timeout(PATIENCE, further(Stream::builder())).await.unwrap(), goes_on());
}
