//! The methods of readers and writers, over sources that give and take little at a time.

use std::io::{ErrorKind, IoSlice, IoSliceMut, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bowerbird::io::{
    AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufReader, Cursor, copy, duplex,
    repeat, sink,
};
use bowerbird::stream::StreamExt;
use bowerbird::{catch_cancel, spawn, timeout};
use bowerbird_tests::{Dribble, Sip, catch, on_workers, paused, turns};
use proptest::prelude::*;

const MS: Duration = Duration::from_millis(1);

/// Polls a future so many times, one turn of the loop each, and drops it.
async fn for_turns<F: Future>(count: usize, future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    for _ in 0..count {
        let poll =
            std::future::poll_fn(|cx| std::task::Poll::Ready(future.as_mut().poll(cx))).await;
        if let std::task::Poll::Ready(output) = poll {
            return Some(output);
        }
        bowerbird::yield_now().await;
    }
    None
}

#[test]
fn numbers_come_back_in_both_byte_orders() {
    paused(async {
        let mut bytes = Sip::new(&[1, 0, 2]);
        bytes.write_u8(200).await.unwrap();
        bytes.write_i8(-3).await.unwrap();
        bytes.write_u16(0x0102).await.unwrap();
        bytes.write_u16_le(0x0102).await.unwrap();
        bytes.write_i32(-70_000).await.unwrap();
        bytes.write_i32_le(-70_000).await.unwrap();
        bytes.write_u64(1 << 40).await.unwrap();
        bytes.write_u64_le(1 << 40).await.unwrap();
        bytes.write_u128(1 << 100).await.unwrap();
        bytes.write_i128_le(-5).await.unwrap();
        bytes.write_f32(1.5).await.unwrap();
        bytes.write_f64_le(-0.25).await.unwrap();
        assert_eq!(&bytes.taken[..6], [200, 253, 1, 2, 2, 1]);

        let mut reader = Dribble::new(&bytes.taken, &[1, 0, 3]);
        assert_eq!(reader.read_u8().await.unwrap(), 200);
        assert_eq!(reader.read_i8().await.unwrap(), -3);
        assert_eq!(reader.read_u16().await.unwrap(), 0x0102);
        assert_eq!(reader.read_u16_le().await.unwrap(), 0x0102);
        assert_eq!(reader.read_i32().await.unwrap(), -70_000);
        assert_eq!(reader.read_i32_le().await.unwrap(), -70_000);
        assert_eq!(reader.read_u64().await.unwrap(), 1 << 40);
        assert_eq!(reader.read_u64_le().await.unwrap(), 1 << 40);
        assert_eq!(reader.read_u128().await.unwrap(), 1 << 100);
        assert_eq!(reader.read_i128_le().await.unwrap(), -5);
        assert_eq!(reader.read_f32().await.unwrap(), 1.5);
        assert_eq!(reader.read_f64_le().await.unwrap(), -0.25);
        assert_eq!(reader.read_u16().await.unwrap_err().kind(), ErrorKind::UnexpectedEof);
    });
}

#[test]
fn read_exact_fills_the_buffer_or_says_that_the_stream_ended() {
    paused(async {
        let mut reader = Dribble::new(b"hello, world", &[1, 0, 0, 2]);
        let mut buffer = [0; 7];
        reader.read_exact(&mut buffer).await.unwrap();
        assert_eq!(&buffer, b"hello, ");
        reader.read_exact(&mut []).await.unwrap();
        let error = reader.read_exact(&mut buffer).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        assert!(error.to_string().contains("before the buffer was full"), "{error}");
    });
}

#[test]
fn read_to_end_that_is_given_up_leaves_what_it_read_in_the_vector() {
    for count in 0..12 {
        paused(async move {
            let mut reader = Dribble::new(b"hello, world", &[1, 0, 2]);
            let mut all = b"> ".to_vec();
            for_turns(count, reader.read_to_end(&mut all)).await;
            reader.read_to_end(&mut all).await.unwrap();
            assert_eq!(all, b"> hello, world");
        });
    }
}

#[test]
fn what_is_no_text_leaves_the_string_as_it_was() {
    paused(async {
        let mut text = String::from("as it was");
        let mut reader = Dribble::new(b"ab\xff", &[1]);
        let error = reader.read_to_string(&mut text).await.unwrap_err();
        assert_eq!((error.kind(), text.as_str()), (ErrorKind::InvalidData, "as it was"));

        // A character that is cut in two by the reads is one.
        let mut reader = Dribble::new("gr\u{fc}n".as_bytes(), &[1, 0]);
        assert_eq!(reader.read_to_string(&mut text).await.unwrap(), 5);
        assert_eq!(text, "as it wasgr\u{fc}n");
    });
}

#[test]
fn a_write_all_buf_that_is_given_up_keeps_its_place() {
    for count in 0..12 {
        paused(async move {
            let mut writer = Sip::new(&[1, 0, 2]);
            let mut rest: &[u8] = b"hello, world";
            for_turns(count, writer.write_all_buf(&mut rest)).await;
            assert_eq!(writer.taken.len() + rest.len(), 12);
            writer.write_all_buf(&mut rest).await.unwrap();
            assert_eq!(writer.taken, b"hello, world");

            let mut queue: std::collections::VecDeque<u8> = b"ld".iter().copied().collect();
            b"wor".iter().rev().for_each(|byte| queue.push_front(*byte));
            let mut cursor = std::io::Cursor::new(b"hello, ");
            writer.taken.clear();
            for_turns(count, writer.write_all_buf(&mut cursor)).await;
            writer.write_all_buf(&mut cursor).await.unwrap();
            for_turns(count, writer.write_all_buf(&mut queue)).await;
            writer.write_all_buf(&mut queue).await.unwrap();
            assert_eq!(writer.taken, b"hello, world");
        });
    }
}

#[test]
fn a_write_all_vectored_that_is_given_up_leaves_the_rest_in_the_buffers() {
    for count in 0..16 {
        paused(async move {
            let (mut here, mut there) = duplex(3);
            let reader = spawn(async move {
                let mut all = Vec::new();
                while let Ok(1..) = there.read_to_end(&mut all).await {}
                all
            });
            let parts = [&b"hel"[..], b"", b"lo, ", b"world"];
            let mut buffers = parts.map(IoSlice::new);
            for_turns(count, here.write_all_vectored(&mut buffers)).await;
            here.write_all_vectored(&mut buffers).await.unwrap();
            assert!(buffers.iter().all(|buffer| buffer.is_empty()));
            drop(here);
            assert_eq!(reader.await.unwrap(), b"hello, world");
        });
    }
}

#[test]
fn vectored_reads_fill_one_buffer_after_the_other() {
    paused(async {
        let (mut here, mut there) = duplex(64);
        here.write_all(b"hello, world").await.unwrap();
        let (mut head, mut tail) = ([0; 5], [0; 16]);
        let mut buffers = [IoSliceMut::new(&mut head), IoSliceMut::new(&mut tail)];
        assert_eq!(there.read_vectored(&mut buffers).await.unwrap(), 12);
        assert_eq!((&head, &tail[..7]), (b"hello", &b", world"[..]));
    });
}

#[test]
fn a_writer_that_takes_nothing_is_an_error() {
    paused(async {
        let mut room = [0; 3];
        let mut writer = Cursor::new(&mut room[..]);
        let error = writer.write_all(b"hello").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WriteZero);
        assert_eq!(&room, b"hel");
    });
}

