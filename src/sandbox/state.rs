//! What the sandbox holds, and the handle by which tests and the demo look at it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Options;
use super::fault::{Fault, Faults};
use super::grade_book::{Grade, GradeBook};
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

    /// Forgets the requests.
    pub fn clear(&self) {
        self.0.recorder().clear();
    }

    /// Adds faults behind those that are pending.
    pub fn add_faults(&self, faults: Vec<Fault>) {
        self.0.faults().add(faults);
    }

    /// The faults that have not struck yet.
    pub fn pending_faults(&self) -> Vec<Fault> {
        self.0.faults().pending()
    }

    /// Drops the pending faults.
    pub fn clear_faults(&self) {
        self.0.faults().clear();
    }

    /// Every cell of the grade book, as the platform shows it.
    pub fn grades(&self) -> Vec<Grade> {
        self.0.grade_book().grades(self.0.options.lms)
    }
}
