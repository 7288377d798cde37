//! Files and directories.

use std::future::poll_fn;
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::pin::pin;
#[cfg(target_os = "linux")]
use std::sync::{Arc, Mutex};
use std::task::Poll;
#[cfg(unix)]
use std::time::Duration;

use bowerbird::fs::{self, File, OpenOptions};
use bowerbird::io::{
    AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufReader, copy, copy_buf,
};
use bowerbird::stream::StreamExt;
#[cfg(unix)]
use bowerbird::timeout;
use bowerbird::{Runner, spawn, try_join, yield_now};
use bowerbird_tests::{TempDir, catch, everywhere, on_workers};
use proptest::prelude::*;

#[cfg(unix)]
const MS: Duration = Duration::from_millis(1);

/// Polls a future so many times, and drops it.
async fn for_turns<F: Future>(count: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..count {
        if let Poll::Ready(output) = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
            return Some(output);
        }
        yield_now().await;
    }
    None
}

#[test]
fn whole_files_are_written_read_copied_and_removed() {
    everywhere(|| async {
        let dir = TempDir::new();
        let (one, two) = (dir.join("one"), dir.join("two"));
        fs::write(&one, "hello").await.unwrap();
        assert_eq!(fs::read(&one).await.unwrap(), b"hello");
        assert_eq!(fs::copy(&one, &two).await.unwrap(), 5);
        assert_eq!(fs::read_to_string(&two).await.unwrap(), "hello");
        assert_eq!(fs::metadata(&two).await.unwrap().len(), 5);
        fs::rename(&two, dir.join("three")).await.unwrap();
        assert!(
            !fs::try_exists(&two).await.unwrap()
                && fs::try_exists(dir.join("three")).await.unwrap()
        );
        fs::hard_link(&one, &two).await.unwrap();
        fs::remove_file(&one).await.unwrap();
        assert_eq!(fs::read(&two).await.unwrap(), b"hello");

        let mut permissions = fs::metadata(&two).await.unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&two, permissions).await.unwrap();
        assert!(fs::metadata(&two).await.unwrap().permissions().readonly());
    });
}

#[test]
fn directories_are_made_and_removed() {
    on_workers(2, async {
        let dir = TempDir::new();
        let deep = dir.join("a/b/c");
        assert_eq!(fs::create_dir(&deep).await.unwrap_err().kind(), ErrorKind::NotFound);
        fs::create_dir_all(&deep).await.unwrap();
        fs::create_dir_all(&deep).await.unwrap();
        let error = fs::DirBuilder::new().create(&deep).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        fs::DirBuilder::new().recursive(true).create(&deep).await.unwrap();
        assert!(fs::remove_dir(dir.join("a")).await.is_err());
        fs::remove_dir(&deep).await.unwrap();
        fs::remove_dir_all(dir.join("a")).await.unwrap();
        let error = fs::read(dir.join("a")).await.unwrap_err();
        assert_eq!((error.kind(), error.raw_os_error().is_some()), (ErrorKind::NotFound, true));
    });
}

#[cfg(unix)]
#[test]
fn links_are_made_read_and_followed() {
    on_workers(1, async {
        let dir = TempDir::new();
        fs::write(dir.join("file"), "x").await.unwrap();
        fs::symlink("file", dir.join("link")).await.unwrap();
        assert_eq!(fs::read_link(dir.join("link")).await.unwrap(), Path::new("file"));
        assert!(fs::symlink_metadata(dir.join("link")).await.unwrap().is_symlink());
        assert!(fs::metadata(dir.join("link")).await.unwrap().is_file());
        let real = fs::canonicalize(dir.join("link")).await.unwrap();
        assert_eq!(real.file_name(), Some("file".as_ref()));
        fs::remove_file(dir.join("file")).await.unwrap();
        assert!(!fs::try_exists(dir.join("link")).await.unwrap());
    });
}

