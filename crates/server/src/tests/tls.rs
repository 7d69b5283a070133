//! TLS: at once and by STARTTLS, what may not slip in between, and new certificates.

use std::{fs, sync::Arc};

use super::{Wish, write_certificate};
use crate::{settings::Security, tls::Certificate};

fn certificate(directory: &std::path::Path) -> Arc<Certificate> {
    let (chain, key) = write_certificate(directory);
    Arc::new(Certificate::read(chain, key).unwrap())
}

#[tokio::test]
async fn tls_at_once_and_by_starttls() {
    let directory = tempfile::tempdir().unwrap();
    let certificate = certificate(directory.path());
    let trusted = directory.path().join("cert.pem");
    for security in [Security::Tls, Security::StartTls] {
        let wish = Wish {
            security,
            certificate: Some(Arc::clone(&certificate)),
            ..Wish::default()
        };
        let open = wish.granted();
        let mut client = open.connect().await;
        if security == Security::StartTls {
            client.send(b"STARTTLS\r\n").await;
            assert_eq!(client.line().await, "HELLO clear");
            assert_eq!(client.line().await, "GO");
        }
        let mut client = client.secure(&trusted).await.unwrap();
        if security == Security::Tls {
            assert_eq!(client.line().await, "HELLO tls");
        }
        client.send(b"over tls\r\n").await;
        assert_eq!(client.line().await, "over tls");
    }
}

#[tokio::test]
async fn what_was_slipped_in_before_the_handshake_is_never_obeyed() {
    let directory = tempfile::tempdir().unwrap();
    let open = Wish {
        certificate: Some(certificate(directory.path())),
        ..Wish::default()
    }
    .granted();
    let mut client = open.connect().await;
    client.send(b"STARTTLS\r\nLOGIN mallory\r\n").await;
    assert_eq!(client.line().await, "HELLO clear");
    assert_eq!(client.line().await, "GO");
    let trusted = directory.path().join("cert.pem");
    // Either the handshake fails, or the injected line is gone: it is never answered.
    if let Ok(mut client) = client.secure(&trusted).await {
        client.send(b"mine\r\n").await;
        assert_eq!(client.line().await, "mine");
    }
}

#[tokio::test]
async fn octets_in_clear_text_do_not_become_tls() {
    let directory = tempfile::tempdir().unwrap();
    let open = Wish {
        certificate: Some(certificate(directory.path())),
        ..Wish::default()
    }
    .granted();
    let mut client = open.connect().await;
    client.send(b"STARTTLS\r\n").await;
    assert_eq!(client.line().await, "HELLO clear");
    assert_eq!(client.line().await, "GO");
    client.send(b"LOGIN mallory\r\n").await;
    let rest = client.stream;
    let mut heard = Vec::new();
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut { rest }, &mut heard).await;
    assert!(!heard.windows(5).any(|w| w == b"LOGIN"), "{heard:?}");
    open.until_live(0).await;
}

#[tokio::test]
async fn a_handshake_that_never_comes_is_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let open = Wish {
        security: Security::Tls,
        certificate: Some(certificate(directory.path())),
        timeout: std::time::Duration::from_millis(50),
        ..Wish::default()
    }
    .granted();
    assert_eq!(open.connect().await.rest().await, "");
}

#[tokio::test]
async fn a_new_certificate_is_taken_up_and_a_broken_one_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let certificate = certificate(directory.path());
    let open = Wish {
        security: Security::Tls,
        certificate: Some(Arc::clone(&certificate)),
        ..Wish::default()
    }
    .granted();
    let (chain, kept) = (
        directory.path().join("cert.pem"),
        directory.path().join("first.pem"),
    );
    fs::copy(&chain, &kept).unwrap();

    fs::write(
        &chain,
        "-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n",
    )
    .unwrap();
    certificate.refresh();
    assert!(open.connect().await.secure(&kept).await.is_ok());

    write_certificate(directory.path());
    certificate.refresh();
    assert!(open.connect().await.secure(&kept).await.is_err());
    assert!(open.connect().await.secure(&chain).await.is_ok());

    // Of another key than the one beside it.
    fs::copy(&kept, directory.path().join("cert.pem")).unwrap();
    certificate.reload();
    assert!(open.connect().await.secure(&kept).await.is_err());
}
