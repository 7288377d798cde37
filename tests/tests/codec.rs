//! Frames out of streams that are cut anywhere, and back.

use std::io::{self, ErrorKind};
use std::task::Poll;

use bowerbird::codec::{
    AnyDelimiterCodec, BytesCodec, BytesMut, Decoder, Encoder, FrameError, Framed, FramedRead,
    FramedWrite, LengthDelimitedBuilder, LengthDelimitedCodec, LinesCodec, UdpFramed,
};
use bowerbird::io::{duplex, join, sink};
use bowerbird::net::UdpSocket;
use bowerbird::stream::StreamExt;
use bowerbird::{spawn, yield_now};
use bowerbird_tests::{Dribble, Sip, everywhere, on_workers, paused};
use proptest::prelude::*;

/// A result that can be compared.
type Seen = Result<Vec<u8>, String>;

fn seen<T: AsRef<[u8]>, E: std::fmt::Display>(frame: Result<T, E>) -> Seen {
    frame.map(|frame| frame.as_ref().to_vec()).map_err(|error| error.to_string())
}

/// What a codec finds in bytes that come in pieces, with the wait given up now and then. An endless row of errors is
/// cut.
fn frames<D>(decoder: D, bytes: &[u8], sizes: &[usize], patience: usize) -> Vec<Seen>
where
    D: Decoder,
    D::Item: AsRef<[u8]>,
    D::Error: std::fmt::Display,
{
    paused(async {
        let mut framed = FramedRead::new(Dribble::new(bytes, sizes), decoder);
        let mut all = Vec::new();
        while all.len() <= bytes.len() + 2 {
            let mut next = std::pin::pin!(framed.next());
            let mut polled = Poll::Pending;
            for _ in 0..patience {
                polled = std::future::poll_fn(|cx| Poll::Ready(next.as_mut().poll(cx))).await;
                if polled.is_ready() {
                    break;
                }
                yield_now().await;
            }
            match polled {
                Poll::Ready(None) => break,
                Poll::Ready(Some(frame)) => all.push(seen(frame)),
                Poll::Pending => {}
            }
        }
        all
    })
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0_usize..5, 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn lines_do_not_depend_on_the_reads(
        text in "[a-b\r\n]{0,40}",
        limit in 0_usize..8,
        sizes in sizes(),
        patience in 1_usize..4,
    ) {
        let got = frames(LinesCodec::with_max_length(limit), text.as_bytes(), &sizes, patience);
        let expected: Vec<Seen> = io::BufRead::lines(text.as_bytes())
            .map(|line| {
                let line = line.unwrap();
                if line.len() > limit {
                    Err(FrameError::TooLong { limit }.to_string())
                } else {
                    Ok(line.into_bytes())
                }
            })
            .collect();
        prop_assert_eq!(got, expected);
    }

    #[test]
    fn pieces_do_not_depend_on_the_reads(
        text in "[a-b,;]{0,40}",
        limit in 0_usize..8,
        sizes in sizes(),
        patience in 1_usize..4,
    ) {
        let codec = AnyDelimiterCodec::with_max_length(b",;".to_vec(), b",".to_vec(), limit);
        let got = frames(codec, text.as_bytes(), &sizes, patience);
        let mut pieces: Vec<&str> = text.split([',', ';']).collect();
        if pieces.last() == Some(&"") {
            pieces.pop();
        }
        let expected: Vec<Seen> = pieces
            .into_iter()
            .map(|piece| match piece.len() {
                length if length > limit => Err(FrameError::TooLong { limit }.to_string()),
                _ => Ok(piece.as_bytes().to_vec()),
            })
            .collect();
        prop_assert_eq!(got, expected);
    }

    /// What was encoded comes back, whatever the format, the reads and the writes.
    #[test]
    fn frames_with_a_length_come_back(
        lengths in prop::collection::vec(0_usize..30, 0..8),
        format in formats(),
        (reads, writes) in (sizes(), sizes()),
        patience in 1_usize..4,
    ) {
        let sent: Vec<Vec<u8>> = lengths.iter().map(|length| (0..*length as u8).collect()).collect();
        let bytes = paused(async {
            let mut framed = FramedWrite::new(Sip::new(&writes), format.new_codec());
            framed.set_high_water(16);
            for frame in &sent {
                framed.feed(frame).await.unwrap();
            }
            framed.close().await.unwrap();
            framed.into_inner().taken
        });
        let got = frames(format.new_codec(), &bytes, &reads, patience);
        prop_assert_eq!(got, sent.into_iter().map(Ok).collect::<Vec<_>>());
    }

    /// Garbage is frames and errors, the same for every cut; never a panic, never a frame over the limit.
    #[test]
    fn garbage_does_not_depend_on_the_reads(
        bytes in prop::collection::vec(0_u8..6, 0..60),
        format in wild_formats(),
        sizes in sizes(),
        patience in 1_usize..4,
    ) {
        let format = format.max_frame_length(9);
        let whole = frames(format.new_codec(), &bytes, &[], 9);
        prop_assert!(whole.iter().flatten().all(|frame| frame.len() <= 9));
        let lost = whole.iter().position(|frame| matches!(frame, Err(text) if text.contains("cannot be")));
        let got = frames(format.new_codec(), &bytes, &sizes, patience);
        match lost {
            // Where the place is lost, errors repeat once a look.
            Some(at) => prop_assert_eq!(&got[..=at], &whole[..=at]),
            None => prop_assert_eq!(got, whole),
        }
    }

    #[test]
    fn any_garbage_is_lines_and_errors(
        bytes in prop::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..60),
        sizes in sizes(),
    ) {
        let whole = frames(LinesCodec::with_max_length(5), &bytes, &[], 9);
        prop_assert_eq!(frames(LinesCodec::with_max_length(5), &bytes, &sizes, 9), whole);
    }
}

