//! Shares of a client and of a connection, and who waits for whom.

use super::*;
use crate::sockets::Sockets;
use std::pin::pin;

fn whose(client: u8, connection: u64) -> Whose {
    Whose { client: IpAddr::from([192, 0, 2, client]), connection: Some(connection) }
}

fn shares(places: usize, queue: usize) -> Shares {
    Shares::of(&Room { places, queue, body: None, buffer: None }, &Rules::default())
}

async fn socket() -> Arc<Socket> {
    Arc::clone(&Sockets::new(1).enter(IpAddr::from([192, 0, 2, 1])).await.socket)
}

#[test]
fn small_components_are_not_shared_out() {
    let small = shares(8, 3);
    assert_eq!((small.client, small.connection, small.queue), (usize::MAX, usize::MAX, 3));
    let large = shares(256, 256);
    assert_eq!((large.client, large.connection, large.queue), (192, 128, 192));
}

#[tokio::test]
async fn a_client_beyond_its_share_waits_and_another_does_not() {
    let (places, socket, shares) = (Arc::new(Places::default()), socket().await, shares(64, 64));
    let mut claims = Vec::new();
    for number in 0..48 {
        claims.push(places.claim(whose(1, number % 2), &socket, shares).await.ok().unwrap());
    }
    let mut next = pin!(places.claim(whose(1, 3), &socket, shares));
    assert!(futures::poll!(next.as_mut()).is_pending());
    assert!(places.claim(whose(2, 9), &socket, shares).await.is_ok(), "another client has its own share");
    claims.pop();
    assert!(next.await.is_ok());
}

#[tokio::test]
async fn a_connection_has_a_share_of_its_clients() {
    let (places, socket, shares) = (Arc::new(Places::default()), socket().await, shares(64, 64));
    let mut claims = Vec::new();
    for _ in 0..32 {
        claims.push(places.claim(whose(1, 1), &socket, shares).await.ok().unwrap());
    }
    assert!(futures::poll!(pin!(places.claim(whose(1, 1), &socket, shares))).is_pending());
    assert!(places.claim(whose(1, 2), &socket, shares).await.is_ok());
}

#[tokio::test]
async fn those_who_wait_are_bounded_and_leave_nothing_when_they_go() {
    let (places, socket, shares) = (Arc::new(Places::default()), socket().await, shares(32, 2));
    let mut claims = Vec::new();
    for _ in 0..16 {
        claims.push(places.claim(whose(1, 1), &socket, shares).await.ok().unwrap());
    }
    {
        let (mut first, mut second) =
            (pin!(places.claim(whose(1, 1), &socket, shares)), pin!(places.claim(whose(1, 1), &socket, shares)));
        assert!(futures::poll!(first.as_mut()).is_pending() && futures::poll!(second.as_mut()).is_pending());
        assert!(places.claim(whose(1, 1), &socket, shares).await.is_err());
        // One place comes free while both wait, and the one that gets it goes without having looked.
        claims.pop();
    }
    assert_eq!(places.look().1.len(), 0);
    claims.clear();
    let state = places.state();
    assert!(state.holds.is_empty() && state.running.is_empty() && state.waiting.is_empty());
}
