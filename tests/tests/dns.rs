//! Names to addresses, and back: what is answered, what fails and how, and lookups that hang.
//!
//! A resolver whose servers do not answer is played by the hook that is called on its threads.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Condvar, Mutex};
use std::task::Poll;
use std::time::Duration;

use bowerbird::net::dns::{
    AddrInfoFlags, Family, GaiError, GaiErrorKind, NameInfoFlags, SocketType, before_lookups,
};
use bowerbird::net::{TcpStream, getaddrinfo, getnameinfo, lookup_host};
use bowerbird::{Runner, Runtime, gather_iter, spawn, timeout, to_thread, yield_now};
use bowerbird_tests::{catch, everywhere, in_own_process, on_workers, until};

/// As many as are looked up at a time.
const MOST: usize = 64;

fn why(error: &io::Error) -> &GaiError {
    error.get_ref().and_then(|inner| inner.downcast_ref()).unwrap_or_else(|| panic!("{error:?}"))
}

#[test]
fn names_of_this_machine_are_found() {
    everywhere(|| async {
        let found = getaddrinfo("localhost", 8080).socket_type(SocketType::STREAM).await.unwrap();
        assert!(!found.is_empty());
        for info in &found {
            assert!(info.address.ip().is_loopback() && info.address.port() == 8080, "{info:?}");
            assert_eq!(info.socket_type, SocketType::STREAM);
            assert!(info.protocol == 6 || cfg!(windows), "{info:?}");
            let is_v6 = info.address.is_ipv6();
            assert_eq!(info.family, if is_v6 { Family::INET6 } else { Family::INET });
        }
        let addresses: Vec<_> = found.into_iter().map(|info| info.address).collect();
        assert_eq!(lookup_host("localhost:8080").await.unwrap(), addresses);
        assert_eq!(lookup_host(("localhost", 8080)).await.unwrap(), addresses);
        let known: SocketAddr = "[::1]:9".parse().unwrap();
        assert_eq!(lookup_host(known).await.unwrap(), [known]);
    });
}

#[test]
fn services_are_found_by_name() {
    everywhere(|| async {
        for (service, socket_type, port) in
            [("http", SocketType::STREAM, 80), ("domain", SocketType::DGRAM, 53)]
        {
            let found = getaddrinfo("127.0.0.1", service).socket_type(socket_type).await.unwrap();
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(found[0].address, SocketAddr::from(([127, 0, 0, 1], port)));
        }
        let error = getaddrinfo("127.0.0.1", "no-such-service").await.unwrap_err();
        assert_eq!(why(&error).kind(), GaiErrorKind::Service);
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    });
}

#[test]
fn without_a_host_it_is_this_machine() {
    everywhere(|| async {
        let asked = || getaddrinfo(None, 80).family(Family::INET).socket_type(SocketType::STREAM);
        let own = asked().await.unwrap();
        assert_eq!(own[0].address, "127.0.0.1:80".parse().unwrap());
        let all = asked().flags(AddrInfoFlags::PASSIVE).await.unwrap();
        assert_eq!(all[0].address, "0.0.0.0:80".parse().unwrap());
        let neither = getaddrinfo(None, None::<u16>).await.unwrap_err();
        assert_eq!(why(&neither).kind(), GaiErrorKind::NoName);
        assert!(neither.to_string().starts_with("cannot look up this machine: "), "{neither}");
    });
}

// Windows gives one answer for all types, and other reasons.
#[cfg(unix)]
#[test]
fn every_type_of_socket_has_its_answer() {
    everywhere(|| async {
        let found = getaddrinfo("127.0.0.1", 80).await.unwrap();
        let types: Vec<_> = found.iter().map(|info| info.socket_type).collect();
        assert!(types.contains(&SocketType::STREAM) && types.contains(&SocketType::DGRAM));
        let udp = getaddrinfo("127.0.0.1", 80).protocol(17).await.unwrap();
        assert!(udp.iter().all(|info| info.protocol == 17) && !udp.is_empty(), "{udp:?}");
    });
}

#[test]
fn canonical_name_comes_if_it_is_asked_for() {
    everywhere(|| async {
        let asked = getaddrinfo("localhost", 80).flags(AddrInfoFlags::CANONNAME).await.unwrap();
        assert!(asked[0].canonical_name.is_some(), "{asked:?}");
        let not = getaddrinfo("localhost", 80).await.unwrap();
        assert!(not.iter().all(|info| info.canonical_name.is_none()));
    });
}

