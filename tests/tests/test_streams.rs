//! Readers, after CPython's `test_streams.py` (see tests/cpython/test_streams.md).

use std::future::Future;
use std::io;

use bowerbird::streams::{ReadError, StreamFeeder, StreamReader};
use bowerbird::{spawn, yield_now};
use bowerbird_tests::{catch, on_workers};

const DATA: &[u8] = b"line1\nline2\nline3\n";

/// A reader that was fed with `data`.
fn fed(data: &[u8]) -> (StreamReader, StreamFeeder) {
    let (reader, feeder) = StreamReader::fed();
    feeder.feed_data(data);
    (reader, feeder)
}

/// Runs a read, and after it has begun to wait, the feeding.
async fn beside<T>(read: impl Future<Output = T>, feed: impl FnOnce()) -> T {
    let feed = async {
        yield_now().await;
        feed();
    };
    bowerbird::join((read, feed)).await.0
}

/// What is in the reader's buffer and on its way there.
async fn left(reader: &mut StreamReader, feeder: &StreamFeeder) -> Vec<u8> {
    feeder.feed_eof();
    reader.read_to_end().await.unwrap()
}

fn overrun(result: Result<Vec<u8>, ReadError>) -> (usize, bool) {
    match result {
        Err(ReadError::LimitOverrun(error)) => (error.consumed, error.is_found()),
        other => panic!("no overrun: {other:?}"),
    }
}

fn incomplete(result: Result<Vec<u8>, ReadError>) -> (Vec<u8>, Option<usize>, String) {
    match result {
        Err(ReadError::Incomplete(error)) => {
            let text = error.to_string();
            (error.partial, error.expected, text)
        }
        other => panic!("not incomplete: {other:?}"),
    }
}

fn value_error() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "a value error")
}

fn is_value_error(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidInput && error.to_string() == "a value error"
}

#[test]
fn test_feed_empty_data() {
    on_workers(1, async {
        let (mut reader, feeder) = fed(b"");
        assert_eq!(feeder.pending(), 0);
        assert_eq!(left(&mut reader, &feeder).await, b"");
    });
}

#[test]
fn test_feed_nonempty_data() {
    on_workers(1, async {
        let (mut reader, feeder) = fed(DATA);
        assert_eq!(feeder.pending(), DATA.len());
        assert_eq!(left(&mut reader, &feeder).await, DATA);
    });
}

#[test]
fn test_read_zero() {
    on_workers(1, async {
        let (mut reader, feeder) = fed(DATA);
        assert_eq!(reader.read(0).await.unwrap(), b"");
        assert_eq!(left(&mut reader, &feeder).await, DATA);
    });
}

#[test]
fn test_read() {
    on_workers(1, async {
        let (mut reader, feeder) = StreamReader::fed();
        let data = beside(reader.read(30), || feeder.feed_data(DATA)).await;
        assert_eq!(data.unwrap(), DATA);
        assert_eq!(left(&mut reader, &feeder).await, b"");
    });
}

#[test]
fn test_read_line_breaks() {
    on_workers(1, async {
        let (mut reader, feeder) = fed(b"line1");
        feeder.feed_data(b"line2");
        assert_eq!(reader.read(5).await.unwrap(), b"line1");
        assert_eq!(left(&mut reader, &feeder).await, b"line2");
    });
}

#[test]
fn test_read_eof() {
    on_workers(1, async {
        let (mut reader, feeder) = StreamReader::fed();
        assert_eq!(beside(reader.read(1024), || feeder.feed_eof()).await.unwrap(), b"");
        assert!(reader.at_eof());
    });
}

#[test]
fn test_read_until_eof() {
    on_workers(1, async {
        let (mut reader, feeder) = StreamReader::fed();
        let feed = || {
            feeder.feed_data(b"chunk1\n");
            feeder.feed_data(b"chunk2");
            feeder.feed_eof();
        };
        assert_eq!(beside(reader.read_to_end(), feed).await.unwrap(), b"chunk1\nchunk2");
        assert!(reader.at_eof());
    });
}

#[test]
fn test_read_exception() {
    on_workers(1, async {
        let (mut reader, feeder) = fed(b"line\n");
        assert_eq!(reader.read(2).await.unwrap(), b"li");
        feeder.set_exception(value_error());
        assert!(is_value_error(&reader.read(2).await.unwrap_err()));
    });
}

#[test]
fn test_invalid_limit() {
    let caught = catch(|| drop(StreamReader::fed().0.with_limit(0)));
    assert!(caught.message.contains("imit"), "{caught:?}");
}

