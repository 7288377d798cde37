use super::{ConnectOptions, interleave};
use std::net::SocketAddr;

fn addrs() -> Vec<SocketAddr> {
    let addrs = ["[::1]:1", "[::2]:1", "[::3]:1", "127.0.0.1:1", "127.0.0.2:1"];
    addrs.iter().map(|text| text.parse().unwrap()).collect()
}

fn shown(addrs: Vec<SocketAddr>) -> Vec<String> {
    addrs.into_iter().map(|address| address.to_string()).collect()
}

#[test]
fn families_alternate_from_the_first() {
    let order = shown(interleave(addrs(), 1));
    assert_eq!(order, ["[::1]:1", "127.0.0.1:1", "[::2]:1", "127.0.0.2:1", "[::3]:1"]);
    let order = shown(interleave(addrs(), 2));
    assert_eq!(order, ["[::1]:1", "[::2]:1", "127.0.0.1:1", "[::3]:1", "127.0.0.2:1"]);
    assert_eq!(interleave(addrs(), 9), addrs());
}

#[test]
fn families_alternate_with_a_delay_unless_told_otherwise() {
    let options = ConnectOptions::new();
    assert_eq!(options.order(addrs()), interleave(addrs(), 1));
    assert_eq!(options.clone().interleave(0).order(addrs()), addrs());
    let options = options.happy_eyeballs_delay(None);
    assert_eq!(options.order(addrs()), addrs());
    assert_eq!(options.interleave(1).order(addrs()), interleave(addrs(), 1));
}

#[test]
fn local_address_is_of_the_family_of_the_remote_one() {
    let four: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let options = ConnectOptions::new();
    assert!(options.local_for(four).unwrap().is_empty());
    let options = options.local_addr(four);
    assert_eq!(options.local_for("127.0.0.2:1".parse().unwrap()).unwrap(), [four]);
    let error = options.local_for("[::1]:1".parse().unwrap()).unwrap_err();
    assert!(error.to_string().contains("[::1]:1"), "{error}");
}

#[test]
fn one_family_can_be_asked_for() {
    let options = ConnectOptions::new();
    assert!(options.clone().only_v4().order(addrs()).iter().all(SocketAddr::is_ipv4));
    assert_eq!(shown(options.only_v6().order(addrs())), ["[::1]:1", "[::2]:1", "[::3]:1"]);
}
