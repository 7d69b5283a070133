// A working day over imapflow: node working_day.mjs PORT USER PASSWORD.

import assert from "node:assert/strict";
import { ImapFlow } from "imapflow";

const [port, user, pass] = process.argv.slice(2);
const options = {
    host: "localhost", port: Number(port), secure: true, auth: { user, pass },
    tls: { rejectUnauthorized: false }, logger: false, qresync: true,
};
const mail = (n) => `From: Ann <ann@example.test>\r\nTo: bob@example.test\r\nSubject: flow ${n}\r\n`
    + `Date: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <${n}@flow.test>\r\n\r\nText ${n}\r\n`;

const client = new ImapFlow(options);
await client.connect();
assert.equal((await client.mailboxCreate("Projekte/2024")).created, true);
for (let n = 0; n < 20; n++) {
    const { uid } = await client.append("INBOX", mail(n), n % 2 ? ["\\Seen"] : [], new Date());
    assert.equal(uid, n + 1);
}
const status = await client.status("INBOX", { messages: true, unseen: true, uidNext: true, highestModseq: true });
assert.equal(status.messages, 20);
assert.equal(status.unseen, 10);
const folders = await client.list({ statusQuery: { messages: true } });
assert.ok(folders.some((f) => f.path === "Projekte/2024"));
assert.equal(folders.filter((f) => f.specialUse === "\\Inbox").length, 1);

let lock = await client.getMailboxLock("INBOX");
const found = await client.search({ seen: false, subject: "flow 1" }, { uid: true });
assert.deepEqual(found, [11, 13, 15, 17, 19]);
const seen = [];
for await (const m of client.fetch("1:*", {
    uid: true, flags: true, envelope: true, bodyStructure: true, internalDate: true, size: true, threadId: true,
    headers: ["subject"], bodyParts: ["1"],
})) {
    assert.equal(m.envelope.subject, `flow ${m.uid - 1}`);
    assert.equal(m.bodyParts.get("1").toString().trim(), `Text ${m.uid - 1}`);
    assert.ok(m.emailId);
    seen.push(m.uid);
}
assert.equal(seen.length, 20);
const { content } = await client.download("11", "1", { uid: true });
let text = "";
for await (const chunk of content) text += chunk;
assert.match(text, /^Text 10/);
assert.equal(await client.messageFlagsAdd({ uid: "1:5" }, ["\\Flagged", "todo"]), true);
const changed = client.mailbox.highestModseq;
assert.equal(await client.messageFlagsRemove({ uid: "2" }, ["todo"]), true);
const since = [];
for await (const m of client.fetch("1:*", { uid: true, flags: true }, { changedSince: changed })) since.push(m.uid);
assert.ok(since.includes(2), `changed since: ${since}`);
const copied = await client.messageCopy({ uid: "1:3" }, "Projekte/2024");
assert.equal(copied.uidMap.size, 3);
const moved = await client.messageMove({ uid: "4,5" }, "Projekte/2024");
assert.equal(moved.uidMap.size, 2);
assert.equal(await client.messageDelete({ uid: "1" }), true);
assert.equal(client.mailbox.exists, 17);
lock.release();

// Another connection is told while it idles.
const other = new ImapFlow(options);
await other.connect();
await other.mailboxOpen("INBOX");
const told = new Promise((resolve) => other.once("exists", resolve));
const idle = other.idle();
await new Promise((resolve) => setTimeout(resolve, 200));
await client.append("INBOX", mail(99));
const event = await told;
assert.equal(event.count, 18);
await other.noop();
await idle;
await other.logout();

assert.equal((await client.mailboxRename("Projekte/2024", "Projekte/Rom")).newPath, "Projekte/Rom");
await client.mailboxDelete("Projekte/Rom");
await client.logout();
console.log("all well");
