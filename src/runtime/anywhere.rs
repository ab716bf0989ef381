//! References that are dropped by any thread, at any time: without the GIL, and after the interpreter's end.

use super::{Runtime, standalone};
use crate::error::Raised;

/// The life of an object world in which an object was made: an interpreter can be finalised and initialised again.
#[derive(Clone, Copy)]
pub struct Life(usize);

impl Runtime {
    /// The present life; `None` in a subinterpreter, whose objects cannot be dropped by any thread. `Err` if no thread
    /// state is attached.
    pub fn life(&self) -> Result<Option<Life>, Raised> {
        match &self.host {
            Some(host) if !host.is_attached() => Err(Raised),
            Some(host) => Ok(host.life().map(Life)),
            None => Ok(Some(Life(0))),
        }
    }

    /// Calls `run`, which may drop references of this life, where no error is pending; any thread may call this, with
    /// and without the GIL. Does nothing, and returns false, if that life has ended or is ending in another thread.
    pub fn anywhere(&self, life: Life, run: &mut dyn FnMut()) -> bool {
        match &self.host {
            Some(host) => host.in_main(life.0, run),
            None => {
                standalone::errors::with_error_aside(run);
                true
            }
        }
    }
}
