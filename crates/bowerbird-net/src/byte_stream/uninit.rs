//! Reading into memory that is not initialised, for the traits whose buffers are like that.

use std::io;
use std::mem::MaybeUninit;
use std::task::{Context, Poll};

use super::Core;
use crate::socket::OsRead;

impl<O: OsRead> Core<O> {
    /// Receives; the bytes that are counted are initialised.
    #[inline]
    pub(crate) fn poll_recv_uninit(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [MaybeUninit<u8>],
    ) -> Poll<io::Result<usize>> {
        self.source().poll_read_with(cx, |_| {
            let length = buffer.len();
            self.recv_with(length, |os| os.recv_uninit(buffer))
        })
    }
}
