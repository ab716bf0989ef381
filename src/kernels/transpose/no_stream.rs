//! No non-temporal stores: on these machines they were measured nowhere.

use super::job::Job;
use super::{Strategy, Strip};

/// How a level writes whole cache lines: there is no such level.
pub enum Stream {}

impl Stream {
    /// See `stream::Stream::choose`.
    pub fn choose(
        &self,
        _: Strip,
        _: usize,
        _: *mut u8,
        _: isize,
        _: usize,
        _: usize,
    ) -> Option<Strategy> {
        match *self {}
    }
}

/// How lines get into the destination: there is no such way.
#[derive(Clone, Copy)]
pub enum Lines {}

impl Lines {
    /// See `stream::Lines::stage`.
    pub fn stage(self) -> usize {
        match self {}
    }

    /// See `stream::Lines::group`.
    pub fn group(self) -> usize {
        match self {}
    }

    /// See `stream::Lines::run`.
    ///
    /// # Safety
    /// It cannot be called.
    pub unsafe fn run(
        self,
        _: &Job,
        _: *mut u8,
        _: *const u8,
        _: usize,
        _: usize,
    ) -> Option<(usize, usize)> {
        match self {}
    }

    /// See `stream::Lines::fence`.
    pub fn fence(self) {
        match self {}
    }
}
