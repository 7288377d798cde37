use super::interleave;
use std::net::SocketAddr;

#[test]
fn families_alternate_from_the_first() {
    let addrs = ["[::1]:1", "[::2]:1", "[::3]:1", "127.0.0.1:1", "127.0.0.2:1"];
    let addrs: Vec<SocketAddr> = addrs.iter().map(|text| text.parse().unwrap()).collect();
    let order = |count| -> Vec<_> {
        interleave(addrs.clone(), count).iter().map(SocketAddr::to_string).collect()
    };
    assert_eq!(order(1), ["[::1]:1", "127.0.0.1:1", "[::2]:1", "127.0.0.2:1", "[::3]:1"]);
    assert_eq!(order(2), ["[::1]:1", "[::2]:1", "127.0.0.1:1", "[::3]:1", "127.0.0.2:1"]);
    assert_eq!(order(0), ["[::1]:1", "[::2]:1", "[::3]:1", "127.0.0.1:1", "127.0.0.2:1"]);
}
