use super::*;
use crate::{Runner, current_task, yield_now};

fn run_in_session<T>(
    session: &Arc<Session>,
    runner: &Runner,
    future: impl Future<Output = T>,
) -> Result<T, RunError> {
    let output = runner.core().run_main(future, None, |main| session.main_begins(main));
    let (output, error, _) = session.judge(output);
    output.map_err(|_| error.expect("it did not panic"))
}

#[cfg(all(unix, feature = "signal"))]
#[test]
fn signal_before_main_begins_ends_it_unpolled() {
    for workers in [1, 2] {
        let runner = Runner::builder().worker_threads(workers).build().unwrap();
        let session = Session::new(runner.handle(), &Ending::default());
        session.signalled(ShutdownCause::Interrupt, 1);
        let ended = run_in_session(&session, &runner, async { unreachable!("it is not polled") });
        assert_eq!(ended, Err::<(), _>(RunError::Interrupted));
    }
}

#[cfg(all(unix, feature = "signal"))]
#[test]
fn signal_after_main_has_ended_is_nobodys() {
    let runner = Runner::builder().worker_threads(1).build().unwrap();
    let session = Session::new(runner.handle(), &Ending::default());
    assert_eq!(run_in_session(&session, &runner, async { 1 }), Ok(1));
    session.signalled(ShutdownCause::Interrupt, 1);
}

#[test]
fn cancellation_of_somebody_else_is_no_signals() {
    let runner = Runner::builder().worker_threads(1).build().unwrap();
    let session = Session::new(runner.handle(), &Ending::default());
    let ended = run_in_session(&session, &runner, async {
        current_task().unwrap().cancel_with("by itself");
        yield_now().await;
    });
    assert_eq!(ended, Err(RunError::Cancelled(Some("by itself".into()))));
}
