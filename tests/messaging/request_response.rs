//! Request and response: one of those who reply answers, or the caller is told what is known.

use std::time::Duration;

use chassis::{
    codec::{Cbor, Format, MessagePack},
    messaging::{Failure, Offers, RequestResponse, known},
};
use tokio::time::{Instant, sleep};

use super::{
    place::Place,
    scene::Scene,
    services::{Deed, Job},
    sights::Sights,
};

pub(crate) async fn a_request_is_answered<P: Place>(scene: Scene<P>)
where
    P::Engine: Offers<RequestResponse>,
{
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let replyer = scene.replyer(&sights).await;
    let answer: u64 = sender.service().broker.request("double", &Job::new(21)).await.unwrap();
    assert_eq!(answer, 42);
    replyer.stop().await.unwrap();
    sender.stop().await.unwrap();
}

pub(crate) async fn requests_at_the_same_time_have_their_own_answers<P: Place>(scene: Scene<P>)
where
    P::Engine: Offers<RequestResponse>,
{
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let replyer = scene.replyer(&sights).await;
    let asked = (0..100_u64).map(|id| {
        let sender = std::sync::Arc::clone(sender.service());
        tokio::spawn(async move {
            let job = Job::doing(id, &[Deed::Sleep(id % 7)]);
            let answer: u64 = sender.broker.request("double", &job).timeout(Duration::from_secs(30)).await.unwrap();
            assert_eq!(answer, id * 2);
        })
    });
    for asked in asked.collect::<Vec<_>>() {
        asked.await.unwrap();
    }
    replyer.stop().await.unwrap();
    sender.stop().await.unwrap();
}

pub(crate) async fn a_failure_is_answered<P: Place>(scene: Scene<P>)
where
    P::Engine: Offers<RequestResponse>,
{
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let replyer = scene.replyer(&sights).await;
    for (deed, told) in [
        (Deed::Fail, "as told"),
        (Deed::Reject, "no use"),
        (Deed::Panic, "the handler panicked; the log of `replyer` says where"),
    ] {
        let job = Job::doing(1, &[deed]);
        let asked = sender.service().broker.request::<_, u64>("double", &job);
        let error = asked.timeout(Duration::from_secs(30)).await.unwrap_err();
        match error.find::<Failure>() {
            Some(Failure::Answered(text)) => {
                assert!(text.contains(told) && !text.contains("services.rs"), "{text}");
            }
            _ => panic!("{error:#}"),
        }
    }
    let answer: u64 = sender.service().broker.request("double", &Job::new(2)).await.unwrap();
    assert_eq!(answer, 4, "who replies lives on");
    replyer.stop().await.unwrap();
    sender.stop().await.unwrap();
}

pub(crate) async fn a_request_that_cannot_be_read_is_answered_so<P: Place>(scene: Scene<P>)
where
    P::Engine: Offers<RequestResponse>,
{
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let replyer = scene.replyer(&sights).await;
    let error = sender.service().broker.request::<_, u64>("double", &"seven").await.unwrap_err();
    match error.find::<Failure>() {
        Some(Failure::Answered(text)) => assert!(text.contains("cannot be read"), "{text}"),
        _ => panic!("{error:#}"),
    }
    assert_eq!(sights.all().len(), 0);
    replyer.stop().await.unwrap();
    sender.stop().await.unwrap();
}

pub(crate) async fn an_answer_that_cannot_be_read_says_so<P: Place>(scene: Scene<P>)
where
    P::Engine: Offers<RequestResponse>,
{
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let replyer = scene.replyer(&sights).await;
    let error = sender.service().broker.request::<_, Vec<String>>("double", &Job::new(1)).await.unwrap_err();
    assert!(format!("{error:#}").contains("the answer to request `double` cannot be read"), "{error:#}");
    replyer.stop().await.unwrap();
    sender.stop().await.unwrap();
}

pub(crate) async fn no_answer_in_time_is_unknown_and_the_next_request_is_answered<P: Place>(scene: Scene<P>)
where
    P::Engine: Offers<RequestResponse>,
{
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let replyer = scene.replyer(&sights).await;
    // What the first request has to prepare is done.
    let _: u64 = sender.service().broker.request("double", &Job::new(0)).await.unwrap();
    let late = Job::doing(1, &[Deed::Wait]);
    let asked = sender.service().broker.request::<_, u64>("double", &late).timeout(Duration::from_millis(300));
    let error = asked.await.unwrap_err();
    assert!(matches!(error.find::<Failure>(), Some(Failure::Unknown(_))), "{error:#}");
    assert_eq!(sights.at_work(), 1, "it was not waited for");
    sights.release();
    for id in 2..6 {
        let answer: u64 = sender.service().broker.request("double", &Job::new(id)).await.unwrap();
        assert_eq!(answer, id * 2, "the late answer is nobody's");
        sleep(Duration::from_millis(20)).await;
    }
    replyer.stop().await.unwrap();
    sender.stop().await.unwrap();
}