/// Formats whose lengths count exactly what follows them.
fn formats() -> impl Strategy<Value = LengthDelimitedBuilder> {
    (1_usize..=8, -8_i64..=0, any::<bool>()).prop_map(|(size, adjustment, is_big)| {
        let format =
            LengthDelimitedCodec::builder().length_field_length(size).length_adjustment(adjustment);
        if is_big { format.big_endian() } else { format.little_endian() }
    })
}

/// Formats of any kind.
fn wild_formats() -> impl Strategy<Value = LengthDelimitedBuilder> {
    (1_usize..=8, 0_usize..4, -3_i64..=3, prop::option::of(0_usize..12), any::<bool>()).prop_map(
        |(size, offset, adjustment, skip, is_big)| {
            let format = LengthDelimitedCodec::builder()
                .length_field_length(size)
                .length_field_offset(offset)
                .length_adjustment(adjustment);
            let format = skip.map_or(format, |skip| format.num_skip(skip));
            if is_big { format.big_endian() } else { format.little_endian() }
        },
    )
}

#[test]
fn the_format_is_what_the_builder_says() {
    let cases: [(LengthDelimitedBuilder, &[u8], &[u8]); 5] = [
        (LengthDelimitedCodec::builder(), b"\0\0\0\x02hi", b"hi"),
        (
            LengthDelimitedCodec::builder().little_endian().length_field_length(2),
            b"\x02\0hi",
            b"hi",
        ),
        (
            LengthDelimitedCodec::builder().length_field_offset(1).length_field_length(1),
            b"#\x02hi",
            b"hi",
        ),
        // The length counts itself.
        (
            LengthDelimitedCodec::builder().length_field_length(2).length_adjustment(-2),
            b"\0\x04hi",
            b"hi",
        ),
        // The head is a part of the frame.
        (
            LengthDelimitedCodec::builder().length_field_length(2).length_adjustment(2).num_skip(0),
            b"\0\x02hi",
            b"\0\x02hi",
        ),
    ];
    for (format, bytes, frame) in cases {
        assert_eq!(frames(format.new_codec(), bytes, &[1], 9), [Ok(frame.to_vec())]);
    }
}