#[cfg(unix)]
#[test]
fn failures_name_the_host_and_say_why() {
    everywhere(|| async {
        let error = getaddrinfo("127.0.0.1", 80).family(Family::INET6).await.unwrap_err();
        assert_eq!((why(&error).kind(), why(&error).host()), (GaiErrorKind::NoName, "127.0.0.1"));
        assert_eq!(error.kind(), io::ErrorKind::NotFound);

        let error = getaddrinfo("127.0.0.1", 80).family(Family::from_raw(99)).await.unwrap_err();
        assert_eq!(why(&error).kind(), GaiErrorKind::Unsupported, "{error}");
        let flags = AddrInfoFlags::from_raw(1 << 30);
        let error = getaddrinfo("127.0.0.1", 80).flags(flags).await.unwrap_err();
        assert_eq!(why(&error).kind(), GaiErrorKind::Unsupported, "{error}");
    });
}

/// Where there is a name server it says that there is none; elsewhere nobody answers, for a second.
#[test]
fn name_that_nobody_knows_fails_by_name() {
    let impatient = [("RES_OPTIONS", "timeout:1 attempts:1")];
    in_own_process("name_that_nobody_knows_fails_by_name", &impatient, || {
        on_workers(2, async {
            let error = getaddrinfo("no-such-host.invalid", 80).await.unwrap_err();
            assert_eq!(why(&error).host(), "no-such-host.invalid");
            let kind = why(&error).kind();
            assert!(matches!(kind, GaiErrorKind::NoName | GaiErrorKind::Temporary), "{error:?}");
            assert!(error.to_string().starts_with("cannot look up `no-such-host.invalid`: "));

            let error = TcpStream::connect("no-such-host.invalid:80").await.unwrap_err();
            assert!(error.to_string().contains("no-such-host.invalid"), "{error}");
        });
    });
}

