use super::*;

#[test]
fn bell_that_was_rung_often_is_heard_once() {
    let bell = Bell::new().unwrap();
    assert_eq!(bell.take().unwrap_err().kind(), io::ErrorKind::WouldBlock);
    for count in [1, 2, 100] {
        (0..count).for_each(|_| bell.ringer().ring());
        bell.take().unwrap();
        assert_eq!(bell.take().unwrap_err().kind(), io::ErrorKind::WouldBlock, "{count} rings");
    }
}

#[test]
fn bell_that_is_full_does_not_block_its_ringer() {
    let bell = Bell::new().unwrap();
    (0..100_000).for_each(|_| bell.ringer().ring());
    bell.take().unwrap();
}

#[test]
fn names_are_those_of_the_system() {
    let shown = [
        (SignalKind::interrupt(), "SIGINT"),
        (SignalKind::window_change(), "SIGWINCH"),
        (SignalKind::from_raw(libc::SIGKILL), "SIGKILL"),
        (SignalKind::from_raw(-3), "signal -3"),
    ];
    for (kind, name) in shown {
        assert_eq!(format!("{kind:?}"), name);
    }
    assert_eq!(SignalKind::terminate().exit_code(), 143);
}

#[test]
fn signals_without_a_handler_are_refused_by_name() {
    for kind in ["SIGKILL", "SIGSTOP", "SIGSEGV", "SIGFPE", "SIGILL"] {
        let number = [libc::SIGKILL, libc::SIGSTOP, libc::SIGSEGV, libc::SIGFPE, libc::SIGILL]
            .into_iter()
            .find(|number| format!("{:?}", SignalKind::from_raw(*number)) == kind)
            .unwrap();
        let error = SignalKind::from_raw(number).check().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().starts_with(kind), "{error}");
        assert!(signal_hook_registry::FORBIDDEN.contains(&number));
    }
}
