//! What the program does before a signal and after it.

use std::future::pending;
use std::io::Write;
use std::process::Command;
use std::thread;
use std::time::Duration;

use bowerbird::runtime::OnSignal;
use bowerbird::signal::{SignalKind, ctrl_c, signal};
use bowerbird::{
    Runner, Runtime, catch_cancel, current_task, defer, is_shutting_down, run, shutdown_requested,
    sleep, spawn, yield_now,
};
use bowerbird_tests::descriptor_count;

/// A line that the test waits for.
fn say(line: &str) {
    println!("{line}");
    std::io::stdout().flush().expect("somebody reads");
}

fn send(kind: SignalKind) {
    let command = format!("kill -{} {}", kind.as_raw(), std::process::id());
    assert!(Command::new("sh").args(["-c", &command]).status().expect("a shell").success());
}

/// Waits for ever, with a cleanup that takes its time.
async fn wait() {
    let _cleanup = defer(async {
        say("cleaning");
        sleep(Duration::from_millis(1)).await;
        say("cleaned");
    });
    say("ready");
    pending::<()>().await;
}

/// Is cancelled, and its cleanup never ends.
async fn stick() {
    let _cleanup = defer(async {
        say("cleaning");
        pending::<()>().await;
    });
    say("ready");
    pending::<()>().await;
}

fn runner() -> Runner {
    Runner::new().expect("a runner")
}

/// A builder whose own patience with cleanups is no part of the test.
fn patient() -> bowerbird::runtime::Builder<Runner> {
    Runner::builder().cleanup_grace(Duration::from_secs(3_600))
}

fn serve(runner: &mut Runner, main: impl Future<Output = u32>) {
    let ended = runner.run(main);
    say(&format!("ended {ended:?}"));
    let shutdown = runner.last_shutdown().expect("somebody has asked for it");
    say(&format!("{:?} {:?}", shutdown.cause, shutdown.phase));
}

#[bowerbird::main]
async fn plain_main() {
    wait().await;
}

#[bowerbird::main(worker_threads = 2)]
async fn main_with_arguments() {
    wait().await;
}

pub(crate) fn main() {
    let scenario = std::env::args().nth(1).expect("a scenario");
    match scenario.as_str() {
        "run" => run(wait()),
        "main" => plain_main(),
        "main_with_arguments" => main_with_arguments(),
        "stuck" => run(async {
            say("ready");
            thread::sleep(Duration::from_secs(3_600));
        }),
        "stuck_cleanup" => {
            let _never = patient().build().expect("a runner").run(stick());
        }
        "leftover" => run(async {
            drop(spawn(wait()));
            yield_now().await;
            sleep(Duration::from_millis(1)).await;
        }),
        "late" => late(),
        "caught" => caught(),
        "others_cancel" => others_cancel(),
        "runner" => one_after_the_other(),
        "busy" => {
            let ended = runner().run(async {
                say("ready");
                loop {
                    yield_now().await;
                }
            });
            say(&format!("ended {ended:?}"));
        }
        "task" => {
            let (mut runner, mut awaited) = (runner(), None);
            let ended = runner.run(async {
                let task = spawn(wait());
                awaited = Some(task.handle());
                task.await.is_ok()
            });
            let is_cancelled = awaited.expect("main began").cancelled();
            say(&format!("ended {ended:?}, task cancelled: {is_cancelled}"));
        }
        "swallowed" => {
            let ended = runner().run(async {
                say("ready");
                let caught = catch_cancel(pending::<()>()).await.is_err();
                say(&format!("caught {caught}"));
                current_task().expect("main").uncancel();
                sleep(Duration::from_millis(1)).await;
                5
            });
            say(&format!("ended {ended:?}"));
        }
        "thread" => thread::spawn(|| run(wait())).join().expect("it is ended by the signal"),
        "block_on" => Runtime::new().expect("a runtime").block_on(wait()),
        "left_alone" => {
            let builder = Runner::builder().sigint(OnSignal::Default).sigterm(OnSignal::Default);
            let _never = builder.build().expect("a runner").run(wait());
        }
        "event_loop" => {
            let mut event_loop = bowerbird::EventLoop::new().expect("a loop");
            let _never = event_loop.run_until_complete(wait());
        }
        "ignored" => {
            let builder = Runner::builder().sigint(OnSignal::Ignore);
            let ended = builder.build().expect("a runner").run(wait());
            say(&format!("ended {ended:?}"));
        }
        "listener" => listener(),
        "listener_of_another_runtime" => listener_of_another_runtime(),
        "descriptors" => descriptors(),
        "idle" => idle(),
        "drain" => serve(&mut graceful(), async {
            say("ready");
            shutdown_requested().await;
            assert!(is_shutting_down());
            say("draining");
            let caught = spawn(sleep(Duration::from_millis(1))).await;
            assert!(caught.is_ok());
            7
        }),
        "deaf" => serve(&mut graceful(), async {
            let asked = spawn(async {
                shutdown_requested().await;
                say("draining");
            });
            wait().await;
            drop(asked);
            7
        }),
        "asked" => serve(&mut graceful(), async {
            ask_soon();
            wait().await;
            7
        }),
        "asked_stuck" => serve(&mut graceful(), async {
            ask_soon();
            stick().await;
            7
        }),
        "stuck_drain" => serve(&mut graceful(), async {
            let _asked = spawn(async {
                shutdown_requested().await;
                say("draining");
            });
            stick().await;
            7
        }),
        "abort" => {
            let builder = patient().graceful(Duration::ZERO).abort_after(Duration::from_millis(1));
            serve(&mut builder.build().expect("a runner"), async {
                current_task().expect("main").set_name("the slow one");
                bowerbird::runtime::Handle::current().request_shutdown();
                stick().await;
                7
            });
        }
        "abort_leftover" => {
            let builder = patient().graceful(Duration::ZERO).abort_after(Duration::from_millis(1));
            let mut runner = builder.build().expect("a runner");
            serve(&mut runner, async {
                let task = spawn(stick());
                task.set_name("the slow one");
                sleep(Duration::from_millis(1)).await;
                drop(task);
                bowerbird::runtime::Handle::current().request_shutdown();
                7
            });
            drop(runner);
            say("closed");
        }
        other => panic!("no scenario {other}"),
    }
}