#[test]
fn arguments_that_are_none_are_refused_by_name() {
    everywhere(|| async {
        for (port, shown) in [(-1, "-1"), (65_536, "65536"), (i32::MAX, "2147483647")] {
            let error = getaddrinfo("127.0.0.1", port).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
            assert_eq!(error.to_string(), format!("{shown} is no port: it is 0 to 65535"));
        }
        for host in ["a\0b", "127.0.0.1\0"] {
            let error = getaddrinfo(host, 80).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
            assert!(error.to_string().contains("zero byte"), "{error}");
        }
        let error = getaddrinfo("127.0.0.1", "a\0b").await.unwrap_err();
        assert!(error.to_string().contains("the service \"a\\0b\""), "{error}");
        assert_eq!(lookup_host("localhost").await.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    });
}

#[test]
fn addresses_have_names() {
    everywhere(|| async {
        let address = SocketAddr::from(([127, 0, 0, 1], 80));
        let (host, service) = getnameinfo(address, NameInfoFlags::default()).await.unwrap();
        assert!(!host.is_empty() && host != "127.0.0.1", "{host}");
        assert_eq!(service, "http");
        let host_as_number = NameInfoFlags::NUMERICHOST;
        let names = getnameinfo(address, host_as_number).await.unwrap();
        assert_eq!(names, ("127.0.0.1".into(), "http".into()));
        let both = host_as_number | NameInfoFlags::NUMERICSERV;
        let names = getnameinfo("[fe80::1]:81".parse().unwrap(), both).await.unwrap();
        assert_eq!(names, ("fe80::1".into(), "81".into()));
        let flags = NameInfoFlags::from_raw(-1);
        let error = getnameinfo(address, flags).await.unwrap_err();
        assert_eq!(why(&error).host(), "127.0.0.1:80");
        assert!(why(&error).kind() == GaiErrorKind::Unsupported || cfg!(windows), "{error}");
    });
}

#[test]
fn outside_a_runtime_only_numbers_are_known() {
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let mut number = pin!(getaddrinfo("::1", 80));
    assert!(matches!(number.as_mut().poll(&mut cx), Poll::Ready(Ok(_))));
    let Poll::Ready(Err(error)) = pin!(getaddrinfo("localhost", 80)).poll(&mut cx) else {
        panic!("there is nobody to ask");
    };
    assert!(error.to_string().contains("`localhost`: await it in a runtime"), "{error}");
    let again = catch(|| number.as_mut().poll(&mut cx).is_ready());
    assert!(again.message.contains("polled after it was ready"), "{again:?}");
}

/// A resolver that hangs for the host `::1`, until it is released.
#[derive(Clone, Default)]
struct Resolver(Arc<(Mutex<Seen>, Condvar)>);

#[derive(Default)]
struct Seen {
    names: Vec<String>,
    is_released: bool,
}

impl Resolver {
    fn install() -> Self {
        let resolver = Self::default();
        let hook = resolver.clone();
        before_lookups(move |host| {
            let (seen, released) = &*hook.0;
            let mut seen = seen.lock().unwrap();
            seen.names.push(host.to_owned());
            if host == "::1" {
                drop(released.wait_while(seen, |seen| !seen.is_released).unwrap());
            }
        });
        resolver
    }

    fn asked(&self) -> Vec<String> {
        self.0.0.lock().unwrap().names.clone()
    }

    fn release(&self) {
        self.0.0.lock().unwrap().is_released = true;
        self.0.1.notify_all();
    }

    /// Lets so many lookups hang.
    async fn hang(&self, count: usize) {
        let before = self.asked().len();
        for _ in 0..count {
            drop(spawn(getaddrinfo("::1", "http")));
        }
        until(|| self.asked().len() == before + count).await;
    }
}

#[test]
fn numbers_need_no_thread() {
    in_own_process("numbers_need_no_thread", &[], || {
        let resolver = Resolver::install();
        everywhere(|| async {
            getaddrinfo("127.0.0.1", 80).await.unwrap();
            getaddrinfo("::1", "80").await.unwrap();
            getaddrinfo(None, 80).await.unwrap();
            let numeric = AddrInfoFlags::NUMERICHOST;
            getaddrinfo("a name", 80).flags(numeric).await.unwrap_err();
            lookup_host("127.0.0.1:80").await.unwrap();
            let flags = NameInfoFlags::NUMERICHOST | NameInfoFlags::NUMERICSERV;
            getnameinfo("127.0.0.1:80".parse().unwrap(), flags).await.unwrap();
        });
        assert!(resolver.asked().is_empty(), "{:?}", resolver.asked());
        on_workers(1, async { getaddrinfo("127.0.0.1", "http").await.unwrap() });
        assert_eq!(resolver.asked(), ["127.0.0.1"]);
    });
}

#[test]
fn lookups_that_hang_do_not_delay_the_end() {
    in_own_process("lookups_that_hang_do_not_delay_the_end", &[], || {
        let resolver = Resolver::install();
        everywhere(|| resolver.hang(3));
        // Also with a limit, and of a runtime that is dropped.
        let runtime = Runtime::new().unwrap();
        runtime.block_on(resolver.hang(3));
        runtime.shutdown_timeout(Duration::from_secs(600));
        let runtime = Runtime::new().unwrap();
        runtime.block_on(resolver.hang(3));
        drop(runtime);
        // They hang to this line.
        resolver.release();
    });
}

#[test]
fn lookups_that_hang_take_no_thread_of_others() {
    in_own_process("lookups_that_hang_take_no_thread_of_others", &[], || {
        let resolver = Resolver::install();
        let builder = Runner::builder().worker_threads(1).max_blocking_threads(1);
        let mut runner = builder.build().unwrap();
        runner
            .run(async {
                resolver.hang(MOST).await;
                assert_eq!(to_thread(|| 7).await, 7);
                // The next waits for its turn, and gets it.
                let next = spawn(getaddrinfo("localhost", 80));
                assert_eq!(to_thread(|| 8).await, 8);
                assert!(!next.done() && !resolver.asked().contains(&"localhost".into()));
                resolver.release();
                next.await.unwrap().unwrap();
            })
            .unwrap();
    });
}

#[test]
fn lookup_that_is_dropped_before_it_begins_is_not_made() {
    in_own_process("lookup_that_is_dropped_before_it_begins_is_not_made", &[], || {
        let resolver = Resolver::install();
        on_workers(2, async {
            resolver.hang(MOST).await;
            let limit = Duration::from_millis(1);
            assert!(timeout(limit, getaddrinfo("dropped.invalid", 80)).await.is_err());
            let cancelled = spawn(lookup_host("cancelled.invalid:80"));
            bowerbird_tests::turns(10).await;
            cancelled.cancel();
            assert!(cancelled.await.unwrap_err().is_cancelled());
            let last = spawn(getaddrinfo("localhost", 80));
            resolver.release();
            last.await.unwrap().unwrap();
        });
        let names = resolver.asked();
        assert!(names.contains(&"localhost".into()));
        assert!(!names.iter().any(|name| name.ends_with("ed.invalid")), "{names:?}");
    });
}

#[test]
fn lookup_of_a_runtime_that_has_ended_fails() {
    in_own_process("lookup_of_a_runtime_that_has_ended_fails", &[], || {
        let resolver = Resolver::install();
        let mut waiting = getaddrinfo("waiting.invalid", 80);
        on_workers(1, async {
            resolver.hang(MOST).await;
            poll_fn(|cx| {
                assert!(Pin::new(&mut waiting).poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
        });
        let error = on_workers(1, waiting).unwrap_err();
        assert!(error.to_string().contains("`waiting.invalid` was given up"), "{error}");
        resolver.release();
    });
}

#[test]
fn many_lookups_at_once_are_all_answered() {
    everywhere(|| async {
        let lookups = (0..500_u16).map(|port| getaddrinfo("localhost", port));
        for (port, found) in gather_iter(lookups).await.into_iter().enumerate() {
            assert_eq!(usize::from(found.unwrap()[0].address.port()), port);
        }
        yield_now().await;
    });
}