#[test]
fn test_read_limit() {
    on_workers(1, async {
        let (reader, feeder) = fed(b"chunk");
        let mut reader = reader.with_limit(3);
        assert_eq!(reader.read(5).await.unwrap(), b"chunk");
        assert_eq!(left(&mut reader, &feeder).await, b"");
    });
}

#[test]
fn test_readline() {
    on_workers(1, async {
        let (mut reader, feeder) = fed(b"chunk1 ");
        let feed = || {
            feeder.feed_data(b"chunk2 ");
            feeder.feed_data(b"chunk3 ");
            feeder.feed_data(b"\n chunk4");
        };
        let line = beside(reader.readline(), feed).await.unwrap();
        assert_eq!(line, b"chunk1 chunk2 chunk3 \n");
        assert_eq!(left(&mut reader, &feeder).await, b" chunk4");
    });
}

#[test]
fn test_readline_limit_with_existing_data() {
    on_workers(1, async {
        let (reader, feeder) = fed(b"li");
        let mut reader = reader.with_limit(3);
        feeder.feed_data(b"ne1\nline2\n");
        assert_eq!(overrun(reader.readline().await), (5, true));
        assert_eq!(left(&mut reader, &feeder).await, b"line2\n");

        let (reader, feeder) = fed(b"li");
        let mut reader = reader.with_limit(3);
        feeder.feed_data(b"ne1");
        feeder.feed_data(b"li");
        assert_eq!(overrun(reader.readline().await), (7, false));
        assert_eq!(left(&mut reader, &feeder).await, b"");
    });
}

#[test]
fn test_at_eof() {
    on_workers(1, async {
        let (mut reader, feeder) = StreamReader::fed();
        assert!(!reader.at_eof());
        feeder.feed_data(b"some data\n");
        assert!(!reader.at_eof());
        reader.readline().await.unwrap();
        assert!(!reader.at_eof());
        feeder.feed_data(b"some data\n");
        feeder.feed_eof();
        assert!(!reader.at_eof());
        reader.readline().await.unwrap();
        assert!(reader.at_eof());
    });
}

#[test]
fn test_readline_limit() {
    on_workers(1, async {
        let feed_after = async |chunks: &[&[u8]]| {
            let (reader, feeder) = StreamReader::fed();
            let mut reader = reader.with_limit(7);
            let feed = || {
                chunks.iter().for_each(|chunk| feeder.feed_data(chunk));
                feeder.feed_eof();
            };
            overrun(beside(reader.readline(), feed).await);
            left(&mut reader, &feeder).await
        };
        assert_eq!(feed_after(&[b"chunk1", b"chunk2", b"chunk3\n"]).await, b"");
        assert_eq!(feed_after(&[b"chunk1", b"chunk2\n", b"chunk3\n"]).await, b"chunk3\n");

        // The limit is strict.
        let (reader, feeder) = fed(b"1234567\n");
        let mut reader = reader.with_limit(7);
        assert_eq!(reader.readline().await.unwrap(), b"1234567\n");
        feeder.feed_data(b"12345678\n");
        assert_eq!(overrun(reader.readline().await), (8, true));
        feeder.feed_data(b"12345678");
        assert_eq!(overrun(reader.readline().await), (8, false));
        assert_eq!(left(&mut reader, &feeder).await, b"");
    });
}

#[test]
fn test_readline_nolimit_nowait() {
    on_workers(1, async {
        let (mut reader, feeder) = fed(&DATA[..6]);
        feeder.feed_data(&DATA[6..]);
        assert_eq!(reader.readline().await.unwrap(), b"line1\n");
        assert_eq!(left(&mut reader, &feeder).await, b"line2\nline3\n");
    });
}

#[test]
fn test_readline_eof() {
    on_workers(1, async {
        let (mut reader, feeder) = fed(b"some data");
        feeder.feed_eof();
        assert_eq!(reader.readline().await.unwrap(), b"some data");
    });
}

#[test]
fn test_readline_empty_eof() {
    on_workers(1, async {
        let (mut reader, feeder) = fed(b"");
        feeder.feed_eof();
        assert_eq!(reader.readline().await.unwrap(), b"");
        assert!(reader.next().await.is_none());
    });
}

#[test]
fn test_readline_read_byte_count() {
    on_workers(1, async {
        let (mut reader, feeder) = fed(DATA);
        reader.readline().await.unwrap();
        assert_eq!(reader.read(7).await.unwrap(), b"line2\nl");
        assert_eq!(left(&mut reader, &feeder).await, b"ine3\n");
    });
}

#[test]
fn test_readline_exception() {
    on_workers(1, async {
        let (mut reader, feeder) = fed(b"line\n");
        assert_eq!(reader.readline().await.unwrap(), b"line\n");
        feeder.set_exception(value_error());
        for _ in 0..2 {
            assert!(is_value_error(&reader.readline().await.unwrap_err().into()));
        }
    });
}

