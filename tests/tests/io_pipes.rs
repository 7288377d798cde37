//! Buffers, pipes in memory, halves, and copies.

use std::io::{self, ErrorKind, SeekFrom};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bowerbird::io::{
    AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncSeekExt, AsyncWrite, AsyncWriteExt, BufReader,
    BufStream, BufWriter, Cursor, LineWriter, copy, copy_bidirectional,
    copy_bidirectional_with_sizes, copy_buf, duplex, empty, join, repeat, simplex, sink, split,
};
use bowerbird::{spawn, timeout, try_join, yield_now};
use bowerbird_tests::{Dribble, Sip, catch, everywhere, on_workers, paused, turns};
use proptest::prelude::*;

const MS: Duration = Duration::from_millis(1);

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 + at / 251) as u8).collect()
}

// ----- buffers -----------------------------------------------------------------------------------------

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What goes into a buffered writer, in any pieces, comes out of it, and nothing before its time.
    #[test]
    fn a_buf_writer_writes_what_it_was_given(
        pieces in prop::collection::vec(0_usize..20, 0..20),
        sizes in prop::collection::vec(0_usize..6, 1..5),
        capacity in 0_usize..12,
        by_lines: bool,
    ) {
        let all = pattern(pieces.iter().sum());
        let taken = paused(async {
            if by_lines {
                write_pieces(LineWriter::with_capacity(capacity, Sip::new(&sizes)), &all, &pieces).await.into_inner()
            } else {
                write_pieces(BufWriter::with_capacity(capacity, Sip::new(&sizes)), &all, &pieces).await.into_inner()
            }
        });
        prop_assert_eq!(taken.taken, all);
        prop_assert_eq!(taken.ends, (0, 1));
    }

    #[test]
    fn a_buf_reader_reads_what_is_there(
        length in 0_usize..60,
        reads in prop::collection::vec(1_usize..10, 1..8),
        sizes in prop::collection::vec(0_usize..6, 1..5),
        capacity in 1_usize..12,
    ) {
        let all = pattern(length);
        let got = paused(async {
            let mut reader = BufReader::with_capacity(capacity, Dribble::new(&all, &sizes));
            let mut got = Vec::new();
            for length in reads.iter().cycle() {
                let mut buffer = vec![0; *length];
                let count = reader.read(&mut buffer).await.unwrap();
                if count == 0 {
                    break;
                }
                got.extend_from_slice(&buffer[..count]);
            }
            got
        });
        prop_assert_eq!(got, all);
    }
}

async fn write_pieces<W: AsyncWrite + Unpin>(mut writer: W, all: &[u8], pieces: &[usize]) -> W {
    let mut rest = all;
    for length in pieces {
        let (piece, after) = rest.split_at(*length);
        writer.write_all(piece).await.unwrap();
        rest = after;
    }
    writer.close().await.unwrap();
    writer
}

#[test]
fn a_buf_writer_keeps_small_writes_and_passes_large_ones() {
    paused(async {
        let mut writer = BufWriter::with_capacity(4, Sip::new(&[99]));
        writer.write_all(b"ab").await.unwrap();
        assert_eq!((writer.buffer(), writer.get_ref().taken.len()), (&b"ab"[..], 0));
        writer.write_all(b"cdefgh").await.unwrap();
        assert_eq!(writer.get_ref().taken, b"abcdefgh");
        writer.write_all(b"i").await.unwrap();
        assert_eq!(writer.into_parts().1, b"i");
    });
}

#[test]
fn a_line_goes_out_when_it_ends() {
    paused(async {
        let mut writer = LineWriter::new(Sip::new(&[99]));
        writer.write_all(b"on").await.unwrap();
        assert_eq!(writer.get_ref().taken, b"");
        writer.write_all(b"e\ntwo\nthr").await.unwrap();
        assert_eq!(writer.get_ref().taken, b"one\ntwo\n");
        assert_eq!(writer.buffer(), b"thr");
        writer.flush().await.unwrap();
        assert_eq!(writer.get_ref().taken, b"one\ntwo\nthr");
    });
}