#[test]
fn a_large_directory_gives_each_entry_once() {
    for count in [0, 1, 255, 256, 257, 600] {
        on_workers(2, async move {
            let dir = TempDir::new();
            let made = dir.path().to_owned();
            fs::batch(move || {
                (0..count).try_for_each(|number| std::fs::write(made.join(format!("{number}")), ""))
            })
            .await
            .unwrap();
            let mut names = Vec::new();
            let mut entries = fs::read_dir(dir.path()).await.unwrap();
            // Given up again and again: a batch that comes belongs to the directory.
            loop {
                match for_turns(2, entries.next_entry()).await {
                    None => {}
                    Some(Ok(Some(entry))) => {
                        assert!(entry.file_type().unwrap().is_file());
                        names.push(
                            entry.file_name().into_string().unwrap().parse::<usize>().unwrap(),
                        );
                    }
                    Some(Ok(None)) => break,
                    Some(Err(error)) => panic!("{error}"),
                }
            }
            names.sort_unstable();
            assert_eq!(names, (0..count).collect::<Vec<_>>());
            assert!(entries.next_entry().await.unwrap().is_none());
        });
    }
}

#[test]
fn a_walk_gives_all_that_is_below() {
    on_workers(2, async {
        let dir = TempDir::new();
        for path in ["a/1", "a/b/2", "a/b/c/3", "d/4"] {
            fs::create_dir_all(dir.join(path).parent().unwrap()).await.unwrap();
            fs::write(dir.join(path), path).await.unwrap();
        }
        #[cfg(unix)]
        fs::symlink("..", dir.join("a/loop")).await.unwrap();
        let entries: Vec<_> = fs::walk(dir.path()).map(Result::unwrap).collect().await;
        let paths: Vec<PathBuf> = entries
            .iter()
            .map(|entry| entry.path().strip_prefix(dir.path()).unwrap().to_owned())
            .filter(|path| !path.ends_with("loop"))
            .collect();
        for (at, path) in paths.iter().enumerate() {
            let above = path.parent().unwrap();
            assert!(
                above == Path::new("") || paths[..at].iter().any(|other| other == above),
                "{path:?}"
            );
        }
        let mut sorted = paths.clone();
        sorted.sort();
        let expected =
            ["a", "a/1", "a/b", "a/b/2", "a/b/c", "a/b/c/3", "d", "d/4"].map(PathBuf::from);
        assert_eq!(sorted, expected);
        assert!(entries[0].metadata().await.is_ok());

        let mut nothing = fs::walk(dir.join("nothing"));
        assert_eq!(nothing.next_entry().await.unwrap_err().kind(), ErrorKind::NotFound);
        assert!(nothing.next_entry().await.unwrap().is_none());
    });
}

// ----- files -------------------------------------------------------------------------------------------

/// What the property does with a file. A `patience` is how many polls an operation gets before it is given up.
#[derive(Debug, Clone)]
enum Act {
    Read { length: usize, patience: usize },
    Write { length: usize, patience: usize },
    Seek(SeekFrom),
    SetLength(u64),
    Flush,
    Clone,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let place = prop_oneof![
        (0_u64..40).prop_map(SeekFrom::Start),
        (-20_i64..20).prop_map(SeekFrom::Current),
        (-20_i64..5).prop_map(SeekFrom::End),
    ];
    let act = prop_oneof![
        4 => (1_usize..20, 0_usize..4).prop_map(|(length, patience)| Act::Read { length, patience }),
        3 => (1_usize..20, 0_usize..4).prop_map(|(length, patience)| Act::Write { length, patience }),
        2 => place.prop_map(Act::Seek),
        1 => (0_u64..40).prop_map(Act::SetLength),
        1 => Just(Act::Flush),
        1 => Just(Act::Clone),
    ];
    prop::collection::vec(act, 0..24)
}

