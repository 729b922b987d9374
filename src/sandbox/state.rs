//! What the sandbox holds, and the handle by which tests and the demo look at it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Options;
use super::fault::{Fault, Faults};
#[cfg(test)]
use super::grade_book::Grade;
use super::grade_book::GradeBook;
use super::platforms::Platforms;
use super::recorder::{Recorded, Recorder};

/// Everything behind the endpoints.
pub struct State {
    pub options: Options,
    recorder: Mutex<Recorder>,
    faults: Mutex<Faults>,
    grade_book: Mutex<GradeBook>,
    platforms: Mutex<Platforms>,
}

impl State {
    pub fn new(options: Options) -> Self {
        Self {
            options,
            recorder: Mutex::default(),
            faults: Mutex::default(),
            grade_book: Mutex::default(),
            platforms: Mutex::default(),
        }
    }

    pub fn recorder(&self) -> MutexGuard<'_, Recorder> {
        held(&self.recorder)
    }

    pub fn faults(&self) -> MutexGuard<'_, Faults> {
        held(&self.faults)
    }

    pub fn grade_book(&self) -> MutexGuard<'_, GradeBook> {
        held(&self.grade_book)
    }

    pub fn platforms(&self) -> MutexGuard<'_, Platforms> {
        held(&self.platforms)
    }
}

/// A panic elsewhere doesn't make a sandbox's data worse than it is.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A view into a running sandbox, from the same process. The `/_sandbox` pages show the same.
#[derive(Clone)]
pub struct Handle(Arc<State>);

impl Handle {
    pub(super) fn new(state: Arc<State>) -> Self {
        Self(state)
    }

    /// The requests that came, oldest first.
    pub fn requests(&self) -> Vec<Recorded> {
        self.0.recorder().requests()
    }

    /// Adds faults behind those that are pending.
    pub fn add_faults(&self, faults: Vec<Fault>) {
        self.0.faults().add(faults);
    }

    /// Every cell of the grade book, as the platform shows it.
    #[cfg(test)]
    pub fn grades(&self) -> Vec<Grade> {
        self.0.grade_book().grades(self.0.options.lms)
    }
}
