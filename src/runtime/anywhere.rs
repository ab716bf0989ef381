//! References that are dropped by any thread, at any time: without the GIL, and after the interpreter's end.

use super::{Runtime, raised_text, standalone};
use crate::error::{Kind, Raised};

/// The life of an object world in which an object was made: an interpreter can be finalised and initialised again.
#[derive(Clone, Copy)]
pub struct Life(usize);

impl Runtime {
    /// The present life; an error raised where objects cannot be dropped by any thread: in a subinterpreter. `Err`
    /// without one if no thread state is attached.
    pub fn life(&self) -> Result<Life, Raised> {
        let Some(host) = &self.host else { return Ok(Life(0)) };
        if !host.is_attached() {
            return Err(Raised);
        }
        host.life().map(Life).ok_or_else(|| {
            raised_text(
                Kind::Buffer,
                c"a subinterpreter's object cannot be kept by a DLPack tensor, which may be deleted by any thread, \
                  also after this interpreter's end: export a copy (PYBUFFER_DLPACK_COPY, in Python copy=True)",
            )
        })
    }

    /// Calls `run`, which may drop references of this life, where no error is pending; any thread may call this, with
    /// and without the GIL. Does nothing, and returns false, if that life has ended or is ending in another thread.
    pub fn anywhere(&self, life: Life, run: impl FnOnce()) -> bool {
        match &self.host {
            Some(host) => host.in_main(life.0, run),
            None => {
                standalone::errors::with_error_aside(run);
                true
            }
        }
    }
}