pub(crate) async fn a_request_that_nobody_answers_fails_in_time<P: Place>(scene: Scene<P>)
where
    P::Engine: Offers<RequestResponse>,
{
    let sender = scene.sender().await;
    let began = Instant::now();
    let job = Job::new(1);
    let asked = sender.service().broker.request::<_, u64>("nobody", &job).timeout(Duration::from_millis(300));
    let error = asked.await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(error.find::<Failure>().is_some(), "{error:#}");
    sender.stop().await.unwrap();
}

pub(crate) async fn an_answer_is_written_as_its_request<P: Place>(scene: Scene<P>)
where
    P::Engine: Offers<RequestResponse>,
{
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let replyer = scene.replyer(&sights).await;
    let (broker, job) = (&sender.service().broker, Job::new(3));
    // These read what they are, whatever the answer says of itself.
    let answer: u64 = broker.request("double", &job).codec(MessagePack).await.unwrap();
    assert_eq!(answer, 6);
    let answer: u64 = broker.request("double", &job).codec(Cbor).await.unwrap();
    assert_eq!(answer, 6);
    for format in [Format::Json, Format::MessagePack, Format::Cbor, Format::Yaml] {
        let answer: u64 = broker.request("double", &job).codec(format).await.unwrap();
        assert_eq!(answer, 6, "{format}");
    }
    replyer.stop().await.unwrap();
    sender.stop().await.unwrap();
}

pub(crate) async fn who_replies_knows_how_long_it_is_wanted<P: Place>(scene: Scene<P>)
where
    P::Engine: Offers<RequestResponse>,
{
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let replyer = scene.replyer(&sights).await;
    let job = Job::new(3);
    let asked = sender.service().broker.request::<_, u64>("double", &job);
    asked.header("colour", "red").timeout(Duration::from_secs(5)).await.unwrap();
    let seen = sights.calls(1).await;
    assert!(seen[0].headers.get(known::DEADLINE).is_some(), "{:?}", seen[0].headers);
    assert_eq!(seen[0].headers.get("colour"), Some("red"));
    replyer.stop().await.unwrap();
    sender.stop().await.unwrap();
}

pub(crate) async fn requests_at_work_are_answered_at_a_stop<P: Place>(scene: Scene<P>)
where
    P::Engine: Offers<RequestResponse>,
{
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let replyer = scene.replyer(&sights).await;
    let service = std::sync::Arc::clone(sender.service());
    let asked = tokio::spawn(async move {
        let job = Job::doing(4, &[Deed::Sleep(200)]);
        service.broker.request::<_, u64>("double", &job).timeout(Duration::from_secs(10)).await
    });
    sights.calls(1).await;
    replyer.stop().await.unwrap();
    assert_eq!(asked.await.unwrap().unwrap(), 8);
    sender.stop().await.unwrap();
}

/// Tests of all of them over a broker: `each`, and twenty times at once; all `in_one`; or all of them twenty times at once `on_one_server`.
macro_rules! checks {
    (each, $place:expr) => {
        $crate::messaging::request_response::checks! { $place, conformance }
    };
    (in_one, $place:expr) => {
        $crate::messaging::request_response::checks! { $place, conformance_in_one }
    };
    (on_one_server, $place:expr) => {
        $crate::messaging::request_response::checks! { $place, conformance_on_one_server }
    };
    ($place:expr, $conformance:ident) => {
        $crate::$conformance! { $place, request_response:
            a_request_is_answered
            requests_at_the_same_time_have_their_own_answers
            a_failure_is_answered
            a_request_that_cannot_be_read_is_answered_so
            an_answer_that_cannot_be_read_says_so
            no_answer_in_time_is_unknown_and_the_next_request_is_answered
            a_request_that_nobody_answers_fails_in_time
            an_answer_is_written_as_its_request
            who_replies_knows_how_long_it_is_wanted
            requests_at_work_are_answered_at_a_stop
        }
    };
}
pub(crate) use checks;
