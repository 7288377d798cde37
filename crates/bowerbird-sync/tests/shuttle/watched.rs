//! `watch` and `broadcast`.

use std::task::Poll;

use bowerbird_sync::{broadcast, watch};
use shuttle::future::block_on;

use super::{Program, check, give_up, sometimes, together};

/// Two that change a value: who watches sees it grow, and sees the last one, whatever it gave up in between; then the
/// end. Who waits until nobody watches is told.
#[test]
fn watchers_see_the_last_value() {
    check(|| {
        let (sender, receiver) = watch::channel(0);
        let told = sender.clone();
        let mut programs: Vec<Program> = Vec::new();
        for _ in 0..2 {
            let sender = sender.clone();
            programs
                .push(Box::new(move || (0..2).for_each(|_| sender.send_modify(|sum| *sum += 1))));
        }
        for mut receiver in [receiver.clone(), receiver] {
            programs.push(Box::new(move || {
                let mut last = 0;
                while last < 4 {
                    if !sometimes() {
                        block_on(receiver.changed()).unwrap();
                    } else if give_up(receiver.changed()).is_pending() {
                        continue;
                    }
                    let value = *receiver.borrow_and_update();
                    assert!(value > last, "{value} after {last}");
                    last = value;
                }
            }));
        }
        drop(sender);
        let closing = told.clone();
        programs.push(Box::new(move || block_on(closing.closed())));
        together(programs);
        assert_eq!((told.receiver_count(), told.statistics().waiting), (0, 0));
    });
}

/// The last sender goes while others watch: what it said last is seen, and then the end.
#[test]
fn watchers_see_the_end() {
    check(|| {
        let (sender, receiver) = watch::channel(0);
        let mut programs: Vec<Program> = Vec::new();
        for mut receiver in [receiver.clone(), receiver] {
            programs.push(Box::new(move || {
                let mut last = 0;
                while block_on(receiver.changed()).is_ok() {
                    last = *receiver.borrow();
                }
                assert_eq!(last, 2);
                assert!(receiver.has_changed().is_err());
            }));
        }
        programs.push(Box::new(move || (1..3).for_each(|value| sender.send(value).unwrap())));
        together(programs);
    });
}

/// Each receiver gets each value that was sent since it came, in order, or is told how many it missed, also beside
/// waits that it gives up; then the end.
#[test]
fn receivers_account_for_all_values() {
    check(|| {
        let (sender, first) = broadcast::channel(2);
        let second = first.resubscribe();
        let mut programs: Vec<Program> = Vec::new();
        for mut receiver in [first, second] {
            programs.push(Box::new(move || {
                // Of each of the two senders: the number of the last value.
                let (mut sum, mut last) = (0, [0, 0]);
                loop {
                    let received = match sometimes() {
                        true => match give_up(receiver.recv()) {
                            Poll::Ready(received) => received,
                            Poll::Pending => continue,
                        },
                        false => block_on(receiver.recv()),
                    };
                    match received {
                        Ok((sender, value)) => {
                            assert!(value > last[sender], "{value} after {last:?}");
                            last[sender] = value;
                            sum += 1;
                        }
                        Err(broadcast::RecvError::Lagged(missed)) => sum += missed,
                        Err(broadcast::RecvError::Closed) => break,
                    }
                }
                assert_eq!(sum, 4);
            }));
        }
        for number in 0..2 {
            let sender = sender.clone();
            programs.push(Box::new(move || {
                for value in 1..3 {
                    sender.send((number, value)).unwrap();
                }
            }));
        }
        // One more that comes and goes hinders nobody.
        let passing = sender.subscribe();
        programs.push(Box::new(move || drop((passing.resubscribe(), passing))));
        drop(sender);
        together(programs);
    });
}
