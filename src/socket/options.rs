//! The options of an open socket, and what only its state knows.

use super::Socket;
use super::state::State;
use crate::error::{Error, Result};
use crate::numbers::{ZMQ_BUSY_WAIT, ZMQ_RCVHWM, ZMQ_SNDHWM};
use crate::options::{LiveOption, OptionValue, SetEffect, Value};

impl Socket {
    /// Sets an option (zmq_setsockopt(3)); `None` is a NULL value.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], [`Error::Terminated`], [`Error::NotASocket`].
    pub(crate) fn set_option(&self, option: i32, value: Option<&[u8]>) -> Result<()> {
        self.with(|state| {
            state.allow_options()?;
            let State { core, pattern, .. } = state;
            match core.options.set(option, value)? {
                SetEffect::Stored if state.context.is_inherited() => return Ok(()),
                SetEffect::Stored => {}
                _ if state.context.is_inherited() => return Err(Error::Interrupted),
                SetEffect::Subscribe(prefix) => pattern.subscribe(core, prefix)?,
                SetEffect::Unsubscribe(prefix) => pattern.unsubscribe(core, prefix)?,
            }
            if option == ZMQ_BUSY_WAIT {
                state.mailbox.spin_policy.set_bound(core.options.busy_wait);
            }
            if matches!(option, ZMQ_SNDHWM | ZMQ_RCVHWM) {
                let options = &core.options;
                let (send, receive) =
                    (options.send_high_water_mark, options.receive_high_water_mark);
                for id in core.pipes.set_shares(send, receive) {
                    pattern.writable(core, id);
                }
                state.mailbox.wake_waiters();
            }
            Ok(())
        })
    }

    /// Reads an option into `out` (zmq_getsockopt(3)); returns how many bytes it has. What
    /// remains of the buffer is filled with zeros, as libzmq does.
    ///
    /// # Errors
    /// As [`set_option`](Self::set_option).
    pub(crate) fn option(&self, option: i32, out: &mut [u8]) -> Result<usize> {
        self.with(|state| {
            state.allow_options()?;
            let room = out.len();
            let value = match state.core.options.get(option, room)? {
                OptionValue::Value(value) => value,
                OptionValue::Live(LiveOption::ReceiveMore) => {
                    Value::live_int(state.receiving.into(), room)?
                }
                OptionValue::Live(LiveOption::Descriptor) => {
                    let checked = Value::live_int(-1, room).is_ok();
                    let descriptor = if checked { state.mailbox.descriptor()? } else { -1 };
                    Value::live_int(descriptor, room)?
                }
                OptionValue::Live(LiveOption::Events) => {
                    state.process()?;
                    Value::live_int(state.events().0.into(), room)?
                }
                OptionValue::Live(LiveOption::TopicsCount) => {
                    state.process()?;
                    let count = state.pattern.topics().ok_or(Error::InvalidArgument)?;
                    Value::live_int(i32::try_from(count).unwrap_or(i32::MAX), room)?
                }
                OptionValue::Live(LiveOption::LastEndpoint) => {
                    Value::text(state.endpoints.last().as_bytes(), room)?
                }
            };
            let bytes = value.as_bytes();
            let (place, rest) =
                out.split_at_mut_checked(bytes.len()).ok_or(Error::InvalidArgument)?;
            place.copy_from_slice(bytes);
            rest.fill(0);
            Ok(bytes.len())
        })
    }
}
