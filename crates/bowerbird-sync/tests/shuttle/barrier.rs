//! Barriers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bowerbird_sync::{Barrier, BarrierState};
use shuttle::future::block_on;

use super::{Program, check, give_up, sometimes, together};

const PARTIES: usize = 3;
const ROUNDS: usize = 3;

/// Nobody goes on before all have come, round after round, and each index is given once a round.
#[test]
fn all_have_come_before_one_goes_on() {
    check(|| {
        let barrier = Arc::new(Barrier::new(PARTIES));
        let come = Arc::new(AtomicUsize::new(0));
        let indexes = Arc::new(Mutex::new([[0; PARTIES]; ROUNDS]));
        let programs = (0..PARTIES).map(|_| {
            let (barrier, come, indexes) = (barrier.clone(), come.clone(), indexes.clone());
            let party = move || {
                for round in 0..ROUNDS {
                    come.fetch_add(1, Ordering::SeqCst);
                    let index = block_on(barrier.wait()).unwrap();
                    let come = come.load(Ordering::SeqCst);
                    assert!(come >= PARTIES * (round + 1), "{come} have come in round {round}");
                    indexes.lock().unwrap()[round][index] += 1;
                }
            };
            Box::new(party) as Program
        });
        together(programs.collect());
        assert_eq!(*indexes.lock().unwrap(), [[1; PARTIES]; ROUNDS]);
        let end = barrier.statistics();
        assert_eq!((end.state, end.tasks_inside), (BarrierState::Filling, 0));
    });
}

/// Waits that are given up, resets, and in the end an abort: everybody goes on, and nothing is left behind.
#[test]
fn nobody_is_left_waiting_by_who_gives_up() {
    check(|| {
        let barrier = Arc::new(Barrier::new(2));
        let mut programs: Vec<Program> = Vec::new();
        for _ in 0..2 {
            let barrier = barrier.clone();
            programs.push(Box::new(move || {
                // A reset sends it round again; the abort ends it.
                while block_on(barrier.wait()).is_ok() || !barrier.is_broken() {}
            }));
        }
        let disturbing = barrier.clone();
        programs.push(Box::new(move || {
            for _ in 0..3 {
                let _index = give_up(disturbing.wait());
                if sometimes() {
                    disturbing.reset();
                }
            }
            disturbing.abort();
        }));
        together(programs);
        let end = barrier.statistics();
        assert_eq!((end.tasks_inside, end.tasks_blocked), (0, 0));
        barrier.reset();
        assert_eq!(barrier.statistics().state, BarrierState::Filling);
    });
}
