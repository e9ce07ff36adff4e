//! A to-do list over HTTP, kept in memory, in files or in SQLite.
//!
//! `cargo run --example todo` serves on 127.0.0.1:8080. `POST /tasks` with a title adds a task; `GET`, `PUT` and
//! `DELETE /tasks/{id}` do what they say. `--set resources.store.engine=sqlite --set resources.store.path=todo.db`
//! keeps the tasks across restarts.

#![allow(unreachable_pub, reason = "its modules read as those of a library would")]

mod id;
mod store;
mod task;

use std::{collections::BTreeMap, io};

use chassis::{
    axum::http::{HeaderName, StatusCode, header},
    logging::Profile,
    prelude::*,
};

use crate::{id::TaskId, store::Store, task::Task};

/// Remembers what is to be done.
#[microservice(name = "todo")]
struct Todo {
    /// Where the tasks are kept.
    #[resource]
    store: Store,
    /// Where they are asked for.
    #[resource(after = [store])]
    http: HttpServer,
}

#[microservice]
impl Todo {
    /// Every problem says what was asked, and under the DEVELOP profile what led to it.
    #[before(start, http)]
    async fn explain_problems(&self, cx: Context) {
        let is_develop = cx.settings().get("logging.profile").is_ok_and(|profile: Profile| profile == Profile::Develop);
        self.http.problem_hook(move |problem, request| {
            problem.insert("method", request.method().as_str());
            problem.insert("uri", request.uri().to_string());
            problem.insert("code", problem.status().as_u16());
            problem.insert("message", problem.summary().to_owned());
            if is_develop {
                let trace = problem.error().map(Error::chain).unwrap_or_default();
                problem.insert("trace", trace);
            }
        });
    }

    /// Lists all tasks by their ids.
    #[get("/tasks")]
    async fn list(&self) -> Result<Json<BTreeMap<String, Task>>, Problem> {
        let tasks = self.store.list().await.map_err(problem)?;
        Ok(Json(tasks.into_iter().map(|(id, task)| (id.to_string(), task)).collect()))
    }

    /// Adds a task.
    #[post("/tasks", any_json, status = 201)]
    async fn add(&self, Valid(task): Valid<Task>) -> Result<(StatusCode, [(HeaderName, String); 1]), Problem> {
        let id = self.store.insert(task).await.map_err(problem)?;
        Ok((StatusCode::CREATED, [(header::LOCATION, format!("/tasks/{id}"))]))
    }

    /// Tells one task.
    #[get("/tasks/{id}")]
    async fn tell(&self, Path(id): Path<String>) -> Result<Json<Task>, Problem> {
        let task = self.store.get(known(&id)?).await.map_err(problem)?;
        task.map(Json).ok_or_else(|| unknown(&id))
    }

    /// Replaces a task.
    #[put("/tasks/{id}", any_json, status = 204)]
    async fn replace(&self, Path(id): Path<String>, Valid(task): Valid<Task>) -> Result<StatusCode, Problem> {
        let was_there = self.store.replace(known(&id)?, task).await.map_err(problem)?;
        if was_there { Ok(StatusCode::NO_CONTENT) } else { Err(unknown(&id)) }
    }

    /// Forgets a task.
    #[delete("/tasks/{id}", status = 204)]
    async fn forget(&self, Path(id): Path<String>) -> Result<StatusCode, Problem> {
        let was_there = self.store.remove(known(&id)?).await.map_err(problem)?;
        if was_there { Ok(StatusCode::NO_CONTENT) } else { Err(unknown(&id)) }
    }
}

/// The id in a path; a text that is no id names no task.
fn known(id: &str) -> Result<TaskId, Problem> {
    TaskId::parse(id).ok_or_else(|| unknown(id))
}

fn unknown(id: &str) -> Problem {
    Problem::not_found().detail(format!("there is no task `{id}`"))
}

/// A full disk is the client's to know: trying again later may help.
fn problem(error: Error) -> Problem {
    let is_full = error.find::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::StorageFull);
    if is_full { Problem::new(StatusCode::INSUFFICIENT_STORAGE).because(error) } else { Problem::from(error) }
}

fn main() -> std::process::ExitCode {
    Todo::run()
}

#[cfg(test)]
mod tests {
    use super::Todo;

    #[test]
    fn the_sample_is_what_the_settings_are() {
        // Built with the feature `etcd`, for other packages of the workspace, there is a section more.
        if chassis::testing::sample::<Todo>().contains("\n    registry:\n") {
            return;
        }
        chassis::testing::assert_sample::<Todo>("todo/settings.sample.yml");
    }
}
