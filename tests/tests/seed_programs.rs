//! The seed programs print what CPython prints.
//!
//! On one worker: the same bytes. On four: the same lines, in an order that the program itself allows,
//! written down for each as chains: the lines of a chain come in this order, whatever stands between them.
//!
//! A few programs show how late the machine is: they print a time, or rely on one wait being shorter than
//! another. Their `late` says what such an output looks like; a run that looks so is made again.

use std::collections::HashMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use bowerbird_tests::Load;

/// How many copies run side by side.
const COPY_COUNT: usize = 5;
/// How many runs in a row may look as on a machine that is late.
const MOST_LATE_RUNS: usize = 20;

struct Program {
    stem: &'static str,
    /// The orders that the program fixes on any number of workers.
    chains: &'static [&'static [&'static str]],
    /// Whether the output is one that only a late machine explains.
    late: fn(&[&str]) -> bool,
}

fn never(_lines: &[&str]) -> bool {
    false
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Right,
    Late,
    Wrong(String),
}

impl Program {
    fn expected(&self) -> String {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("programs/{}.out", self.stem));
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn start(&self, workers: usize) -> Child {
        let path = examples().join(format!("seed_{}{}", self.stem, env::consts::EXE_SUFFIX));
        Command::new(&path)
            .env("BOWERBIRD_WORKERS", workers.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn verdict(&self, workers: usize, child: Child) -> Verdict {
        let output = child.wait_with_output().expect("the program ends");
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() || !errors.is_empty() {
            return Verdict::Wrong(format!("{}\n{printed}\n{errors}", output.status));
        }
        let lines: Vec<&str> = printed.lines().collect();
        let judged = if workers == 1 {
            same_bytes(&printed, &self.expected())
        } else {
            same_lines(&lines, &self.expected()).and_then(|()| in_order(&lines, self.chains))
        };
        match judged {
            Ok(()) => Verdict::Right,
            Err(_) if (self.late)(&lines) => Verdict::Late,
            Err(reason) => Verdict::Wrong(format!("{reason}; it printed:\n{printed}")),
        }
    }

    /// Runs it so often, several copies at a time.
    fn check(&self, workers: usize, run_count: usize) {
        let mut right_count = 0;
        let mut late_in_a_row = 0;
        while right_count < run_count {
            let copy_count = COPY_COUNT.min(run_count - right_count);
            let children: Vec<_> = (0..copy_count).map(|_| self.start(workers)).collect();
            for child in children {
                match self.verdict(workers, child) {
                    Verdict::Right => {
                        right_count += 1;
                        late_in_a_row = 0;
                    }
                    Verdict::Late => {
                        println!("figure: {} was late with {workers} workers", self.stem);
                        late_in_a_row += 1;
                    }
                    Verdict::Wrong(reason) => {
                        panic!("{} with {workers} workers: {reason}", self.stem)
                    }
                }
            }
            assert!(
                late_in_a_row < MOST_LATE_RUNS,
                "{} with {workers} workers is late each time",
                self.stem
            );
        }
    }

    fn check_all(&self) {
        let quiet_runs = 3;
        let loaded_runs = if cfg!(feature = "soak") { 50 } else { 3 };
        for workers in [1, 4] {
            self.check(workers, quiet_runs);
        }
        let _load = Load::start(3);
        for workers in [1, 4] {
            self.check(workers, loaded_runs);
        }
    }
}

fn same_bytes(printed: &str, expected: &str) -> Result<(), String> {
    if printed == expected { Ok(()) } else { Err("not the bytes that CPython prints".into()) }
}

fn same_lines(lines: &[&str], expected: &str) -> Result<(), String> {
    let sorted = |mut lines: Vec<&str>| {
        lines.sort_unstable();
        lines.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    if sorted(lines.to_vec()) == sorted(expected.lines().collect()) {
        Ok(())
    } else {
        Err("not the lines that CPython prints".into())
    }
}

/// The lines of each chain come in its order. A line occurs once, or the chain names it as often as it does.
fn in_order(lines: &[&str], chains: &[&[&str]]) -> Result<(), String> {
    for chain in chains {
        let mut rest = lines.iter();
        for wanted in *chain {
            if !rest.any(|line| line == wanted) {
                return Err(format!("`{wanted}` is not where it belongs in {chain:?}"));
            }
        }
    }
    Ok(())
}

/// The directory of bowerbird's examples, built as this test was.
fn examples() -> &'static Path {
    static EXAMPLES: OnceLock<PathBuf> = OnceLock::new();
    EXAMPLES.get_or_init(|| {
        // target/[triple/]profile/deps/seed_programs-0123
        let own = env::current_exe().expect("the path of this program");
        let profile = own.parent().and_then(Path::parent).expect("it stands in profile/deps");
        build_examples(profile);
        profile.join("examples")
    })
}

/// Cargo builds the examples of the packages that are tested: not of bowerbird, where only this one is.
fn build_examples(profile: &Path) {
    let name = profile.file_name().and_then(|name| name.to_str()).expect("a profile has a name");
    let above = profile.parent().expect("a profile stands in the target directory");
    let mut command = Command::new(env!("CARGO"));
    command.args(["build", "--quiet", "--package", "bowerbird", "--examples"]);
    command.args(["--profile", if name == "debug" { "dev" } else { name }]);
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    if above.join("CACHEDIR.TAG").exists() {
        command.arg("--target-dir").arg(above);
    } else {
        command.arg("--target").arg(above.file_name().expect("the name of a target"));
        command.arg("--target-dir").arg(above.parent().expect("the target directory"));
    }
    let status = command.status().expect("cargo starts");
    assert!(status.success(), "{command:?}: {status}");
}

/// Lines of the kind `tenths: 3` that say more.
fn took_longer(lines: &[&str], tenths: u32) -> bool {
    let shown = lines.iter().find_map(|line| line.strip_prefix("tenths: "));
    shown.and_then(|shown| shown.parse::<u32>().ok()).is_some_and(|shown| shown > tenths)
}

macro_rules! programs {
    ($($test:ident: $stem:literal, late $late:expr, [$([$($line:literal),* $(,)?]),* $(,)?];)*) => {$(
        #[test]
        fn $test() {
            const CHAINS: &[&[&str]] = &[$(&[$($line),*]),*];
            Program { stem: $stem, chains: CHAINS, late: $late }.check_all();
        }
    )*

        /// Every expected output has its test.
        #[test]
        fn programs_are_all_tested() {
            let tested: HashMap<&str, ()> = HashMap::from([$(($stem, ())),*]);
            let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs");
            for entry in std::fs::read_dir(directory).expect("the directory of expected outputs") {
                let path = entry.expect("an entry").path();
                let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
                assert!(tested.contains_key(stem), "{stem}.out has no test");
            }
        }
    };
}

programs! {
    hello: "01_hello", late never, [["Hello, World!", "Goodbye."]];
    say_after_in_sequence: "02_say_after_in_sequence", late |lines| took_longer(lines, 3), [
        ["hello", "world", "tenths: 3"],
    ];
    say_after_in_tasks: "03_say_after_in_tasks", late |lines| took_longer(lines, 2), [
        ["hello", "tenths: 2"],
        ["world", "tenths: 2"],
    ];
    // `main` waits 0.3 s, the last task 0.09 s.
    background_set_with_done_callback: "04_background_set_with_done_callback",
        late |lines| lines.last().is_some_and(|last| last.starts_with("held ") && *last != "held 0"), [
        ["held 10", "held 0"],
        ["ran 0", "held 0"], ["ran 1", "held 0"], ["ran 2", "held 0"], ["ran 3", "held 0"],
        ["ran 4", "held 0"], ["ran 5", "held 0"], ["ran 6", "held 0"], ["ran 7", "held 0"],
        ["ran 8", "held 0"], ["ran 9", "held 0"],
    ];
    gather_keeps_order: "05_gather_keeps_order", late never, [
        ["end A", "['Done A', 'Done B', 'Done C']"],
        ["end B", "['Done A', 'Done B', 'Done C']"],
        ["end C", "['Done A', 'Done B', 'Done C']"],
    ];
    // Where `main` ends before another worker has begun with the task, the task never runs.
    task_left_behind_is_cancelled: "06_task_left_behind_is_cancelled",
        late |lines| lines == ["main is done", "loop is closed"], [
        ["Hello, World!", "cancelled", "loop is closed"],
        ["main is done", "cancelled"],
    ];
    count_numbers_overlap: "07_count_numbers_overlap", late never, [
        ["Running f1", "Running from f1: 0", "Running from f1: 1", "Running from f1: 2", "Running f2"],
        ["Running f1", "Running from f2: 0", "Running from f2: 1", "Running from f2: 2"],
    ];
    without_sleep_nothing_yields: "08_without_sleep_nothing_yields", late never, [
        ["Running f1", "Running from f1: 0", "Running from f1: 1", "Running from f1: 2", "Running f2"],
        ["Running f1", "Running from f2: 0", "Running from f2: 1", "Running from f2: 2"],
    ];
    sleep_zero_yields: "09_sleep_zero_yields", late never, [
        ["a 0", "a 1", "a 2"], ["b 0", "b 1", "b 2"], ["c 0", "c 1"],
    ];
    one_task_many_waiters: "10_one_task_many_waiters", late never, [
        ["Starting expensive task", "Finished expensive task"],
        ["task1 waiting for expensive task to complete", "task1 got 42"],
        ["task2 waiting for expensive task to complete", "task2 got 42"],
        ["task3 waiting for expensive task to complete", "task3 got 42"],
        ["Finished expensive task", "task1 got 42"],
        ["Finished expensive task", "task2 got 42"],
        ["Finished expensive task", "task3 got 42"],
    ];
    two_functions_as_tasks: "11_two_functions_as_tasks", late never, [
        ["Function 1: result 16, wait ...", "Function 1: finished"],
        ["Function 2: result 2.0, wait ...", "Function 2: finished"],
    ];
    run_returns_the_value: "12_run_returns_the_value", late never, [["10"]];
    evens_and_odds: "13_evens_and_odds", late never, [
        ["0", "2", "4", "6", "8", "Finished"], ["1", "3", "5", "7", "9", "Finished"],
    ];
    loop_by_hand: "14_loop_by_hand", late never, [
        ["0", "2", "4", "6", "8", "closed True"], ["1", "3", "5", "7", "9", "closed True"],
    ];
    all_tasks: "15_all_tasks", late never, [["0", "1", "2", "3", "4"], ["a", "b", "c", "d", "e"]];
    factorials: "16_factorials", late never, [
        ["Task A: Compute factorial(2)...", "Task A: factorial(2) = 2", "[2, 6, 24]"],
        ["Task B: Compute factorial(2)...", "Task B: Compute factorial(3)...", "Task B: factorial(3) = 6",
         "[2, 6, 24]"],
        ["Task C: Compute factorial(2)...", "Task C: Compute factorial(3)...",
         "Task C: Compute factorial(4)...", "Task C: factorial(4) = 24", "[2, 6, 24]"],
    ];
    // The cancel comes 30 ms after the second `use`.
    async_context_manager: "17_async_context_manager",
        late |lines| lines.iter().filter(|line| **line == "use").count() == 1, [
        ["open", "use", "used", "close None", "open", "use", "close CancelledError", "task cancelled: True"],
    ];
    // The error comes 15 ms before `ok 3` and 25 ms before `ok 4`; the last line 25 ms after that.
    gather_return_exceptions: "18_gather_return_exceptions", late siblings_overtook, [
        ["ok 1", "['1', \"ValueError('bad')\", '2']", "raised bad", "siblings went on"],
        ["ok 2", "['1', \"ValueError('bad')\", '2']", "ok 3", "siblings went on"],
        ["['1', \"ValueError('bad')\", '2']", "ok 4", "siblings went on"],
    ];
    context_follows_the_task: "19_context_follows_the_task", late never, [
        ["in child child", "in main main", "with context= given"],
    ];
    // One loop, and so one order, on any number of workers; but `main` is no callback.
    callbacks_on_the_loop: "20_callbacks_on_the_loop", late never, [
        ["soon 1", "soon 2", "later 1", "later 2", "value"], ["before", "later 1"],
    ];
}

/// The error was seen after siblings that it should overtake, or `main` was done before these.
fn siblings_overtook(lines: &[&str]) -> bool {
    let at = |wanted: &str| lines.iter().position(|line| *line == wanted);
    let (raised, last) = (at("raised bad"), at("siblings went on"));
    let of_sibling = |sibling| match at(sibling) {
        Some(at) => Some(at) < raised || Some(at) > last,
        None => true,
    };
    in_order(lines, &[&["['1', \"ValueError('bad')\", '2']", "raised bad", "siblings went on"]])
        .is_ok()
        && (of_sibling("ok 3") || of_sibling("ok 4"))
}

#[test]
fn judge_sees_a_wrong_order_and_a_missing_line() {
    let chains: &[&[&str]] = &[&["a", "b"], &["a", "c"]];
    assert!(in_order(&["a", "c", "b"], chains).is_ok());
    assert!(in_order(&["b", "a", "c"], chains).is_err());
    assert!(same_lines(&["b", "a"], "a\nb\n").is_ok());
    assert!(same_lines(&["a", "a"], "a\nb\n").is_err());
    assert!(same_bytes("b\na\n", "a\nb\n").is_err());
    assert!(siblings_overtook(&[
        "ok 1",
        "ok 2",
        "['1', \"ValueError('bad')\", '2']",
        "ok 3",
        "raised bad",
        "ok 4",
        "siblings went on"
    ]));
}
