//! Stopping: what is in flight is finished, what does not finish is dropped.

use tokio::net::TcpStream;

use super::Wish;
use crate::connection::Phase;

#[tokio::test]
async fn a_command_in_flight_is_finished_and_then_the_client_is_told() {
    let open = Wish::default().granted();
    let mut client = open.connect().await;
    assert_eq!(client.line().await, "HELLO clear");
    client.send(b"WORK 100\r\n").await;
    assert_eq!(client.line().await, "BEGUN");
    open.phase.send_replace(Phase::Stopping);
    assert_eq!(client.rest().await, "WORK 100\r\nSTOPPING\r\n");
    open.seats.empty().await;
}

#[tokio::test]
async fn a_server_that_stops_takes_no_more_connections() {
    let open = Wish::default().granted();
    assert_eq!(open.connect().await.line().await, "HELLO clear");
    open.phase.send_replace(Phase::Stopping);
    open.seats.empty().await;
    let mut refused = TcpStream::connect(open.address).await.is_err();
    while !refused {
        tokio::task::yield_now().await;
        refused = TcpStream::connect(open.address).await.is_err();
    }
}

#[tokio::test]
async fn what_does_not_finish_is_dropped() {
    let open = Wish::default().granted();
    let mut client = open.connect().await;
    client.send(b"WORK 3600000\r\n").await;
    assert_eq!(client.line().await, "HELLO clear");
    assert_eq!(client.line().await, "BEGUN");
    open.phase.send_replace(Phase::Stopping);
    tokio::task::yield_now().await;
    assert_eq!(open.seats.live(), 1);
    open.phase.send_replace(Phase::Dropping);
    assert_eq!(client.rest().await, "");
    open.seats.empty().await;
}
