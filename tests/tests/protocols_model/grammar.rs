//! The order of asyncio's callbacks, as a reader of what happened.

use crate::life::{Event, Lived};
use crate::{Op, Script};

/// What is known after the events so far.
#[derive(Default)]
struct Reader {
    is_strict: bool,
    keeps_open: bool,
    /// Which protocol is called next, if that is certain.
    protocols: Vec<usize>,
    is_made: bool,
    is_lost: bool,
    has_eof: bool,
    /// `close`, `abort` or the end of the stream: nothing is received any more.
    is_closing: bool,
    was_aborted: bool,
    is_paused_reading: bool,
    is_paused: bool,
    /// The peer may have caused an error.
    peer_is_gone: bool,
    has_failed: bool,
}

impl Reader {
    fn does(&mut self, op: Op, is_inner: bool) {
        // From outside it may cross a callback that is going on.
        let is_certain = self.is_strict || is_inner;
        match op {
            Op::Close => self.is_closing |= is_certain,
            Op::Abort => {
                self.is_closing |= is_certain;
                self.was_aborted = true;
            }
            Op::PauseReading if is_certain => self.is_paused_reading = true,
            Op::PauseReading => {}
            Op::ResumeReading => self.is_paused_reading = false,
            Op::SetProtocol => {
                let next = self.protocols.last().map_or(1, |last| last + 1);
                if is_certain {
                    self.protocols.clear();
                }
                self.protocols.push(next);
            }
            Op::PeerResets | Op::PeerGoes => self.peer_is_gone = true,
            _ => {}
        }
    }

    /// A callback of this protocol.
    fn called(&mut self, protocol: usize) -> Result<(), &'static str> {
        if self.is_lost {
            return Err("called after connection_lost");
        }
        let place = self.protocols.iter().position(|known| *known == protocol);
        let Some(place) = place else { return Err("a protocol is called that was replaced") };
        self.protocols.drain(..place);
        Ok(())
    }

    fn read(&mut self, event: Event) -> Result<(), &'static str> {
        match event {
            Event::Does(op, is_inner) => {
                self.does(op, is_inner);
                return Ok(());
            }
            Event::Quiet(size, (low, high)) => return self.quiet(size, low, high),
            Event::Made(protocol) => {
                self.called(protocol)?;
                if std::mem::replace(&mut self.is_made, true) {
                    return Err("made twice");
                }
                return Ok(());
            }
            _ if !self.is_made => return Err("connection_made comes first"),
            Event::Data(protocol, count) => {
                self.called(protocol)?;
                self.receives()?;
                if count == 0 {
                    return Err("data_received without data");
                }
            }
            Event::Eof(protocol) => {
                self.called(protocol)?;
                self.receives()?;
                self.has_eof = true;
                // What the callback does is noted after this: it may still close, but no more is received.
                self.is_closing |= !self.keeps_open;
            }
            Event::Pause(protocol) => {
                self.called(protocol)?;
                if std::mem::replace(&mut self.is_paused, true) {
                    return Err("paused twice");
                }
            }
            Event::Resume(protocol) => {
                self.called(protocol)?;
                if !std::mem::replace(&mut self.is_paused, false) {
                    return Err("resumed without a pause");
                }
            }
            Event::Lost(protocol, error) => {
                self.called(protocol)?;
                self.is_lost = true;
                self.has_failed = error.is_some();
                if error.is_some() && !self.peer_is_gone {
                    return Err("an error that nobody made");
                }
                if error.is_none() && self.is_strict && !self.is_closing {
                    return Err("lost without an error, an end or a close");
                }
            }
        }
        Ok(())
    }

    fn receives(&self) -> Result<(), &'static str> {
        match (self.has_eof, self.is_closing, self.is_paused_reading) {
            (true, _, _) => Err("something is received after eof_received"),
            (_, true, _) => Err("something is received after close"),
            (_, _, true) => Err("something is received while reading is paused"),
            _ => Ok(()),
        }
    }

    fn quiet(&self, size: usize, low: usize, high: usize) -> Result<(), &'static str> {
        if self.is_lost || self.is_closing || self.peer_is_gone {
            return Ok(());
        }
        match self.is_paused {
            false if size > high => Err("above the high mark and not paused"),
            true if size <= low => Err("below the low mark and not resumed"),
            _ => Ok(()),
        }
    }
}

pub(crate) fn check(
    script: &Script,
    lived: &Lived,
    is_strict: bool,
    is_tls: bool,
) -> Result<(), String> {
    let mut reader = Reader {
        is_strict,
        keeps_open: script.keeps_open && !is_tls,
        protocols: vec![0],
        ..Reader::default()
    };
    for (number, event) in lived.events.iter().enumerate() {
        reader.read(*event).map_err(|why| format!("event {number}, {event:?}: {why}"))?;
    }
    if !reader.is_lost {
        return Err("connection_lost was not called".into());
    }
    if lived.received > lived.peer_sent || (reader.has_eof && lived.received != lived.peer_sent) {
        return Err(format!("{} bytes received of {}", lived.received, lived.peer_sent));
    }
    let is_whole = !reader.peer_is_gone && !reader.was_aborted;
    if is_whole && reader.is_paused {
        return Err("everything was sent, and the protocol was not told to resume".into());
    }
    // With unread bytes of the peer, the system may reset the connection instead of ending it.
    let was_read = lived.received == lived.peer_sent;
    let got_all = lived.peer_saw_end && lived.peer_read == lived.written;
    if lived.peer_read > lived.written || (is_whole && was_read && !got_all) {
        return Err(format!("the peer has read {} bytes of {}", lived.peer_read, lived.written));
    }
    Ok(())
}

/// Sequences that must not pass.
pub(crate) fn refuses_what_is_wrong() {
    use Event::{Data, Does, Eof, Lost, Made, Pause, Resume};
    let close = Does(Op::Close, false);
    let wrong: &[&[Event]] = &[
        &[Data(0, 1), Made(0), close, Lost(0, None)],
        &[Made(0), Made(0), close, Lost(0, None)],
        &[Made(0), close, Data(0, 1), Lost(0, None)],
        &[Made(0), Eof(0), Data(0, 1), close, Lost(0, None)],
        &[Made(0), Eof(0), Eof(0), close, Lost(0, None)],
        &[Made(0), close, Lost(0, None), Lost(0, None)],
        &[Made(0), close],
        &[Made(0), Lost(0, None)],
        &[Made(0), close, Lost(0, Some(std::io::ErrorKind::BrokenPipe))],
        &[Made(0), Resume(0), close, Lost(0, None)],
        &[Made(0), Pause(0), Pause(0), Does(Op::Abort, false), Lost(0, None)],
        &[Made(0), Pause(0), close, Lost(0, None)],
        &[Made(0), Does(Op::PauseReading, false), Data(0, 1), close, Lost(0, None)],
        &[Made(0), Does(Op::SetProtocol, false), Data(0, 1), close, Lost(1, None)],
        &[Made(0), Event::Quiet(2, (0, 1)), close, Lost(0, None)],
    ];
    let script = Script { outer: Vec::new(), inner: Vec::new(), keeps_open: true };
    let lived = |events: &[Event]| Lived {
        events: events.to_vec(),
        peer_sent: 0,
        received: 0,
        written: 0,
        peer_read: 0,
        peer_saw_end: true,
    };
    for events in wrong {
        assert!(check(&script, &lived(events), true, false).is_err(), "{events:?}");
    }
    let right = [Made(0), Data(0, 1), Pause(0), Resume(0), Eof(0), close, Lost(0, None)];
    check(&script, &lived(&right), true, false).unwrap();
}