#[test]
fn a_frame_over_the_limit_is_passed_over_and_costs_no_memory() {
    paused(async {
        let format =
            LengthDelimitedCodec::builder().length_field_length(3).max_frame_length(4).big_endian();
        let mut bytes = b"\x01\0\0".to_vec();
        bytes.resize(3 + 0x1_0000, b'x');
        bytes.extend_from_slice(b"\0\0\x02hi");
        let mut framed = FramedRead::new(&bytes[..], format.new_codec());
        let error = framed.next().await.unwrap().unwrap_err();
        assert!(error.to_string().contains("limit of 4 byte"), "{error}");
        assert_eq!(framed.next().await.unwrap().unwrap(), "hi");
        assert!(framed.read_buffer().capacity() < 0x2_0000);

        let mut out = BytesMut::new();
        let error = format.new_codec().encode(b"hello", &mut out).unwrap_err();
        assert!(matches!(error, FrameError::TooLong { limit: 4 }) && out.is_empty());
        assert_eq!(io::Error::from(error).kind(), ErrorKind::InvalidData);
    });
}

#[test]
fn a_length_that_cannot_be_is_an_error_at_both_ends() {
    let format = LengthDelimitedCodec::builder().length_field_length(1).length_adjustment(-3);
    let got = frames(format.new_codec(), b"\x04a\x01bcd", &[], 9);
    assert_eq!(got[0], Ok(b"a".to_vec()));
    assert!(got[1].as_ref().unwrap_err().contains("its length is 1"), "{got:?}");

    let mut out = BytesMut::new();
    let error = format.new_codec().encode([0; 254], &mut out).unwrap_err();
    assert!(error.to_string().contains("257 does not fit into 1 byte"), "{error}");
    let caught = bowerbird_tests::catch(|| LengthDelimitedCodec::builder().length_field_length(9));
    assert!(caught.file.ends_with("codec.rs"), "{}", caught.file);
}

#[test]
fn a_stream_that_ends_inside_a_frame_says_so() {
    for (bytes, count) in [(&b"\0\0"[..], 2), (b"\0\0\0\x05hel", 3), (b"\0\0\0\x05", 0)] {
        let got = frames(LengthDelimitedCodec::new(), bytes, &[], 9);
        assert_eq!(
            got,
            [Err(format!("the stream ended inside a frame; {count} byte(s) of it are there"))]
        );
    }
}

#[test]
fn an_error_does_not_end_the_frames() {
    paused(async {
        let mut lines = FramedRead::new(&b"one\n\xff\ntwo"[..], LinesCodec::new());
        assert_eq!(lines.next().await.unwrap().unwrap(), "one");
        assert!(
            matches!(lines.next().await.unwrap(), Err(FrameError::Io(error)) if error.kind() == ErrorKind::InvalidData)
        );
        let rest: Vec<String> = lines.map(Result::unwrap).collect().await;
        assert_eq!(rest, ["two"]);
    });
}

#[test]
fn a_frame_that_was_given_up_half_written_goes_out_whole() {
    paused(async {
        let (here, there) = duplex(3);
        let mut here = Framed::new(here, LinesCodec::new());
        let mut there = Framed::new(there, LinesCodec::new());
        let limit = std::time::Duration::from_millis(1);
        assert!(bowerbird::timeout(limit, here.send("hello")).await.is_err());
        assert_eq!(here.write_buffer(), "lo\n");
        let reading = spawn(async move { there.next().await.unwrap().unwrap() });
        here.send("next").await.unwrap_or_default();
        assert_eq!(reading.await.unwrap(), "hello");
    });
}

#[test]
fn a_full_buffer_makes_frames_wait_and_an_empty_one_does_not() {
    paused(async {
        let (here, _there) = duplex(2);
        let mut here = FramedWrite::new(here, LinesCodec::new());
        here.set_high_water(4);
        here.feed("hello").await.unwrap();
        let limit = std::time::Duration::from_millis(1);
        assert!(bowerbird::timeout(limit, here.feed("more")).await.is_err());
        assert!(bowerbird::timeout(limit, here.ready()).await.is_err());
        assert_eq!(here.write_buffer(), "llo\n");
        here.encode("all the same").unwrap();
        assert_eq!(here.write_buffer(), "llo\nall the same\n");
    });
}

