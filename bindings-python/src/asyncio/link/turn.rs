//! What a link does on its loop's time: bytes both ways, turns, and the end of it.

use std::os::fd::AsRawFd;
use std::sync::atomic::Ordering;

use outlast::hosted::{Moved, Readiness, Settlement, Socket};
use pyo3::intern;
use pyo3::prelude::*;

use super::super::member::Member;
use super::super::reply::Reply;
use super::Link;
use super::watch::{call_soon, seconds, unwatch, watch};
use crate::errors::raised;

impl Link {
    pub(super) fn write(slf: &Bound<'_, Self>) -> PyResult<()> {
        let mut state = slf.get().state();
        state.gathered_bytes = 0;
        if state.write_awaited {
            return Ok(());
        }
        let Some(socket) = state.socket.as_ref() else {
            return Ok(());
        };
        let moved = state.member.client.write_to(socket);
        drop(state);
        Self::moved(slf, moved)
    }

    /// What bytes that went either way brought.
    pub(super) fn moved(slf: &Bound<'_, Self>, moved: Moved) -> PyResult<()> {
        let py = slf.py();
        match moved.socket {
            Readiness::Full => Self::await_writable(slf)?,
            Readiness::Lost => {
                Self::drop_socket(slf)?;
                if let Some(event_loop) = slf.get().event_loop(py) {
                    call_soon(&event_loop, &slf.getattr(intern!(py, "_woken"))?)?;
                }
            }
            _ => {}
        }
        Self::settle(slf, moved.settlements);
        Ok(())
    }

    pub(super) fn await_writable(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let mut state = slf.get().state();
        let socket = state.socket.as_ref().map(AsRawFd::as_raw_fd);
        let is_new = !std::mem::replace(&mut state.write_awaited, true);
        drop(state);
        match (slf.get().watcher(py), socket) {
            (Some(watcher), Some(socket)) if is_new => {
                let writable = slf.getattr(intern!(py, "_writable"))?;
                watcher.call_method1(intern!(py, "add_writer"), (socket, writable)).map(drop)
            }
            _ => Ok(()),
        }
    }

    /// Ends commands, all in this one turn of the loop.
    pub(super) fn settle(slf: &Bound<'_, Self>, settlements: Vec<Settlement>) {
        let py = slf.py();
        let mut state = slf.get().state();
        let ended: Vec<_> = settlements
            .into_iter()
            .filter_map(|one| Some((state.pending.take(one.command)?, one)))
            .collect();
        drop(state);
        for (waiter, settlement) in ended {
            if let Some(slices) = waiter.settle(py, settlement) {
                slf.get().state().slices.push_back(slices);
            }
        }
        // Where no callback can be planned there is nobody to tell.
        drop(Self::plan_slice(slf));
    }

    /// The next slice of a long reply takes its turn.
    fn plan_slice(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let mut state = slf.get().state();
        if state.slice_planned {
            return Ok(());
        }
        let Some(next) = state.slices.front() else {
            return Ok(());
        };
        let event_loop = next.event_loop(py);
        state.slice_planned = true;
        drop(state);
        call_soon(event_loop.bind(py), &slf.getattr(intern!(py, "_slice"))?)
    }

    pub(super) fn turn(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let link = slf.get();
        let member = link.state().member.clone();
        let (Some(event_loop), Some(watcher)) = (link.event_loop(py), link.watcher(py)) else {
            return Ok(());
        };
        // In this order: what happens after it was silenced rings the bell again.
        member.silence();
        let turn = member.client.turn();
        match turn.socket {
            Socket::Close => Self::drop_socket(slf)?,
            Socket::Adopt(socket) => {
                Self::drop_socket(slf)?;
                watch(&watcher, socket.as_raw_fd(), &slf.getattr(intern!(py, "_readable"))?)?;
                link.state().socket = Some(socket);
            }
            _ => {}
        }
        let timer = link.state().timer.take();
        if let Some(timer) = timer {
            timer.call_method0(py, intern!(py, "cancel"))?;
        }
        if let Some(ms) = turn.next_in_ms {
            Self::wake_in(slf, &event_loop, ms)?;
        }
        Self::write(slf)?;
        Self::settle(slf, turn.settlements);
        Self::settle_startup(slf, &member);
        if link.closed.load(Ordering::Relaxed) {
            Self::leave_loop(slf, &watcher)?;
        }
        Ok(())
    }

