//! Passing messages between two sockets (zmq_proxy(3), zmq_proxy_steerable(3)).

use super::{PollItem, PollTarget, SendFlags, Socket, poll};
use crate::error::{Error, Result};
use crate::mailbox::Events;
use crate::message::Message;
use crate::numbers::ZMQ_TYPE;
use std::time::Duration;

/// Messages passed in one direction before the other has its turn.
const BURST: usize = 1000;

/// Messages and bytes, in and out of one socket.
#[derive(Default, Clone, Copy)]
struct Statistics {
    received: [u64; 2],
    sent: [u64; 2],
}

/// Passes messages between `frontend` and `backend` until the context ends, with copies to
/// `capture`. `control` takes the commands PAUSE, RESUME, TERMINATE and STATISTICS.
///
/// # Errors
/// Those of polling, receiving and sending; [`Error::Terminated`] in the end.
pub(crate) fn proxy(
    frontend: &'static Socket,
    backend: &'static Socket,
    capture: Option<&'static Socket>,
    control: Option<&'static Socket>,
) -> Result<()> {
    let mut statistics = [Statistics::default(); 2];
    let mut paused = false;
    let same = std::ptr::eq(frontend, backend);
    let item = |socket, events| PollItem {
        target: PollTarget::Socket(socket),
        events,
        revents: Events::default(),
    };
    loop {
        // Only what can be passed on is waited for, so that a full receiver costs no processor.
        let mut items = Vec::with_capacity(3);
        items.extend(control.map(|control| item(control, Events::IN)));
        let first = items.len();
        if !paused {
            items.push(item(frontend, Events::IN));
            items.push(item(backend, Events::IN));
        }
        poll(&mut items, None, None)?;
        if let Some(control) = control
            && items[0].revents == Events::IN
        {
            match command(control, &statistics)? {
                Command::Pause => paused = true,
                Command::Resume => paused = false,
                Command::Terminate => return Ok(()),
                Command::None => {}
            }
            continue;
        }
        if paused {
            continue;
        }
        let can_read = [items[first].revents, items[first + 1].revents].map(|e| e == Events::IN);
        let mut outs = [item(frontend, Events::OUT), item(backend, Events::OUT)];
        poll(&mut outs, Some(Duration::ZERO), None)?;
        // A REP on both sides may write only once it was read: one socket is not asked.
        let can_write = outs.map(|out| same || out.revents == Events::OUT);
        let (front, back) = statistics.split_at_mut(1);
        let mut passed = false;
        if can_read[0] && can_write[1] {
            passed = true;
            forward(frontend, backend, capture, &mut front[0], &mut back[0])?;
        }
        if !same && can_read[1] && can_write[0] {
            passed = true;
            forward(backend, frontend, capture, &mut back[0], &mut front[0])?;
        }
        if !passed {
            // There are messages and no socket to take them: wait for a receiver.
            let mut waits = Vec::with_capacity(3);
            waits.extend(control.map(|control| item(control, Events::IN)));
            if can_read[0] {
                waits.push(item(backend, Events::OUT));
            }
            if can_read[1] {
                waits.push(item(frontend, Events::OUT));
            }
            poll(&mut waits, None, None)?;
        }
    }
}

/// Passes messages on while they are there, up to a burst.
fn forward(
    from: &Socket,
    to: &Socket,
    capture: Option<&'static Socket>,
    source: &mut Statistics,
    target: &mut Statistics,
) -> Result<()> {
    for _ in 0..BURST {
        let mut bytes = 0;
        loop {
            let mut part = match from.recv(true) {
                Err(Error::WouldBlock) => return Ok(()),
                received => received?,
            };
            let more = part.more();
            bytes += part.len() as u64;
            let flags = SendFlags { dont_wait: false, more };
            if let Some(capture) = capture {
                capture.send(&mut part.share(), flags)?;
            }
            to.send(&mut part, flags)?;
            if !more {
                break;
            }
        }
        source.received = [source.received[0] + 1, source.received[1] + bytes];
        target.sent = [target.sent[0] + 1, target.sent[1] + bytes];
        if !is_ready(to, Events::OUT)? {
            return Ok(());
        }
    }
    Ok(())
}

fn is_ready(socket: &Socket, events: Events) -> Result<bool> {
    let found = socket.with(|state| {
        state.process()?;
        Ok(state.events())
    })?;
    Ok(found.0 & events.0 != 0)
}

enum Command {
    Pause,
    Resume,
    Terminate,
    None,
}

/// Takes a command. A REP control socket gets an answer to each, an empty one except for
/// STATISTICS.
fn command(control: &Socket, statistics: &[Statistics; 2]) -> Result<Command> {
    let message = control.recv(false)?;
    let mut more = message.more();
    while more {
        more = control.recv(false)?.more();
    }
    let command = match message.data() {
        b"PAUSE" => Command::Pause,
        b"RESUME" => Command::Resume,
        b"TERMINATE" => Command::Terminate,
        b"STATISTICS" => {
            let numbers =
                statistics.iter().flat_map(|own| own.received.into_iter().chain(own.sent));
            for (index, number) in numbers.enumerate() {
                let mut part = Message::from_short(&number.to_ne_bytes());
                control.send(&mut part, SendFlags { dont_wait: false, more: index < 7 })?;
            }
            return Ok(Command::None);
        }
        _ => return Err(Error::InvalidArgument),
    };
    let mut kind = [0; 4];
    control.option(ZMQ_TYPE, &mut kind)?;
    if i32::from_ne_bytes(kind) == crate::zmtp::SocketType::Rep as i32 {
        control.send(&mut Message::new(), SendFlags::default())?;
    }
    Ok(command)
}
