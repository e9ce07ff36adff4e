//! Why a method is called: what stands in the parentheses of `#[task]`, `#[task_timer]`, `#[before]` and the like.

use std::time::Duration;

use super::{
    intake,
    model::{Kind, Schedule, Timer, When},
    route,
};
use crate::{args::Args, cron, errors::Errors, suggest};

/// What a service can hook into.
const PHASES: [&str; 8] = ["pre_start", "start", "post_start", "open", "close", "drain", "stop", "post_stop"];

/// Reads the attribute of this name.
pub(super) fn parse(name: &str, mut args: Args, errors: &mut Errors) -> Option<Kind> {
    match name {
        "task" => {
            let restart = args.choice("restart", &["never", "on-failure", "always"], errors);
            let on_give_up = args.choice("on_give_up", &["stop", "degrade"], errors);
            let stop_when_done = args.flag("stop_when_done", errors).unwrap_or(false);
            let leader = args.flag_at("leader", errors);
            if let (Some(span), true) = (leader, stop_when_done) {
                errors.at_span(
                    span,
                    "a replica that is not the leader never begins this task, so it would never be done and never stop: remove \
                     `stop_when_done` or `leader`",
                );
            }
            if let (Some(("always", span)), true) = (restart, stop_when_done) {
                errors.at_span(
                    span,
                    "a task that is always started again is never done, so nothing can stop when it is: remove `stop_when_done`, \
                     or write `restart = \"on-failure\"`",
                );
            }
            args.done(errors);
            Some(Kind::Task {
                restart: restart.map(|(restart, _)| restart),
                on_give_up: on_give_up.map(|(on_give_up, _)| on_give_up),
                stop_when_done,
                leader,
            })
        }
        "task_timer" => timer(args, errors).map(Kind::Timer),
        "thread" => {
            args.done(errors);
            Some(Kind::Thread)
        }
        "before" => hook(When::Before, args, errors),
        "after" => hook(When::After, args, errors),
        "on" => handler(args, errors),
        "subscribe" | "pull" | "reply" => intake::parse(name, args, errors).map(Kind::Intake),
        _ => route::parse(name, args, errors).map(Kind::Route),
    }
}

fn timer(mut args: Args, errors: &mut Errors) -> Option<Timer> {
    let before = errors.count();
    let span = args.span;
    let interval = args.duration("interval", errors);
    if let Some((Duration::ZERO, value)) = &interval {
        errors.at(value, "an interval of zero would never let anything else run; write at least `\"1ms\"`");
    }
    let cron = args.text("cron", errors);
    let zone = args.text("timezone", errors);
    let timer = |schedule, args: &mut Args, errors: &mut Errors| Timer {
        schedule,
        one_shot: args.flag("one_shot", errors).unwrap_or(false),
        immediate: args.flag("immediate", errors).unwrap_or(false),
        autostart: args.flag("autostart", errors).unwrap_or(true),
        overlap: args.choice("overlap", &["skip", "queue"], errors).map(|(overlap, _)| overlap),
        jitter: args.duration("jitter", errors).map(|(jitter, _)| jitter),
        leader: args.flag_at("leader", errors),
    };
    let is_told = errors.count() > before;
    let schedule = match (interval, cron) {
        (Some((interval, _)), None) => {
            if let Some(zone) = &zone {
                errors.at(zone, "an interval knows no time zone; `timezone` goes with `cron`");
            }
            Some(Schedule::Every(interval))
        }
        (None, Some(expression)) => {
            if let Err(message) = cron::check(&expression.value()) {
                errors.at(&expression, message);
            }
            if let Some(zone) = &zone
                && (zone.value().is_empty() || zone.value().contains(char::is_whitespace))
            {
                errors.at(zone, "`timezone` is the IANA name of a time zone, such as `\"Europe/Berlin\"`");
            }
            Some(Schedule::Cron { expression, zone })
        }
        (Some(_), Some(expression)) => {
            errors.at(&expression, "a timer follows an interval or a calendar, not both: remove `interval` or `cron`");
            None
        }
        (None, None) => {
            if !is_told {
                errors.at_span(
                    span,
                    "a timer needs to know when: `#[task_timer(interval = \"1s\")]` or `#[task_timer(cron = \"0 3 * * *\")]`",
                );
            }
            None
        }
    };
    let timer = timer(schedule.unwrap_or(Schedule::Every(Duration::ZERO)), &mut args, errors);
    args.done(errors);
    (errors.count() == before).then_some(timer)
}

fn hook(when: When, mut args: Args, errors: &mut Errors) -> Option<Kind> {
    let attribute = args.attribute().trim_matches(['#', '[', ']']).to_owned();
    let span = args.span;
    let (phase, resource) = (args.leading_name(&[]), args.leading_name(&[]));
    args.done(errors);
    let Some(phase) = phase else {
        errors.at_span(
            span,
            format!("`#[{attribute}]` needs a phase, such as `#[{attribute}(start)]`: {}", suggest::one_of(&PHASES)),
        );
        return None;
    };
    if !PHASES.contains(&phase.to_string().as_str()) {
        let hint = match suggest::nearest(&phase.to_string(), PHASES) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => {
                format!("it is {}; for one resource write `#[{attribute}(start, field)]`", suggest::one_of(&PHASES))
            }
        };
        errors.at(&phase, format!("there is no phase `{phase}`: {hint}"));
        return None;
    }
    Some(Kind::Hook { when, phase, resource })
}

fn handler(mut args: Args, errors: &mut Errors) -> Option<Kind> {
    let span = args.span;
    let field = args.leading_name(&[]);
    let matcher = args.positional();
    let before = errors.count();
    match (&field, &matcher) {
        (Some(_), Some(_)) => {}
        (Some(field), None) => errors.at_span(
            span,
            format!("`#[on({field})]` does not say what it matches: write `#[on({field}, matcher)]`, as the resource documents it"),
        ),
        (None, Some(other)) => errors.at(
            other,
            "`#[on]` begins with the field of the resource that calls the method: `#[on(field, matcher)]`",
        ),
        (None, None) => errors.at_span(
            span,
            "`#[on]` needs the field of the resource that calls the method, and what it matches: `#[on(field, matcher)]`",
        ),
    }
    if errors.count() == before {
        args.done(errors);
    }
    Some(Kind::Handler { field: field?, matcher: matcher? })
}