#[test]
fn a_seek_counts_from_what_was_consumed() {
    paused(async {
        let mut reader = BufReader::with_capacity(4, Cursor::new(b"0123456789"));
        assert_eq!(reader.read_u8().await.unwrap(), b'0');
        assert_eq!(reader.seek(SeekFrom::Current(2)).await.unwrap(), 3);
        assert_eq!(reader.read_u8().await.unwrap(), b'3');
        assert_eq!(reader.stream_position().await.unwrap(), 4);
        let error = reader.seek(SeekFrom::Current(i64::MIN)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);

        let mut writer = BufWriter::new(Cursor::new(Vec::new()));
        writer.write_all(b"abc").await.unwrap();
        writer.seek(SeekFrom::Start(1)).await.unwrap();
        writer.write_all(b"X").await.unwrap();
        writer.flush().await.unwrap();
        assert_eq!(writer.get_ref().get_ref(), b"aXc");
    });
}

#[test]
fn a_buf_stream_speaks_lines_both_ways() {
    everywhere(|| async {
        let (here, there) = duplex(7);
        let (mut here, mut there) = (BufStream::new(here), BufStream::with_capacity(3, 3, there));
        let echo = spawn(async move {
            let mut line = String::new();
            while there.read_line(&mut line).await? > 0 {
                there.write_all(line.to_uppercase().as_bytes()).await?;
                there.flush().await?;
                line.clear();
            }
            there.close().await
        });
        for word in ["one\n", "two and more\n"] {
            here.write_all(word.as_bytes()).await.unwrap();
            here.flush().await.unwrap();
            let mut answer = String::new();
            here.read_line(&mut answer).await.unwrap();
            assert_eq!(answer, word.to_uppercase());
        }
        here.close().await.unwrap();
        echo.await.unwrap().unwrap();
    });
}

// ----- pipes -------------------------------------------------------------------------------------------

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Bytes come out of a pipe as they went in, whatever its size and the pieces.
    #[test]
    fn a_pipe_keeps_bytes_and_their_order(
        length in 0_usize..300,
        size in 1_usize..20,
        writes in prop::collection::vec(1_usize..30, 1..6),
        reads in prop::collection::vec(1_usize..30, 1..6),
        workers in 1_usize..3,
    ) {
        let all = pattern(length);
        let sent = all.clone();
        let got = on_workers(workers, async move {
            let (mut reader, mut writer) = simplex(size);
            let writing = spawn(async move {
                let (mut rest, mut sizes) = (&sent[..], writes.iter().cycle());
                while let (false, Some(most)) = (rest.is_empty(), sizes.next()) {
                    let count = writer.write(&rest[..rest.len().min(*most)]).await.unwrap();
                    rest = &rest[count..];
                }
            });
            let mut got = Vec::new();
            for most in reads.iter().cycle() {
                let mut buffer = vec![0; *most];
                let count = reader.read(&mut buffer).await.unwrap();
                if count == 0 {
                    break;
                }
                got.extend_from_slice(&buffer[..count]);
            }
            writing.await.unwrap();
            got
        });
        prop_assert_eq!(got, all);
    }
}

#[test]
fn the_end_of_one_side_is_seen_by_the_other() {
    everywhere(|| async {
        let (mut here, mut there) = duplex(4);
        here.write_all(b"abc").await.unwrap();
        here.close().await.unwrap();
        assert_eq!(here.write(b"d").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        let mut all = Vec::new();
        there.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"abc");
        there.write_all(b"back").await.unwrap();
        let mut back = [0; 4];
        here.read_exact(&mut back).await.unwrap();
        assert_eq!(&back, b"back");

        // One that waits is woken by the other's drop.
        let writer = spawn(async move { there.write_all(&[0; 64]).await });
        let (mut reader, other) = simplex(1);
        let reading = spawn(async move { reader.read(&mut [0; 1]).await });
        turns(3).await;
        drop((here, other));
        assert_eq!(writer.await.unwrap().unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert_eq!(reading.await.unwrap().unwrap(), 0);
    });
}

#[test]
fn a_pipe_of_no_bytes_is_refused() {
    for caught in [catch(|| drop(duplex(0))), catch(|| drop(simplex(0)))] {
        assert!(caught.message.contains("at least 1"), "{}", caught.message);
        assert!(caught.file.ends_with("io_pipes.rs"), "{}", caught.file);
    }
}

#[test]
fn the_ends_of_pipes_give_and_take_what_they_say() {
    paused(async {
        let mut nothing = empty();
        nothing.write_all(b"gone").await.unwrap();
        assert_eq!(nothing.fill_buf().await.unwrap(), b"");
        let mut stream = join(repeat(7).take(3), sink());
        stream.write_all(&[0; 1000]).await.unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, [7, 7, 7]);
    });
}

