//! A unit of work under way, up to its canonical line.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;
use tokio::time::Instant;
use tracing_core::Level;

use super::{
    Unit,
    ids::{Lent, Slot},
    kind::{Ending, Kind, Outcome},
};
use crate::{
    logging::{Fields, OwnedValue, Value},
    process::{Panic, catch},
    scope::Scope,
};

pin_project! {
    /// The future of a unit of work.
    #[must_use = "futures do nothing unless polled"]
    pub(super) struct Running<F, O> {
        story: Story,
        scope: Option<Arc<Scope>>,
        ids: Slot,
        // Absent once it is done; dropping it is part of the work too.
        #[pin]
        work: Option<F>,
        ending: Option<O>,
    }

    impl<F, O> PinnedDrop for Running<F, O> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.work.is_none() {
                return;
            }
            {
                let _scope = this.scope.as_ref().map(Scope::mark);
                let _ids = Lent::to_thread(this.ids);
                this.work.set(None);
            }
            if let Some(scope) = this.scope {
                this.story.end(scope, this.ids, &Ending::of(Outcome::Cancelled), None);
            }
        }
    }
}

impl<F, O> Running<F, O> {
    pub(super) fn new(unit: Unit, work: F, ending: O) -> Self {
        let Unit { kind, level, scope, name, ids, fields } = unit;
        let story = Story { kind, level, name, fields, since: None, chapter: Chapter::Before };
        Self { story, scope: scope.or_else(Scope::current), ids, work: Some(work), ending: Some(ending) }
    }
}

impl<F: Future, O: FnOnce(Result<&F::Output, &Panic>) -> Ending> Future for Running<F, O> {
    type Output = Result<F::Output, Panic>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(scope) = this.scope {
            this.story.begin(scope);
        }
        let polled = {
            let _scope = this.scope.as_ref().map(Scope::mark);
            let _ids = Lent::to_thread(this.ids);
            let polled = catch(|| match this.work.as_mut().as_pin_mut() {
                Some(work) => work.poll(cx),
                None => Poll::Pending,
            });
            if !matches!(polled, Ok(Poll::Pending)) {
                this.work.set(None);
            }
            polled
        };
        let result = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(output)) => Ok(output),
            Err(panic) => Err(panic),
        };
        let ending = match (&result, this.ending.take()) {
            (result, Some(ending)) => ending(result.as_ref()),
            (Ok(_), None) => Ending::ok(),
            (Err(panic), None) => Ending::panic(panic),
        };
        if let Some(scope) = this.scope {
            this.story.end(scope, this.ids, &ending, result.as_ref().err().and_then(Panic::backtrace));
        }
        Poll::Ready(result)
    }
}

/// What the canonical line will tell.
#[derive(Debug)]
struct Story {
    kind: Kind,
    level: Level,
    name: Option<&'static str>,
    fields: Vec<(&'static str, OwnedValue)>,
    /// Reading the clock is worth it only if there is going to be a line.
    since: Option<Instant>,
    chapter: Chapter,
}

#[derive(Debug, PartialEq, Eq)]
enum Chapter {
    Before,
    Working,
    Told,
}

impl Story {
    fn begin(&mut self, scope: &Scope) {
        if self.chapter == Chapter::Before {
            self.chapter = Chapter::Working;
            let will_be_told = scope.logs().tells(self.level, self.kind);
            self.since = will_be_told.then(Instant::now);
            scope.work().begin(self.kind, scope.metrics());
        }
    }

    /// Says the canonical line, once, of work that has begun.
    fn end(&mut self, scope: &Scope, ids: &mut Slot, ending: &Ending, backtrace: Option<&str>) {
        if self.chapter != Chapter::Working {
            return;
        }
        self.chapter = Chapter::Told;
        scope.work().end(self.kind, scope.metrics(), ending.outcome);
        let level = ending.outcome.level(self.level);
        if scope.logs().tells(level, self.kind) {
            let target = self.kind.target();
            let told = Told { story: self, ending, backtrace };
            scope.logs().write(level, target, None, ids.make().map(|ids| &**ids), &told);
        }
    }
}

/// The message and the fields of the canonical line.
struct Told<'a> {
    story: &'a Story,
    ending: &'a Ending,
    backtrace: Option<&'a str>,
}

impl Fields for Told<'_> {
    fn message(&self, give: &mut dyn FnMut(Value<'_>)) {
        give(Value::Str(self.story.kind.message()));
    }

    fn each(&self, give: &mut dyn FnMut(&str, Value<'_>)) {
        if let Some(name) = self.story.name {
            give("name", Value::Str(name));
        }
        for (name, value) in &self.story.fields {
            give(name, value.borrow());
        }
        give("outcome", Value::Str(self.ending.outcome.as_str()));
        if let Some(since) = self.story.since {
            give("time_ms", Value::Millis(since.elapsed()));
        }
        if let Some(error) = &self.ending.error {
            give("error", Value::Str(error));
        }
        if let Some(backtrace) = self.backtrace {
            give("backtrace", Value::Str(backtrace));
        }
    }
}
