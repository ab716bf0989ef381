//! Matches releases to acquisitions.

use core::ffi::c_void;
use core::ptr;

use super::facts::Fact;
use super::origins::Origin;
use super::places::Place;
use super::process;
use super::record::Record;
use super::state::{Mode, State};
use super::tally::Mistake;
use crate::abi::Py_buffer;
use crate::runtime::{Runtime, copies};

impl State {
    /// Matches a release to its acquisition.
    ///
    /// # Safety
    /// * OBJECT: the view is about to be released, and holds an object.
    pub unsafe fn before_release(
        &self,
        runtime: &Runtime,
        view: &Py_buffer,
        caller: *const c_void,
    ) {
        let address = ptr::from_ref(view).addr();
        if let Some(record) = self.records.take(address, view.obj.addr()) {
            self.settle(&record);
        } else if !self.interposition.sees_acquisitions(runtime) {
            // The acquisition may not have been seen, so nothing can be said of this release. But if the view was
            // moved, it is no longer held.
            if !self.records.forget(address)
                && let Some(record) = self.records.take_original(view)
            {
                self.settle(&record);
            }
        } else if self.origins.places.call_sites.at(caller).is_none_or(|site| site.is_host) {
            // The interpreter calls slots directly, fills views by hand (as the library does for memoryviews), and
            // releases copies that it made for another interpreter.
            if let Some(record) = self.records.excuse(address) {
                if record.origin.is_some() {
                    self.uncount_acquisition();
                }
            } else if let Some(record) = self.records.take_freed_original(view) {
                self.settle(&record);
            }
        } else {
            // SAFETY: the same view (caller: OBJECT).
            unsafe { self.released_wrongly(runtime, view, caller) };
        }
    }

    /// All acquisitions are seen, and this view had none.
    ///
    /// # Safety
    /// * OBJECT: as for [`Self::before_release`].
    #[cold]
    unsafe fn released_wrongly(&self, runtime: &Runtime, view: &Py_buffer, caller: *const c_void) {
        let (mistake, origin) = if let Some(record) = self.records.take_original(view) {
            self.settle(&record);
            (Mistake::Moved, record.origin)
        } else if self.records.forget(ptr::from_ref(view).addr()) {
            // Its `Py_buffer` was filled with another view and changed since, so this is not a view that was never
            // acquired.
            return;
        } else {
            match self.records.released_origin(view) {
                Some(origin) => (Mistake::Twice, Some(origin)),
                None => (Mistake::NeverAcquired, None),
            }
        };
        // Nothing is reported if a record may be missing, or if a copy of the library does not take part; nor is
        // the move of a view that was not acquired by `PyObject_GetBuffer`.
        let is_doubtful = !self.records.is_complete() || !copies::all_watch();
        if is_doubtful || (mistake == Mistake::Moved && origin.is_none()) {
            return;
        }
        // SAFETY: the thread is about to use the view's object (caller: OBJECT).
        let by = unsafe { self.origins.place(runtime, caller) };
        // SAFETY: the same view (caller: OBJECT).
        unsafe { self.tell_release(runtime, view, mistake, origin, by) };
    }

    /// A view is no longer outstanding.
    fn settle(&self, record: &Record) {
        if record.origin.is_some() {
            self.count_release();
        }
        record.close();
        self.records.remember(record);
    }

    /// Reports a wrong release: writes a line, unless this type already had one for the mistake or there were enough,
    /// and ends the process if it is to be aborted.
    ///
    /// # Safety
    /// * OBJECT: as for [`Self::before_release`].
    #[cold]
    unsafe fn tell_release(
        &self,
        runtime: &Runtime,
        view: &Py_buffer,
        mistake: Mistake,
        origin: Option<&'static Origin>,
        by: Option<&'static Place>,
    ) {
        let exporter = match origin {
            Some(origin) => Some(origin.exporter),
            // SAFETY: an object (caller: OBJECT).
            None => unsafe { self.origins.exporter(runtime, view.obj) },
        };
        let bit = mistake as u8;
        let place = origin.and_then(|origin| origin.place);
        if exporter.is_some_and(|exporter| {
            exporter.leaves_out(bit, place.filter(|place| place.is_wanted).or(by))
        }) {
            return;
        }
        if !exporter.is_some_and(|exporter| exporter.reported.is_known(bit, self.tally(bit))) {
            self.tell(&Fact::Release { mistake, exporter, origin, by });
        }
        if self.mode == Mode::Abort {
            process::abort();
        }
    }
}
