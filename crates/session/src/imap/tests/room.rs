//! What every command is moved about with: room for the largest thing that any of them waits for.

use imap::{Command, command};

use super::{Sink, World, run};

/// Octets. What takes more is boxed by whoever waits for it.
const ROOM_MAX: usize = 5 * 1024;

#[test]
fn a_command_is_moved_about_with_little_room() {
    run(async {
        let mut client = World::new().await.client();
        let mut out = Sink::default();
        let received = client.session.receive(Vec::new(), &mut out);
        let receiving = size_of_val(&received);
        drop(received);
        let noop = Command::Any(command::Any::Noop);
        let step = client.session.step("a", noop, None, &mut out);
        let running = size_of_val(&step);
        assert!(
            receiving.max(running) <= ROOM_MAX,
            "{receiving} octets to receive, {running} to run"
        );
    });
}
