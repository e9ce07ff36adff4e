//! What handlers take out of paths, and by which way it comes.

use std::collections::{BTreeMap, HashMap};

use axum::{
    Router,
    extract::{FromRequestParts, MatchedPath, RawPathParams},
    routing,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;

use super::*;

/// What `T` is made of by `route` at `path`, as text, whichever way it comes.
async fn taken<T>(route: &'static str, path: &str) -> Result<String, Value>
where
    T: DeserializeOwned + std::fmt::Debug + Send + 'static,
{
    let bench = Bench::new()
        .on(get(route), |mut request: Request| async move {
            let Path(taken) = part::<Path<T>>(&mut request).await?;
            assert!(!request.is_prepared());
            Ok::<_, axum::response::Response>(format!("{taken:?}"))
        })
        .on(post(route), |mut request: Request| async move {
            let Path(taken) = last::<Path<T>, _>(&mut request).await?;
            assert!(!request.is_prepared());
            Ok::<_, axum::response::Response>(format!("{taken:?}"))
        })
        .on(put(route), |mut request: Request| async move {
            let Inside(taken) = part::<Inside<T>>(&mut request).await?;
            Ok::<_, axum::response::Response>(format!("{taken:?}"))
        });
    let open = bench.open();
    let bench = Bench::new();
    bench.http.merge(Router::new().route(route, routing::get(plain::<T>)));
    let merged = bench.open();
    let answers = [
        open.get(path).await,
        open.client.post(path).await.unwrap(),
        open.client.put(path).await.unwrap(),
        merged.get(path).await,
    ];
    let outcomes = answers.map(|response| match response.status().is_success() {
        true => Ok(response.text().to_owned()),
        false => Err(problem(&response)),
    });
    for outcome in &outcomes {
        assert_eq!(*outcome, outcomes[0], "{route} {path}");
    }
    outcomes.into_iter().next().unwrap()
}

async fn plain<T: std::fmt::Debug>(Path(taken): Path<T>) -> String {
    format!("{taken:?}")
}

/// An extractor of somebody's own, with a path inside.
struct Inside<T>(T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Inside<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut http::request::Parts, state: &S) -> Result<Self, Problem> {
        let Path(taken) = Path::<T>::from_request_parts(parts, state).await?;
        Ok(Self(taken))
    }
}

#[derive(Debug, Deserialize)]
struct Line {
    #[expect(dead_code, reason = "only printed")]
    order: u32,
    #[expect(dead_code, reason = "only printed")]
    note: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Color {
    Red,
    Green(#[expect(dead_code, reason = "only refused")] u8),
}

#[tokio::test]
async fn one_capture_is_anything_that_is_read_from_text() {
    assert_eq!(taken::<u32>("/{id}", "/7").await, Ok("7".into()));
    assert_eq!(taken::<i128>("/{id}", "/-7").await, Ok("-7".into()));
    assert_eq!(taken::<f64>("/{id}", "/1.5").await, Ok("1.5".into()));
    assert_eq!(taken::<bool>("/{id}", "/true").await, Ok("true".into()));
    assert_eq!(taken::<char>("/{id}", "/%C3%A4").await, Ok("'ä'".into()));
    assert_eq!(taken::<String>("/{id}", "/a%20b+c%2Fd").await, Ok("\"a b+c/d\"".into()));
    assert_eq!(taken::<String>("/{*rest}", "/a/b%20").await, Ok("\"a/b \"".into()));
    assert_eq!(taken::<Color>("/{id}", "/red").await, Ok("Red".into()));
    assert_eq!(taken::<std::num::NonZeroU8>("/{id}", "/7").await, Ok("7".into()));
    assert_eq!(taken::<Value>("/{id}", "/7").await, Ok("String(\"7\")".into()));
    assert_eq!(taken::<()>("/{id}", "/7").await, Ok("()".into()));
    assert_eq!(taken::<()>("/none", "/none").await, Ok("()".into()));
}

#[tokio::test]
async fn several_captures_are_a_tuple_a_list_a_struct_or_a_map() {
    let (route, path) = ("/{order}/lines/{note}", "/7/lines/x%20y");
    assert_eq!(taken::<(u32, String)>(route, path).await, Ok("(7, \"x y\")".into()));
    assert_eq!(taken::<Line>(route, path).await, Ok("Line { order: 7, note: Some(\"x y\") }".into()));
    assert_eq!(taken::<Vec<String>>(route, path).await, Ok("[\"7\", \"x y\"]".into()));
    let pairs = "[(\"order\", \"7\"), (\"note\", \"x y\")]";
    assert_eq!(taken::<Vec<(String, String)>>(route, path).await, Ok(pairs.into()));
    let map = "{\"note\": \"x y\", \"order\": \"7\"}";
    assert_eq!(taken::<BTreeMap<String, String>>(route, path).await, Ok(map.into()));
    assert_eq!(taken::<HashMap<String, String>>("/{a}", "/1").await, Ok("{\"a\": \"1\"}".into()));
    assert_eq!(taken::<(u8,)>("/{a}", "/1").await, Ok("(1,)".into()));
}

#[tokio::test]
async fn a_client_is_told_which_capture_is_wrong() {
    async fn check<T: DeserializeOwned + std::fmt::Debug + Send + 'static>(path: &str, parameter: &str, why: &str) {
        let problem = taken::<T>("/{order}/lines/{note}", path).await.unwrap_err();
        assert_eq!((&problem["status"], &problem["parameter"]), (&json!(400), &json!(parameter)));
        let detail = problem["detail"].as_str().unwrap();
        assert_eq!(detail, format!("the path of the URL cannot be used: {why}"));
    }
    check::<(u32, u32)>("/7/lines/x%20y", "note", "expected u32 for `note`, found `x y`").await;
    check::<Line>("/7x/lines/x", "order", "expected u32 for `order`, found `7x`").await;
    check::<(Color, String)>(
        "/blue/lines/x",
        "order",
        "`order` cannot be `blue`: unknown variant `blue`, expected `red` or `green`",
    )
    .await;
    let zero = "`note` cannot be `0`: invalid value: integer `0`, expected a nonzero u8";
    check::<(u8, std::num::NonZeroU8)>("/7/lines/0", "note", zero).await;
}

#[tokio::test]
async fn a_path_that_is_not_utf8_is_a_400() {
    let problem = taken::<String>("/{id}", "/%ff").await.unwrap_err();
    assert_eq!((&problem["status"], &problem["parameter"]), (&json!(400), &json!("id")));
    assert_eq!(taken::<()>("/{id}", "/%ff").await.unwrap_err()["status"], 400);
}

#[tokio::test]
async fn a_type_that_does_not_fit_the_route_is_a_500() {
    async fn check<T: DeserializeOwned + std::fmt::Debug + Send + 'static>(route: &'static str, path: &str) {
        assert_eq!(taken::<T>(route, path).await.unwrap_err(), problem_of(500));
    }
    check::<u32>("/{a}/{b}", "/1/2").await;
    check::<(u32, u32)>("/{a}", "/1").await;
    check::<u32>("/none", "/none").await;
    check::<Vec<Vec<u8>>>("/{a}", "/1").await;
    check::<Color>("/{a}", "/green").await;
}

fn problem_of(status: u16) -> Value {
    json!({"type": "about:blank", "title": "Internal Server Error", "status": status})
}

#[tokio::test]
async fn an_optional_path_is_none_without_captures() {
    let optional = |mut request: Request| async move {
        let id = part::<Option<Path<u32>>>(&mut request).await?;
        Ok::<_, axum::response::Response>(format!("{:?}", id.map(|Path(id)| id)))
    };
    let open = Bench::new().on(get("/"), optional).on(get("/{id}"), optional).open();
    assert_eq!(open.get("/").await.text(), "None");
    assert_eq!(open.get("/7").await.text(), "Some(7)");
    assert_eq!(problem(&open.get("/x").await)["parameter"], "id");
}

#[tokio::test]
async fn the_extractors_of_axum_find_what_they_look_for_before_and_after_a_path() {
    let handler = |mut request: Request| async move {
        let before = part::<MatchedPath>(&mut request).await?;
        let Path(id) = part::<Path<u32>>(&mut request).await?;
        let axum::extract::Path(same) = part::<axum::extract::Path<u32>>(&mut request).await?;
        let raw = part::<RawPathParams>(&mut request).await?;
        let raw: Vec<_> = raw.iter().collect();
        let after = last::<MatchedPath, _>(&mut request).await?;
        assert_eq!(before.as_str(), after.as_str());
        Ok::<_, axum::response::Response>(format!("{} {id} {same} {raw:?}", before.as_str()))
    };
    let open = Bench::new().on(get("/orders/{id}"), handler).open();
    assert_eq!(open.get("/orders/7").await.text(), "/orders/{id} 7 7 [(\"id\", \"7\")]");
    assert_eq!(open.get("/orders/8/").await.text(), "/orders/{id}/ 8 8 [(\"id\", \"8\")]");
}

#[tokio::test]
async fn many_captures_take_the_way_through_axum() {
    let open = Bench::new()
        .on(get("/{a}/{b}/{c}/{d}/{e}"), |mut request: Request| async move {
            let Path(all) = part::<Path<[u8; 5]>>(&mut request).await?;
            assert!(request.is_prepared());
            Ok::<_, axum::response::Response>(format!("{all:?}"))
        })
        .open();
    assert_eq!(open.get("/1/2/3/4/5").await.text(), "[1, 2, 3, 4, 5]");
}