/// Does the same with a file of std; a read or write that was given up is none.
async fn act(file: &mut File, twin: &mut std::fs::File, act: &Act) {
    match *act {
        Act::Read { length, patience } => {
            let (mut got, mut expected) = (vec![0; length], vec![0; length]);
            let read = file.read(&mut got);
            let result =
                if patience == 0 { Some(read.await) } else { for_turns(patience, read).await };
            let Some(result) = result else { return };
            let count = result.unwrap();
            // A read may be short where one was given up.
            assert_eq!(twin.read(&mut expected[..count.max(1)]).unwrap(), count);
            assert_eq!(got[..count], expected[..count]);
        }
        Act::Write { length, patience } => {
            let bytes: Vec<u8> = (0..length).map(|at| at as u8 + 1).collect();
            let write = file.write(&bytes);
            let result =
                if patience == 0 { Some(write.await) } else { for_turns(patience, write).await };
            if let Some(result) = result {
                assert_eq!(result.unwrap(), length);
                twin.write_all(&bytes).unwrap();
            }
        }
        Act::Seek(position) => {
            let (got, expected) = (file.seek(position).await, twin.seek(position));
            assert_eq!(got.as_ref().ok(), expected.as_ref().ok(), "{got:?} {expected:?}");
        }
        Act::SetLength(length) => {
            file.set_len(length).await.unwrap();
            twin.set_len(length).unwrap();
        }
        Act::Flush => file.flush().await.unwrap(),
        Act::Clone => *file = file.try_clone().await.unwrap(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// A file does what a file of std does, whatever is given up, with and without hops.
    #[test]
    fn a_file_is_like_one_of_std(acts in acts(), has_hops_only: bool, workers in 1_usize..3) {
        on_workers(workers, async {
            let dir = TempDir::new();
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true);
            std::fs::write(dir.join("one"), [7; 30]).unwrap();
            std::fs::write(dir.join("two"), [7; 30]).unwrap();
            let mut file = options.open(dir.join("one")).await.unwrap();
            if has_hops_only {
                file = file.with_hops_only();
            }
            let mut twin = std::fs::File::options().read(true).write(true).open(dir.join("two")).unwrap();
            for one in &acts {
                act(&mut file, &mut twin, one).await;
            }
            file.sync_all().await.unwrap();
            assert_eq!(file.metadata().await.unwrap().len(), twin.metadata().unwrap().len());
            let mut std_file = file.into_std().await.unwrap();
            assert_eq!(std_file.stream_position().unwrap(), twin.stream_position().unwrap());
            assert_eq!(std::fs::read(dir.join("one")).unwrap(), std::fs::read(dir.join("two")).unwrap());
        });
    }
}

#[test]
fn lines_of_a_file_and_copies_between_files() {
    for has_hops_only in [false, true] {
        on_workers(2, async move {
            let dir = TempDir::new();
            let text: String = (0..5_000).map(|number| format!("line {number}\n")).collect();
            fs::write(dir.join("from"), text.clone()).await.unwrap();
            let open = async || {
                let file = File::open(dir.join("from")).await.unwrap();
                if has_hops_only { file.with_hops_only() } else { file }
            };
            let lines: Vec<String> =
                BufReader::new(open().await).lines().map(Result::unwrap).collect().await;
            assert_eq!((lines.len(), lines[4_999].as_str()), (5_000, "line 4999"));
            let mut to = File::create(dir.join("to")).await.unwrap();
            assert_eq!(copy(&mut open().await, &mut to).await.unwrap(), text.len() as u64);
            let mut more = BufReader::new(open().await);
            copy_buf(&mut more, &mut to).await.unwrap();
            to.close().await.unwrap();
            assert_eq!(fs::read_to_string(dir.join("to")).await.unwrap(), text.repeat(2));
        });
    }
}

#[test]
fn positioned_reads_and_writes_go_on_side_by_side() {
    on_workers(2, async {
        let dir = TempDir::new();
        let mut file = File::create_new(dir.join("file")).await.unwrap();
        try_join((file.write_all_at(0, "hello, "), file.write_all_at(7, "world"))).await.unwrap();
        let (head, tail) = try_join((file.read_at(0, 5), file.read_at(7, 100))).await.unwrap();
        assert_eq!((&head[..], &tail[..]), (&b"hello"[..], &b"world"[..]));
        assert_eq!(file.read_at(100, 5).await.unwrap(), b"");
        // Windows moves it all the same.
        let position = file.stream_position().await.unwrap();
        assert!(position == 0 || cfg!(windows), "at {position}");
        assert_eq!(
            File::create_new(dir.join("file")).await.unwrap_err().kind(),
            ErrorKind::AlreadyExists
        );
    });
}

/// A pipe with a name: reads of it wait.
#[cfg(unix)]
fn pipe(dir: &TempDir) -> PathBuf {
    let path = dir.join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

#[cfg(unix)]
#[test]
fn a_read_that_is_given_up_loses_nothing() {
    everywhere(|| async {
        let dir = TempDir::new();
        let path = pipe(&dir);
        // Both ways: it opens without the other end, and never ends.
        let mut options = OpenOptions::new();
        let mut file = options.read(true).write(true).open(&path).await.unwrap();
        assert!(timeout(MS, file.read(&mut [0; 64])).await.is_err());
        std::fs::File::options().write(true).open(&path).unwrap().write_all(b"hello").unwrap();
        let mut got = [0; 3];
        file.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"hel");
        file.read_exact(&mut got[..2]).await.unwrap();
        assert_eq!(&got[..2], b"lo");
    });
}

#[test]
fn what_was_written_is_there_after_the_run() {
    let dir = TempDir::new();
    let path = dir.join("file");
    let mut runner = Runner::builder().worker_threads(1).max_blocking_threads(1).build().unwrap();
    runner
        .run(async {
            let mut file = File::create(&path).await.unwrap();
            file.write_all(&[1; 1 << 20]).await.unwrap();
            // No flush. And operations that are polled once, queued behind it, and given up.
            for number in 0..50 {
                for_turns(1, fs::write(dir.join(format!("{number}")), "x")).await;
            }
        })
        .unwrap();
    drop(runner);
    assert_eq!(std::fs::read(&path).unwrap(), vec![1; 1 << 20]);
    for number in 0..50 {
        assert_eq!(std::fs::read(dir.join(format!("{number}"))).unwrap(), b"x");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_error_of_a_write_is_told_by_what_comes_next() {
    on_workers(2, async {
        let open = || OpenOptions::new().write(true).open("/dev/full");
        let mut file = open().await.unwrap();
        file.write_all(b"x").await.unwrap();
        assert_eq!(file.flush().await.unwrap_err().kind(), ErrorKind::StorageFull);
        file.flush().await.unwrap();
        file.write_all(b"x").await.unwrap();
        assert_eq!(file.write(b"x").await.unwrap_err().kind(), ErrorKind::StorageFull);
        file.write_all(b"x").await.unwrap();
        assert_eq!(file.sync_all().await.unwrap_err().kind(), ErrorKind::StorageFull);
        file.write_all(b"x").await.unwrap();
        assert_eq!(file.close().await.unwrap_err().kind(), ErrorKind::StorageFull);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn an_error_of_a_write_whose_file_is_gone_reaches_the_exception_handler() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let to = heard.clone();
    let mut runner = Runner::builder()
        .worker_threads(1)
        .exception_handler(move |unhandled| to.lock().unwrap().push(unhandled.to_string()))
        .build()
        .unwrap();
    runner
        .run(async {
            let mut file = OpenOptions::new().write(true).open("/dev/full").await.unwrap();
            file.write_all(b"x").await.unwrap();
        })
        .unwrap();
    drop(runner);
    let heard = heard.lock().unwrap();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(heard[0].contains("a write failed after its file was dropped"), "{heard:?}");
}

#[test]
fn a_batch_does_all_in_one_hop_and_passes_its_panic_on() {
    on_workers(2, async {
        let dir = TempDir::new();
        let path = dir.join("file");
        let threads = fs::batch(move || {
            let before = std::thread::current().id();
            std::fs::write(&path, "x")?;
            std::fs::remove_file(&path)?;
            Ok((before, std::thread::current().id()))
        })
        .await
        .unwrap();
        assert_eq!(threads.0, threads.1);
        assert_ne!(threads.0, std::thread::current().id());
        let task =
            spawn(async { fs::batch(|| -> io::Result<()> { panic!("in the batch") }).await });
        assert!(task.await.unwrap_err().is_panic());
    });
}

#[test]
fn outside_a_runtime_it_says_so_at_the_line() {
    let caught = catch(|| fs::read("x"));
    assert!(caught.message.contains("fs::read") && caught.file.ends_with("fs.rs"), "{caught:?}");
    let caught = catch(|| File::open("x"));
    assert!(caught.message.contains("File::open") && caught.file.ends_with("fs.rs"), "{caught:?}");
}

#[test]
fn an_operation_that_was_given_up_is_done_all_the_same() {
    on_workers(1, async {
        let dir = TempDir::new();
        let path = dir.join("file");
        let (go_on, may_go_on) = std::sync::mpsc::channel();
        let written = path.clone();
        let write = fs::batch(move || {
            may_go_on.recv().expect("it is told to");
            std::fs::write(written, "x")
        });
        assert!(for_turns(3, write).await.is_none());
        go_on.send(()).unwrap();
        bowerbird_tests::until(|| path.exists()).await;
        // One that was never polled is not.
        drop(fs::remove_file(&path));
        bowerbird_tests::turns(20).await;
        assert!(path.exists());
    });
}
