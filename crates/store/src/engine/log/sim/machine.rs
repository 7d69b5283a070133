//! A machine that sees a simulated disk: its name, its clock, what happens while it waits.

use std::{
    fmt,
    sync::{
        Mutex,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use super::super::lease_text::Host;

/// What is called when somebody waits.
type Meanwhile = Box<dyn FnMut(Duration) + Send>;

/// The machine. Its clock stands unless somebody waits.
#[derive(Default)]
pub(crate) struct Machine {
    pub(super) number: u32,
    boot: AtomicU32,
    /// In milliseconds.
    clock: AtomicU64,
    meanwhile: Mutex<Option<Meanwhile>>,
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "machine {}", self.number)
    }
}

impl Machine {
    /// A machine whose clock began at another time than that of others.
    pub(crate) fn new(number: u32) -> Self {
        Self {
            number,
            clock: AtomicU64::new(u64::from(number) * 1_000_000),
            ..Self::default()
        }
    }

    /// It starts again.
    pub(crate) fn reboot(&self) {
        self.boot.fetch_add(1, Ordering::Relaxed);
    }

    /// Time passes.
    pub(crate) fn pass(&self, time: Duration) {
        let milliseconds = u64::try_from(time.as_millis()).unwrap();
        self.clock.fetch_add(milliseconds, Ordering::Relaxed);
    }

    /// What happens elsewhere while somebody waits here.
    pub(crate) fn meanwhile(&self, act: impl FnMut(Duration) + Send + 'static) {
        *self.meanwhile.lock().unwrap() = Some(Box::new(act));
    }

    /// What its clock shows.
    pub(crate) fn host_now(&self) -> Duration {
        self.now()
    }

    pub(super) fn host(&self) -> Host {
        Host {
            name: format!("machine{}", self.number).into(),
            machine: format!("id{}", self.number).into(),
            boot: format!("boot{}.{}", self.number, self.boot.load(Ordering::Relaxed)).into(),
            process: 1,
        }
    }

    pub(super) fn now(&self) -> Duration {
        Duration::from_millis(self.clock.load(Ordering::Relaxed))
    }

    pub(super) fn sleep(&self, time: Duration) {
        self.pass(time);
        let act = self.meanwhile.lock().unwrap().take();
        if let Some(mut act) = act {
            act(time);
            self.meanwhile.lock().unwrap().get_or_insert(act);
        }
    }
}
