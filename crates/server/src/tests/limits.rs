//! What a connection may cost: seats, silence, patience.

use std::time::Duration;

use super::{Client, Wish, echo};

#[tokio::test]
async fn a_connection_too_many_is_told_and_closed_and_the_next_is_welcome_again() {
    let open = Wish {
        live_max: 1,
        ..Wish::default()
    }
    .granted();
    let mut first = open.connect().await;
    assert_eq!(first.line().await, "HELLO clear");
    assert_eq!(open.connect().await.rest().await, "CROWDED\r\n");
    drop(first);
    open.until_live(0).await;
    assert_eq!(open.connect().await.line().await, "HELLO clear");
}

#[tokio::test]
async fn connections_are_limited_by_account() {
    let open = Wish {
        account_max: 1,
        ..Wish::default()
    }
    .granted();
    let mut clients = [open.connect().await, open.connect().await];
    for client in &mut clients {
        assert_eq!(client.line().await, "HELLO clear");
    }
    let [first, second] = &mut clients;
    first.send(b"LOGIN ann\r\n").await;
    assert_eq!(first.line().await, "LOGIN ann");
    second.send(b"LOGIN ann\r\n").await;
    assert_eq!(second.rest().await, "LOGIN ann\r\nACCOUNT CROWDED\r\n");
    let mut third = open.connect().await;
    third.send(b"LOGIN bob\r\nhere\r\n").await;
    for expected in ["HELLO clear", "LOGIN bob", "here"] {
        assert_eq!(third.line().await, expected);
    }
}

#[tokio::test]
async fn who_is_not_allowed_is_not_greeted() {
    let open = Wish {
        allow: Some(vec!["192.0.2.0/24".parse().unwrap()]),
        ..Wish::default()
    }
    .granted();
    assert_eq!(open.connect().await.rest().await, "");
}

#[tokio::test]
async fn a_silent_client_is_told_and_closed() {
    let open = Wish {
        echo: echo::Setup {
            patience: Duration::from_millis(50),
        },
        ..Wish::default()
    }
    .granted();
    let heard = open.connect().await.rest().await;
    assert_eq!(heard, "HELLO clear\r\nTOO LONG\r\n");
}

#[tokio::test]
async fn a_stranger_can_not_stay_by_saying_a_little_now_and_then() {
    let open = Wish {
        echo: echo::Setup {
            patience: Duration::from_millis(100),
        },
        ..Wish::default()
    }
    .granted();
    let Client { stream } = open.connect().await;
    let (mut from, mut to) = stream.into_split();
    let drip = tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        while to.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let mut heard = String::new();
    // The drip may still be on its way when the connection closes.
    let _ = tokio::io::AsyncReadExt::read_to_string(&mut from, &mut heard).await;
    assert!(heard.ends_with("TOO LONG\r\n"), "{heard}");
    drip.await.unwrap();
}

#[tokio::test]
async fn a_client_that_does_not_read_is_dropped() {
    let open = Wish {
        timeout: Duration::from_millis(200),
        ..Wish::default()
    }
    .granted();
    let mut client = open.connect().await;
    client.send(b"FLOOD\r\n").await;
    open.until_live(1).await;
    open.until_live(0).await;
    drop(client);
}