#[test]
fn a_cursor_reads_writes_and_seeks() {
    paused(async {
        let mut cursor = Cursor::new(b"hello".to_vec());
        assert_eq!(cursor.seek(SeekFrom::End(0)).await.unwrap(), 5);
        cursor.write_all(b", world").await.unwrap();
        assert_eq!(cursor.stream_position().await.unwrap(), 12);
        cursor.rewind().await.unwrap();
        let mut line = String::new();
        cursor.read_line(&mut line).await.unwrap();
        assert_eq!(line, "hello, world");
        assert_eq!(
            cursor.seek(SeekFrom::End(-99)).await.unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
    });
}

#[test]
fn take_and_chain_end_where_they_should() {
    paused(async {
        let first = Dribble::new(b"hello, ", &[2, 0]).take(5);
        let mut both = first.chain(&b" there"[..]);
        let mut text = String::new();
        both.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "hello there");
        let (first, _) = both.into_inner();
        assert_eq!(first.limit(), 0);
        let mut rest = String::new();
        first.into_inner().read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, ", ");

        let mut lines = b"one\ntwo\nthree"[..].take(6).chain(&b"!\n"[..]);
        let mut line = Vec::new();
        lines.skip_until(b'\n').await.unwrap();
        lines.read_until(b'\n', &mut line).await.unwrap();
        assert_eq!(line, b"tw!\n");
    });
}