    /// The client is closed: nothing of it stays with the loop.
    pub(super) fn leave_loop(slf: &Bound<'_, Self>, watcher: &Bound<'_, PyAny>) -> PyResult<()> {
        Self::drop_socket(slf)?;
        let mut state = slf.get().state();
        let bell = state.member.bell.as_raw_fd();
        let left = state.leave();
        drop(state);
        let timer = left.timer.map(|timer| timer.into_bound(slf.py()));
        unwatch(watcher, bell)?;
        timer.map_or(Ok(()), |timer| timer.call_method0(intern!(slf.py(), "cancel")).map(drop))
    }

    pub(super) fn settle_startup(slf: &Bound<'_, Self>, member: &Member) {
        let py = slf.py();
        if slf.get().state().starting.is_empty() {
            return;
        }
        let Some(startup) = member.client.startup() else {
            return;
        };
        let starting = std::mem::take(&mut slf.get().state().starting);
        for reply in starting {
            let outcome = startup.as_ref().map(|()| py.None()).map_err(|error| raised(py, error));
            Reply::settle(reply.bind(py), outcome);
        }
    }

    pub(super) fn drop_socket(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let mut state = slf.get().state();
        let socket = state.socket.take();
        let was_awaited = std::mem::take(&mut state.write_awaited);
        drop(state);
        let (Some(socket), Some(watcher)) = (socket, slf.get().watcher(py)) else {
            return Ok(());
        };
        if was_awaited {
            watcher.call_method1(intern!(py, "remove_writer"), (socket.as_raw_fd(),))?;
        }
        unwatch(&watcher, socket.as_raw_fd())
    }

    /// The one timer: what has a deadline is looked at when the first is due.
    pub(super) fn wake_in(
        slf: &Bound<'_, Self>,
        event_loop: &Bound<'_, PyAny>,
        ms: u64,
    ) -> PyResult<()> {
        let py = slf.py();
        let due = slf.getattr(intern!(py, "_due"))?;
        let timer = event_loop.call_method1(intern!(py, "call_later"), (seconds(ms), due))?;
        slf.get().state().timer = Some(timer.unbind());
        Ok(())
    }
}

#[pymethods]
impl Link {
    /// The background thread has something for the loop.
    fn _woken(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::turn(slf)
    }

    /// A deadline may have come.
    fn _due(slf: &Bound<'_, Self>) -> PyResult<()> {
        slf.get().state().timer = None;
        Self::turn(slf)
    }

    /// The socket has something.
    fn _readable(slf: &Bound<'_, Self>) -> PyResult<()> {
        let mut state = slf.get().state();
        let Some(socket) = state.socket.as_ref() else {
            return Ok(());
        };
        let moved = state.member.client.read_from(socket);
        state.in_bursts = moved.settlements.len() > 1;
        drop(state);
        let is_ready = moved.socket == Readiness::Ready;
        Self::moved(slf, moved)?;
        // What could not be settled may have to go out once more.
        if is_ready && !slf.get().state().pending.is_empty() {
            return Self::write(slf);
        }
        Ok(())
    }

    /// The socket takes more.
    fn _writable(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let mut state = slf.get().state();
        state.write_awaited = false;
        let socket = state.socket.as_ref().map(AsRawFd::as_raw_fd);
        drop(state);
        if let (Some(watcher), Some(socket)) = (slf.get().watcher(py), socket) {
            watcher.call_method1(intern!(py, "remove_writer"), (socket,))?;
        }
        Self::write(slf)
    }

    /// Commands of one turn leave in one write.
    fn _flush(slf: &Bound<'_, Self>) -> PyResult<()> {
        slf.get().state().write_planned = false;
        Self::write(slf)
    }

    /// Does a slice of a long reply; several of them take turns.
    fn _slice(slf: &Bound<'_, Self>) -> PyResult<()> {
        let mut state = slf.get().state();
        state.slice_planned = false;
        let next = state.slices.pop_front();
        drop(state);
        if let Some(mut slices) = next
            && !slices.step(slf.py())
        {
            slf.get().state().slices.push_back(slices);
        }
        Self::plan_slice(slf)
    }

    /// The loop has turned since memory answered.
    fn _turned(slf: &Bound<'_, Self>) {
        let py = slf.py();
        let mut state = slf.get().state();
        state.next_turn_planned = false;
        state.answers = 0;
        let deferred = std::mem::take(&mut state.deferred);
        drop(state);
        for (reply, outcome) in deferred {
            Reply::settle(reply.bind(py), outcome);
        }
    }
}