#[test]
fn test_readuntil_separator() {
    let (mut reader, _feeder) = StreamReader::fed();
    let empty = catch(|| drop(reader.readuntil(b"")));
    assert!(empty.message.contains("separator should be"), "{empty:?}");
    let empty_among = catch(|| drop(reader.readuntil([b""])));
    assert!(empty_among.message.contains("separator should be"), "{empty_among:?}");
    let none = catch(|| drop(reader.readuntil([b"a"; 0])));
    assert!(none.message.contains("separator should contain"), "{none:?}");
}

#[test]
fn test_readuntil_multi_chunks() {
    on_workers(1, async {
        let (mut reader, feeder) = fed(b"lineAAA");
        assert_eq!(reader.readuntil(b"AAA").await.unwrap(), b"lineAAA");
        feeder.feed_data(b"lineAAA");
        assert_eq!(reader.readuntil("AAA").await.unwrap(), b"lineAAA");
        feeder.feed_data(b"lineAAAxxx");
        assert_eq!(reader.readuntil(b"AAA").await.unwrap(), b"lineAAA");
        assert_eq!(left(&mut reader, &feeder).await, b"xxx");
    });
}

#[test]
fn test_readuntil_multi_chunks_1() {
    on_workers(1, async {
        let (mut reader, feeder) = StreamReader::fed();
        let cases: [&[&[u8]]; 5] = [
            &[b"QWEaa", b"XYaa", b"a"],
            &[b"QWEaa", b"XYa", b"aa"],
            &[b"aaa"],
            &[b"Xaaa"],
            &[b"XXX", b"a", b"a", b"a"],
        ];
        for chunks in cases {
            // All at once, as there, and one by one.
            let whole = chunks.concat();
            chunks.iter().for_each(|chunk| feeder.feed_data(chunk));
            assert_eq!(reader.readuntil(b"aaa").await.unwrap(), whole);
            let mut until = Box::pin(reader.readuntil(b"aaa"));
            for chunk in chunks {
                assert!(bowerbird::timeout(std::time::Duration::ZERO, &mut until).await.is_err());
                feeder.feed_data(chunk);
            }
            assert_eq!(until.await.unwrap(), whole);
        }
        assert_eq!(left(&mut reader, &feeder).await, b"");
    });
}

#[test]
fn test_readuntil_eof() {
    on_workers(1, async {
        let (mut reader, feeder) = fed(b"some dataAA");
        feeder.feed_eof();
        let (partial, expected, text) = incomplete(reader.readuntil(b"AAA").await);
        assert_eq!((&*partial, expected), (&b"some dataAA"[..], None));
        assert!(text.contains("undefined expected bytes"), "{text}");
        assert!(reader.at_eof());
    });
}

#[test]
fn test_readuntil_limit_found_sep() {
    on_workers(1, async {
        let (reader, feeder) = fed(b"some dataAA");
        let mut reader = reader.with_limit(3);
        let error = reader.readuntil(b"AAA").await.unwrap_err();
        assert!(error.to_string().contains("not found"), "{error}");
        feeder.feed_data(b"A");
        let error = reader.readuntil(b"AAA").await.unwrap_err();
        assert!(error.to_string().contains("is found"), "{error}");
        assert_eq!(left(&mut reader, &feeder).await, b"some dataAAA");
    });
}

#[test]
fn test_readuntil_multi_separator() {
    on_workers(1, async {
        let (mut reader, feeder) = fed(b"line 1\nline 2\r");
        assert_eq!(reader.readuntil([b"\r", b"\n"]).await.unwrap(), b"line 1\n");
        assert_eq!(reader.readuntil([b"\r", b"\n"]).await.unwrap(), b"line 2\r");
        // The first that ends counts, also if it is longer.
        feeder.feed_data(b"ABCDEFG");
        assert_eq!(reader.readuntil(["DEF", "BCDE"]).await.unwrap(), b"ABCDE");
        assert_eq!(left(&mut reader, &feeder).await, b"FG");
    });
}

#[test]
fn test_readuntil_multi_separator_limit() {
    on_workers(1, async {
        let (reader, feeder) = fed(b"some dataA");
        let mut reader = reader.with_limit(3);
        assert_eq!(overrun(reader.readuntil(["A", "ome dataA"]).await), (9, true));
        assert_eq!(left(&mut reader, &feeder).await, b"some dataA");
    });
}