#[test]
fn a_line_that_is_no_text_is_passed_over() {
    paused(async {
        let mut lines = BufReader::new(&b"one\n\xff\nthree\r\n"[..]).lines();
        assert_eq!(lines.next_line().await.unwrap().unwrap(), "one");
        assert_eq!(lines.next_line().await.unwrap_err().kind(), ErrorKind::InvalidData);
        assert_eq!(lines.next_line().await.unwrap().unwrap(), "three");
        assert_eq!(lines.next_line().await.unwrap(), None);
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 64 }))]

    /// However the stream is cut, and however often the wait for a line is given up: the same lines.
    #[test]
    fn lines_do_not_depend_on_the_reads(
        bytes in "[a-c\r\n]{0,40}",
        sizes in prop::collection::vec(0_usize..4, 1..6),
        capacity in 1_usize..9,
        patience in 1_usize..4,
    ) {
        let expected: Vec<String> = std::io::BufRead::lines(bytes.as_bytes()).map(Result::unwrap).collect();
        let (got, streamed) = paused(async {
            let reader = || BufReader::with_capacity(capacity, Dribble::new(bytes.as_bytes(), &sizes));
            let mut lines = reader().lines();
            let mut got = Vec::new();
            loop {
                match for_turns(patience, lines.next_line()).await {
                    None => {}
                    Some(Ok(Some(line))) => got.push(line),
                    Some(Ok(None)) => break,
                    Some(Err(error)) => panic!("{error}"),
                }
            }
            let streamed: Vec<String> = reader().lines().map(Result::unwrap).collect().await;
            (got, streamed)
        });
        prop_assert_eq!(&got, &expected);
        prop_assert_eq!(&streamed, &expected);
    }

    #[test]
    fn read_until_goes_on_where_it_was_given_up(
        bytes in prop::collection::vec(0_u8..4, 0..40),
        sizes in prop::collection::vec(0_usize..4, 1..6),
        patience in 1_usize..4,
    ) {
        paused(async {
            let mut reader = BufReader::with_capacity(3, Dribble::new(&bytes, &sizes));
            let (mut piece, mut rest) = (Vec::new(), &bytes[..]);
            loop {
                match for_turns(patience, reader.read_until(0, &mut piece)).await {
                    None => {}
                    Some(Ok(0)) if piece.is_empty() => break,
                    Some(Ok(_)) => {
                        let mut expected = Vec::new();
                        std::io::BufRead::read_until(&mut rest, 0, &mut expected).unwrap();
                        assert_eq!(std::mem::take(&mut piece), expected);
                    }
                    Some(Err(error)) => panic!("{error}"),
                }
            }
            assert!(rest.is_empty());
        });
    }
}

#[test]
fn a_cancelled_read_takes_nothing_although_the_bytes_are_there() {
    on_workers(1, async {
        let (mut here, mut there) = duplex(64);
        let task = spawn(async move {
            let mut buffer = [0; 8];
            let first = catch_cancel(there.read(&mut buffer)).await;
            let second = there.read(&mut buffer).await.unwrap();
            (first.is_err(), buffer[..second].to_vec())
        });
        turns(3).await;
        here.write_all(b"hello").await.unwrap();
        task.cancel();
        assert_eq!(task.await.unwrap(), (true, b"hello".to_vec()));
    });
}

#[test]
fn reads_that_are_always_ready_give_others_their_turn() {
    on_workers(1, async {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = stop.clone();
        let task = spawn(async move {
            let mut source = repeat(1);
            while !seen.load(Ordering::SeqCst) {
                source.read(&mut [0; 8]).await.unwrap();
            }
        });
        turns(2).await;
        stop.store(true, Ordering::SeqCst);
        task.await.unwrap();
    });
}

#[test]
fn a_copy_of_what_never_ends_can_be_timed_out() {
    on_workers(1, async {
        assert!(timeout(MS, copy(&mut repeat(1), &mut sink())).await.is_err());
    });
}

#[test]
fn a_buffer_of_no_bytes_is_refused_where_it_was_asked_for() {
    let caught = catch(|| BufReader::with_capacity(0, &b""[..]));
    assert!(caught.message.contains("BufReader::with_capacity"), "{}", caught.message);
    assert!(caught.file.ends_with("io_ext.rs"), "{}", caught.file);
}