// ----- halves ------------------------------------------------------------------------------------------

#[test]
fn halves_of_one_stream_work_in_two_tasks() {
    everywhere(|| async {
        let (here, there) = duplex(5);
        let (mut reader, mut writer) = split(here);
        let (mut other_reader, mut other_writer) = split(there);
        let echo = spawn(async move {
            let count = copy(&mut other_reader, &mut other_writer).await?;
            other_writer.close().await?;
            io::Result::Ok(count)
        });
        let all = pattern(5_000);
        let sent = all.clone();
        let writing = spawn(async move {
            writer.write_all(&sent).await?;
            writer.close().await?;
            io::Result::Ok(writer)
        });
        let mut got = Vec::new();
        reader.read_to_end(&mut got).await.unwrap();
        assert_eq!(got, all);
        assert_eq!(echo.await.unwrap().unwrap(), 5_000);
        assert!(reader.reunite(writing.await.unwrap().unwrap()).is_ok());
    });
}

#[test]
fn halves_of_two_streams_do_not_reunite() {
    let ((one, two), (three, _four)) = (duplex(1), duplex(1));
    let ((reader, _writer), (_reader, writer)) = (split(one), split(three));
    let error = reader.reunite(writer).unwrap_err();
    assert!(error.to_string().contains("different streams"));
    drop(two);
}

/// Panics at the first read.
struct Faulty(bool);

impl AsyncRead for Faulty {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        assert!(std::mem::replace(&mut self.0, true), "the first read");
        Poll::Ready(Ok(buffer.len()))
    }
}