#[test]
fn a_codec_can_be_changed_in_the_middle() {
    paused(async {
        let stream = join(Dribble::new(b"3\n\0\0\0\x01xrest", &[]), Vec::new());
        let mut lines = LinesCodec::new().framed(stream);
        assert_eq!(lines.next().await.unwrap().unwrap(), "3");
        lines.encode("ok").unwrap();
        let mut frames =
            Framed::from_parts(lines.into_parts().with_codec(LengthDelimitedCodec::new()));
        assert_eq!(frames.next().await.unwrap().unwrap(), "x");
        frames.send(b"y").await.unwrap();
        assert_eq!(frames.get_ref().writer(), b"ok\n\0\0\0\x01y");
        let mut rest = Framed::from_parts(frames.into_parts().with_codec(BytesCodec::new()));
        assert_eq!(rest.next().await.unwrap().unwrap(), "rest");
    });
}

#[test]
fn lines_go_both_ways_between_tasks() {
    everywhere(|| async {
        let (here, there) = duplex(16);
        let echo = spawn(async move {
            let mut there = Framed::new(there, LinesCodec::new());
            while let Some(line) = there.next().await {
                there.send(line?.to_uppercase()).await?;
            }
            there.close().await.map_err(FrameError::from)
        });
        let mut here = Framed::new(here, LinesCodec::new());
        for number in 0..50 {
            here.send(format!("line {number}")).await.unwrap();
            assert_eq!(here.next().await.unwrap().unwrap(), format!("LINE {number}"));
        }
        here.close().await.unwrap();
        assert!(here.next().await.is_none());
        echo.await.unwrap().unwrap();
    });
}

#[test]
fn many_frames_of_one_read_give_others_their_turn() {
    on_workers(1, async {
        let bytes = "\n".repeat(100_000);
        let mut lines = FramedRead::new(bytes.as_bytes(), LinesCodec::new());
        let mut has_run = false;
        let other = spawn(async {});
        for count in 0.. {
            lines.next().await.unwrap().unwrap();
            if other.done() {
                has_run = true;
                assert!(count < 1_000, "{count}");
                break;
            }
        }
        assert!(has_run);
        FramedWrite::new(sink(), BytesCodec::new()).send("x").await.unwrap();
    });
}

#[test]
fn datagrams_are_frames_and_do_not_run_into_each_other() {
    everywhere(|| async {
        let bind = || UdpSocket::bind("127.0.0.1:0");
        let (sender, mut there) = (
            bind().await.unwrap(),
            UdpFramed::new(bind().await.unwrap(), LengthDelimitedCodec::new()),
        );
        let to = there.get_ref().local_addr().unwrap();
        for datagram in [&b"\0\0\0\x02hi\0\0\0\x01x"[..], b"\0\0\0\x09cut", b"", b"\0\0\0\x01y"] {
            sender.send_to(datagram, to).await.unwrap();
        }
        let mut seen = Vec::new();
        while seen.len() < 4 {
            seen.push(there.next().await.map(|(frame, from)| {
                assert_eq!(from, sender.local_addr().unwrap());
                frame.to_vec()
            }));
        }
        assert_eq!(seen[0].as_ref().unwrap(), b"hi");
        assert_eq!(seen[1].as_ref().unwrap(), b"x");
        assert!(seen[2].as_ref().unwrap_err().to_string().contains("3 byte(s) of it are there"));
        assert_eq!(seen[3].as_ref().unwrap(), b"y");

        let mut here =
            UdpFramed::new(sender, LengthDelimitedCodec::builder().max_frame_length(3).new_codec());
        assert!(here.send("long", to).await.is_err());
        here.send("ok", to).await.unwrap();
        assert_eq!(there.next().await.unwrap().0, "ok");
    });
}
