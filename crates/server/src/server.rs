//! A server: its listeners and connections, from start to stop.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use admin::Sessions;
use session::{Services, imap, lmtp, postfix};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{interval, timeout},
};

use crate::{
    connection::Phase,
    error::Error,
    listen::{Listening, Passed, listen},
    protocol::Protocol,
    seats::Seats,
    serve::Door,
    settings::{Listen, Security, Settings, Speaks},
    tls::{Certificate, Handshake},
};

/// A server that runs. Dropping it stops it at once, without grace.
#[derive(Debug)]
pub struct Server {
    addresses: Vec<(Listen, SocketAddr)>,
    doors: JoinSet<()>,
    /// Looks after the certificate.
    keeper: JoinSet<()>,
    seats: Arc<Seats>,
    phase: watch::Sender<Phase>,
    certificate: Option<Arc<Certificate>>,
    grace: Duration,
}

/// How long connections have that are being dropped: their sockets are closed already.
const DROP_TIME: Duration = Duration::from_secs(2);

impl Server {
    /// Listens everywhere, or says where it can't; then serves, in tasks of the runtime
    /// that it is called in. Its connections are among these sessions.
    ///
    /// # Errors
    /// [`Error`], with nothing left behind.
    pub fn start(
        services: &Services,
        settings: &Settings,
        sessions: Sessions,
    ) -> Result<Self, Error> {
        let certificate = match &settings.certificate {
            Some((chain, key)) => Some(Arc::new(Certificate::read(chain.clone(), key.clone())?)),
            None => None,
        };
        let seats = Seats::new(
            settings.connections_max,
            settings.connections_per_account_max,
            sessions,
        );
        let mut server = Self {
            addresses: Vec::new(),
            doors: JoinSet::new(),
            keeper: JoinSet::new(),
            seats,
            phase: watch::Sender::new(Phase::Running),
            certificate,
            grace: settings.grace,
        };
        // All of them first: a server that can't have one of its ports opens none.
        let mut passed = Passed::take();
        let mut listening = Vec::new();
        let wanted = [settings.listen.clone(), passed.listeners()?].concat();
        for one in &wanted {
            for socket in listen(&one.address, &mut passed)? {
                listening.push((one, socket));
            }
        }
        for (one, socket) in listening {
            server.open(one, socket, services, settings)?;
        }
        if let Some(certificate) = &server.certificate {
            let refresh = refresh(Arc::clone(certificate), settings.certificate_interval);
            server.keeper.spawn(refresh);
        }
        Ok(server)
    }

    fn open(
        &mut self,
        listen: &Listen,
        listening: Listening,
        services: &Services,
        settings: &Settings,
    ) -> Result<(), Error> {
        let handshake = match &self.certificate {
            Some(certificate) => Some(Handshake::new(
                certificate,
                listen.speaks,
                settings.handshake_timeout,
            )?),
            None if listen.security == Security::Tls => return Err(Error::NoCertificate),
            None => None,
        };
        let address = listening.address();
        tracing::info!(address = ?listen.address, protocol = ?listen.speaks, security = ?listen.security, "listening");
        self.addresses.extend(address.map(|a| (listen.clone(), a)));
        match listen.speaks {
            Speaks::Imap => {
                let door = self.door::<imap::Session>(listening, services, settings);
                let door = door.secured(listen.security, handshake);
                self.doors.spawn(door.serve());
            }
            Speaks::Lmtp => {
                let door = self.door::<lmtp::Session>(listening, services, settings);
                let door = door.secured(listen.security, handshake);
                let allow = Some(settings.lmtp_allow.clone());
                self.doors.spawn(Door { allow, ..door }.serve());
            }
            Speaks::Postfix(dialect) => {
                let setup = (services.clone(), dialect);
                let door = self.door::<postfix::Session>(listening, &setup, settings);
                let allow = Some(settings.postfix_allow.clone());
                self.doors.spawn(Door { allow, ..door }.serve());
            }
        }
        Ok(())
    }

    /// A door in clear text, open to everybody.
    fn door<P: Protocol>(
        &self,
        listening: Listening,
        setup: &P::Setup,
        settings: &Settings,
    ) -> Door<P> {
        Door {
            listening,
            security: Security::StartTls,
            handshake: None,
            allow: None,
            setup: setup.clone(),
            seats: Arc::clone(&self.seats),
            phase: self.phase.subscribe(),
            write_timeout: settings.write_timeout,
        }
    }

    /// The TCP address of the first such listener: with the port that the system chose.
    #[must_use]
    pub fn address(&self, speaks: Speaks, security: Security) -> Option<SocketAddr> {
        let found = self
            .addresses
            .iter()
            .find(|(listen, _)| listen.speaks == speaks && listen.security == security);
        found.map(|(_, address)| *address)
    }

    /// The certificate, to have it read again.
    #[must_use]
    pub fn certificate(&self) -> Option<&Arc<Certificate>> {
        self.certificate.as_ref()
    }

    /// Connections now.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.seats.live()
    }

    /// Stops: no more connections; those that are there finish what they are at and say
    /// goodbye; those that have not after the grace period are dropped.
    pub async fn stop(mut self) {
        self.phase.send_replace(Phase::Stopping);
        let connections = self.seats.live();
        tracing::info!(connections, "stopping");
        while self.doors.join_next().await.is_some() {}
        if timeout(self.grace, self.seats.empty()).await.is_err() {
            tracing::warn!(connections = self.seats.live(), "dropping connections");
            self.phase.send_replace(Phase::Dropping);
            let _ = timeout(DROP_TIME, self.seats.empty()).await;
        }
    }
}

/// Looks at the certificate's files now and then.
async fn refresh(certificate: Arc<Certificate>, every: Duration) {
    let mut ticks = interval(every.max(Duration::from_millis(10)));
    loop {
        ticks.tick().await;
        certificate.refresh();
    }
}