impl AsyncWrite for Faulty {
    fn poll_write(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn a_stream_that_panics_in_one_half_is_still_there_for_the_other() {
    paused(async {
        let (mut reader, mut writer) = split(Faulty(false));
        let reading = spawn(async move {
            let _ = reader.read(&mut [0; 1]).await;
        });
        assert!(reading.await.unwrap_err().is_panic());
        assert_eq!(timeout(MS, writer.write(b"ab")).await.unwrap().unwrap(), 2);
    });
}

// ----- copies ------------------------------------------------------------------------------------------

#[test]
fn a_copy_moves_everything_and_flushes() {
    for length in [0, 1, 8_191, 8_192, 300_000] {
        paused(async move {
            let all = pattern(length);
            let mut to = Sip::new(&[5_000, 0, 100_000]);
            let mut from = Dribble::new(&all, &[usize::MAX, 0, 10_000]);
            assert_eq!(copy(&mut from, &mut to).await.unwrap(), length as u64);
            assert_eq!(to.taken, all);
            assert_eq!((to.ends.0 > 0, to.ends.1), (length > 0, 0));

            let mut to = Sip::new(&[5_000, 0, 100_000]);
            let mut from = BufReader::new(Dribble::new(&all, &[usize::MAX, 0, 10_000]));
            assert_eq!(copy_buf(&mut from, &mut to).await.unwrap(), length as u64);
            assert_eq!(to.taken, all);
        });
    }
}

#[test]
fn what_was_copied_goes_out_while_the_reader_waits() {
    paused(async {
        let ((mut source, mut from), (to, mut target)) = (simplex_pair(), duplex(64));
        let by_buf = spawn(async move {
            let mut to = BufWriter::new(to);
            copy(&mut from, &mut to).await?;
            to.close().await
        });
        source.write_all(b"hello").await.unwrap();
        let mut got = [0; 5];
        timeout(MS, target.read_exact(&mut got)).await.unwrap().unwrap();
        assert_eq!(&got, b"hello");
        drop(source);
        by_buf.await.unwrap().unwrap();
        assert_eq!(target.read(&mut got).await.unwrap(), 0);
    });
}

fn simplex_pair() -> (bowerbird::io::SimplexWriter, bowerbird::io::SimplexReader) {
    let (reader, writer) = simplex(64);
    (writer, reader)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A copy that is given up again and again loses nothing: `copy_buf` by itself, `copy` with what it says.
    #[test]
    fn a_copy_that_is_given_up_loses_nothing(
        length in 0_usize..100,
        reads in prop::collection::vec(0_usize..9, 1..5),
        writes in prop::collection::vec(0_usize..9, 1..5),
        patience in 1_usize..5,
    ) {
        let all = pattern(length);
        paused(async {
            let mut from = BufReader::with_capacity(7, Dribble::new(&all, &reads));
            let mut to = Sip::new(&writes);
            while poll_times(patience, &mut copy_buf(&mut from, &mut to)).await.is_none() {}
            assert_eq!(to.taken, all);

            let mut from = Dribble::new(&all, &reads);
            let mut to = Sip::new(&writes);
            loop {
                let mut copying = copy(&mut from, &mut to);
                let is_done = poll_times(patience, &mut copying).await.is_some();
                let left = copying.unwritten().to_vec();
                to.write_all(&left).await.unwrap();
                if is_done {
                    break;
                }
            }
            assert_eq!(to.taken, all);
        });
    }
}

async fn poll_times<F: Future + Unpin>(count: usize, future: &mut F) -> Option<F::Output> {
    for _ in 0..count {
        let poll = std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut *future).poll(cx))).await;
        if let Poll::Ready(output) = poll {
            return Some(output);
        }
        yield_now().await;
    }
    None
}

#[test]
fn a_half_closed_connection_goes_on_the_other_way_through_a_proxy() {
    everywhere(|| async {
        let ((mut client, mut a), (mut b, mut server)) = (duplex(16), duplex(16));
        let proxy = spawn(async move {
            let result = copy_bidirectional_with_sizes(&mut a, &mut b, 3, 5).await;
            (result, a, b)
        });
        let asking = async {
            client.write_all(&pattern(1_000)).await?;
            client.close().await?;
            let mut answer = Vec::new();
            client.read_to_end(&mut answer).await?;
            io::Result::Ok(answer)
        };
        let answering = async {
            let mut question = Vec::new();
            server.read_to_end(&mut question).await?;
            server.write_all(&question[..500]).await?;
            server.close().await?;
            io::Result::Ok(question.len())
        };
        let (answer, asked) = try_join((asking, answering)).await.unwrap();
        assert_eq!((answer, asked), (pattern(500), 1_000));
        assert_eq!(proxy.await.unwrap().0.unwrap(), (1_000, 500));
    });
}

#[test]
fn an_error_in_one_direction_ends_both() {
    paused(async {
        let ((mut client, mut a), (mut b, server)) = (duplex(16), duplex(16));
        drop(server);
        let mut copying = copy_bidirectional(&mut a, &mut b);
        client.write_all(b"hello").await.unwrap();
        let error = (&mut copying).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        assert_eq!((copying.counts(), copying.unwritten().0), ((0, 0), &b"hello"[..]));
    });
}

#[test]
fn a_copy_without_end_gives_others_their_turn() {
    on_workers(1, async {
        let is_stopped = Arc::new(AtomicBool::new(false));
        let task = spawn(async { copy(&mut repeat(1), &mut sink()).await });
        let seen = is_stopped.clone();
        let other = spawn(async move { seen.store(true, Ordering::SeqCst) });
        other.await.unwrap();
        assert!(is_stopped.load(Ordering::SeqCst));
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}