#[test]
fn test_readuntil_multi_separator_negative_offset() {
    on_workers(1, async {
        let (mut reader, feeder) = fed(b"data");
        let mut until = Box::pin(reader.readuntil(["A", "long sep"]));
        for chunk in ["", "Z", "Aaaa"] {
            assert!(bowerbird::timeout(std::time::Duration::ZERO, &mut until).await.is_err());
            feeder.feed_data(chunk);
        }
        assert_eq!(until.await.unwrap(), b"dataZA");
        assert_eq!(left(&mut reader, &feeder).await, b"aaa");
    });
}

#[test]
fn test_readuntil_bytearray() {
    on_workers(1, async {
        let (mut reader, _feeder) = fed(b"some data\r\nmore\0");
        assert_eq!(reader.readuntil(b"\r\n".to_vec()).await.unwrap(), b"some data\r\n");
        assert_eq!(reader.readuntil(vec![vec![0]]).await.unwrap(), b"more\0");
    });
}

#[test]
fn test_readexactly_zero_or_less() {
    on_workers(1, async {
        let (mut reader, feeder) = fed(DATA);
        assert_eq!(reader.readexactly(0).await.unwrap(), b"");
        assert_eq!(left(&mut reader, &feeder).await, DATA);
    });
}

#[test]
fn test_readexactly() {
    on_workers(1, async {
        let (mut reader, feeder) = StreamReader::fed();
        let feed = || (0..3).for_each(|_| feeder.feed_data(DATA));
        let data = beside(reader.readexactly(2 * DATA.len()), feed).await;
        assert_eq!(data.unwrap(), [DATA, DATA].concat());
        assert_eq!(left(&mut reader, &feeder).await, DATA);
    });
}

#[test]
fn test_readexactly_limit() {
    on_workers(1, async {
        let (reader, feeder) = fed(b"chunk");
        let mut reader = reader.with_limit(3);
        assert_eq!(reader.readexactly(5).await.unwrap(), b"chunk");
        assert_eq!(left(&mut reader, &feeder).await, b"");
    });
}

#[test]
fn test_readexactly_eof() {
    on_workers(1, async {
        let (mut reader, feeder) = StreamReader::fed();
        let feed = || {
            feeder.feed_data(DATA);
            feeder.feed_eof();
        };
        let read = beside(reader.readexactly(2 * DATA.len()), feed).await;
        let (partial, expected, text) = incomplete(read);
        assert_eq!((&*partial, expected), (DATA, Some(36)));
        assert_eq!(text, "18 bytes read on a total of 36 expected bytes");
        assert!(reader.at_eof());
    });
}

#[test]
fn test_readexactly_exception() {
    on_workers(1, async {
        let (mut reader, feeder) = fed(b"line\n");
        assert_eq!(reader.readexactly(2).await.unwrap(), b"li");
        feeder.set_exception(value_error());
        assert!(is_value_error(&reader.readexactly(2).await.unwrap_err().into()));
    });
}

#[test]
fn test_exception() {
    let (reader, feeder) = StreamReader::fed();
    assert!(reader.exception().is_none());
    feeder.set_exception(value_error());
    assert!(is_value_error(&reader.exception().unwrap()));
}

#[test]
fn test_exception_waiter() {
    on_workers(1, async {
        let (mut reader, feeder) = StreamReader::fed();
        let line = beside(reader.readline(), || feeder.set_exception(value_error())).await;
        assert!(is_value_error(&line.unwrap_err().into()));
    });
}

#[test]
fn test_exception_cancel() {
    on_workers(1, async {
        let (mut reader, feeder) = StreamReader::fed();
        let task = spawn(async move {
            let line = bowerbird::catch_cancel(reader.readline()).await;
            (reader, line.is_err())
        });
        yield_now().await;
        task.handle().cancel();
        let (mut reader, was_cancelled) = task.await.unwrap();
        assert!(was_cancelled);
        feeder.set_exception(value_error());
        assert!(is_value_error(&reader.readline().await.unwrap_err().into()));
    });
}

#[test]
fn test_repr() {
    on_workers(1, async {
        let (reader, feeder) = StreamReader::fed();
        assert_eq!(format!("{reader:?}"), "StreamReader");
        let mut reader = reader.with_limit(123);
        assert_eq!(format!("{reader:?}"), "StreamReader { limit: 123 }");
        feeder.feed_data(b"data\nmore");
        reader.readline().await.unwrap();
        assert_eq!(format!("{reader:?}"), "StreamReader { bytes: 4, limit: 123 }");
        feeder.feed_eof();
        reader.read_to_end().await.unwrap();
        assert_eq!(format!("{reader:?}"), "StreamReader { eof: true, limit: 123 }");
        feeder.set_exception(value_error());
        reader.read(1).await.unwrap_err();
        assert!(format!("{reader:?}").contains("a value error"));
    });
}