/// Asks for a shutdown when main waits; it has said that it is ready by then.
fn ask_soon() {
    drop(bowerbird::spawn_local(async {
        bowerbird::runtime::Handle::current().request_shutdown();
        say("draining");
    }));
}

fn graceful() -> Runner {
    patient().graceful(Duration::from_secs(3_600)).build().expect("a runner")
}

/// The signal comes when main has ended.
fn late() {
    let value = run(async {
        drop(spawn(async {
            let _cleanup = defer(async {
                say("cleaning");
                sleep(Duration::from_millis(200)).await;
                say("cleaned");
            });
            pending::<()>().await;
        }));
        sleep(Duration::from_millis(5)).await;
        7
    });
    say(&format!("went on with {value}"));
}

/// Main sees the request, and passes it on.
fn caught() {
    let ended = runner().run(async {
        say("ready");
        let Err(cancelled) = catch_cancel(pending::<()>()).await else { return };
        say("caught");
        cancelled.resume().await
    });
    say(&format!("ended {ended:?}"));
}

/// Main is cancelled by a task of its own, and by a signal.
fn others_cancel() {
    let ended = runner().run(async {
        let main = current_task().expect("main");
        let _cleanup = defer(async {
            // The signal's request is counted while main's cleanups run.
            let main = current_task().expect("main");
            while main.cancelling() < 2 {
                yield_now().await;
            }
        });
        drop(spawn(async move {
            main.cancel_with("by a task");
            send(SignalKind::interrupt());
        }));
        pending::<()>().await;
    });
    say(&format!("ended {ended:?}"));
}

/// Each run is ended by a signal, also after somebody has listened; between the runs and after them the
/// handler is what it was.
fn one_after_the_other() {
    let mut runner = runner();
    let ended = runner.run(wait());
    say(&format!("ended {ended:?}"));
    let ended = runner.run(wait());
    say(&format!("ended {ended:?}"));
    drop(runner);
    say("ready");
    thread::sleep(Duration::from_secs(3_600));
}

fn listener() {
    let mut runner = runner();
    for _ in 0..2 {
        let ended = runner.run(async {
            let pressed = ctrl_c();
            say("ready");
            pressed.await.expect("it is heard");
            say("heard");
            wait().await;
        });
        say(&format!("ended {ended:?}"));
    }
    drop(runner);
    // The listener's handler stays, as it says: nothing is done about the signal now.
    let other = Runtime::new().expect("a runtime");
    other.block_on(async {
        let mut signals = signal(SignalKind::user_defined1()).expect("a listener");
        say("between");
        signals.recv().await;
        say("survived");
    });
}

fn listener_of_another_runtime() {
    let other = Runtime::new().expect("a runtime");
    let mut presses = {
        let _entered = other.enter();
        signal(SignalKind::interrupt()).expect("a listener")
    };
    let heard = other.spawn(async move {
        presses.recv().await;
        say("heard");
    });
    let ended = runner().run(async {
        say("ready");
        heard.await.expect("it ends by itself");
        wait().await;
    });
    say(&format!("ended {ended:?}"));
}

fn descriptors() {
    let mut before = None;
    for _ in 0..3 {
        let mut runner = runner();
        runner.run(async { drop(ctrl_c()) }).expect("nobody cancels it");
        let inside = descriptor_count();
        runner.run(async { yield_now().await }).expect("nobody cancels it");
        assert_eq!(descriptor_count(), inside);
        drop(runner);
        let now = descriptor_count();
        assert_eq!(*before.get_or_insert(now), now);
        run(async { yield_now().await });
        assert_eq!(descriptor_count(), now);
    }
    say("none left");
}

/// Counts how often the threads wake up while nothing happens.
fn idle() {
    run(async {
        let (sender, receiver) = bowerbird::sync::oneshot::channel();
        let measuring = thread::spawn(move || {
            thread::sleep(Duration::from_secs(1));
            let before = bowerbird_tests::switch_count();
            thread::sleep(Duration::from_secs(5));
            sender.send(bowerbird_tests::switch_count() - before).expect("main waits");
        });
        let count = receiver.await.expect("it is sent");
        measuring.join().expect("it does not panic");
        say(&format!("{count} wake-ups"));
    });
}
