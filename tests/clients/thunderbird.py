"""A working day in Thunderbird, under a virtual display: thunderbird.py PORT USER PASSWORD DIRECTORY.

Thunderbird's own Marionette port takes scripts that run inside it, with its own services: the
commands that reach the server are the program's.
"""

import json
import os
import socket
import subprocess
import sys
import time

port, user, password, directory = int(sys.argv[1]), *sys.argv[2:5]


class Marionette:
    """The protocol of the port: `length:[0, id, command, parameters]`."""

    def __init__(self, port):
        self.id = 0
        for _ in range(120):
            try:
                self.socket = socket.create_connection(("127.0.0.1", port))
                break
            except OSError:
                time.sleep(0.5)
        self.read()

    def read(self):
        length = b""
        while not length.endswith(b":"):
            length += self.socket.recv(1)
        left = int(length[:-1])
        data = b""
        while len(data) < left:
            data += self.socket.recv(left - len(data))
        return json.loads(data)

    def call(self, command, **parameters):
        self.id += 1
        text = json.dumps([0, self.id, command, parameters]).encode()
        self.socket.sendall(b"%d:%s" % (len(text), text))
        _, _, error, result = self.read()
        if error:
            raise SystemExit(f"{command}: {error}")
        return result

    def run(self, script, *arguments):
        script = PRELUDE + "const done = arguments[arguments.length - 1]; const args = arguments;" + (
            "(async () => {" + script + "})().then(v => done({ok: v ?? null}), e => done({error: String(e), at: e.stack}));"
        )
        value = self.call("WebDriver:ExecuteAsyncScript", script=script, args=list(arguments), newSandbox=True)["value"]
        if "error" in value:
            raise SystemExit(f"{value}")
        return value["ok"]


PRELUDE = """
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const server = MailServices.accounts.accounts.map(a => a.incomingServer).find(s => s && s.type == "imap");
const root = server?.rootFolder;
const folder = name => root.getChildNamed(name);
const sleep = ms => new Promise(r => { const t = Cc["@mozilla.org/timer;1"].createInstance(Ci.nsITimer);
    globalThis.timers = globalThis.timers || []; globalThis.timers.push(t);
    t.initWithCallback(r, ms, Ci.nsITimer.TYPE_ONE_SHOT); });
const until = async (what, test) => { for (let n = 0; n < 150; n++) { if (await test()) return; await sleep(200); }
    throw new Error("not in time: " + what); };
const listener = (resolve, reject) => ({ QueryInterface: ChromeUtils.generateQI(["nsIUrlListener", "nsIMsgCopyServiceListener"]),
    OnStartRunningUrl() {}, OnStopRunningUrl(u, status) { status ? reject(new Error("url " + status)) : resolve(); },
    onStartCopy() {}, onProgress() {}, setMessageKey() {}, getMessageId() { return ""; },
    onStopCopy(status) { status ? reject(new Error("copy " + status)) : resolve(); } });
const waits = f => new Promise((resolve, reject) => f(listener(resolve, reject)));
const update = f => waits(l => f.QueryInterface(Ci.nsIMsgImapMailFolder) && f.updateFolderWithListener(null, l));
const headers = f => [...f.messages];
"""

profile = os.path.join(directory, "profile")
os.makedirs(profile, exist_ok=True)
with open(os.path.join(profile, "user.js"), "w") as prefs:
    for name, value in {
        "marionette.port": 2929,
        "app.update.enabled": False,
        "datareporting.policy.dataSubmissionEnabled": False,
        "mail.provider.enabled": False,
        "mail.spotlight.firstRunDone": True,
        "mail.shell.checkDefaultClient": False,
        "mail.rights.version": 1,
        "mailnews.start_page.enabled": False,
        "mail.server.default.check_all_folders_for_new": True,
        "signon.rememberSignons": True,
    }.items():
        prefs.write(f'user_pref("{name}", {json.dumps(value)});\n')

thunderbird = subprocess.Popen(
    ["xvfb-run", "-a", "thunderbird", "-profile", profile, "-no-remote", "-marionette", "-remote-allow-system-access"],
    stdout=open(os.path.join(directory, "thunderbird.log"), "w"),
    stderr=subprocess.STDOUT,
    env={**os.environ, "HOME": directory, "MOZ_DISABLE_CONTENT_SANDBOX": "1"},
)
try:
    m = Marionette(2929)
    m.call("WebDriver:NewSession", strictFileInteractability=False)
    m.call("Marionette:SetContext", value="chrome")
    m.call("WebDriver:SetTimeouts", script=120000)

    m.run(
        """
        const [port, user, password] = args;
        const server = MailServices.accounts.createIncomingServer(user, "localhost", "imap");
        server.port = port; server.socketType = 0; server.authMethod = Ci.nsMsgAuthMethod.passwordCleartext;
        server.password = password; server.loginAtStartUp = true;
        const account = MailServices.accounts.createAccount();
        const identity = MailServices.accounts.createIdentity();
        identity.email = user + "@example.test"; identity.fullName = "Ann";
        account.addIdentity(identity); account.incomingServer = server;
        MailServices.accounts.defaultAccount = account;
        """,
        port, user, password,
    )
    print("account set up", flush=True)
    m.run('server.performExpand(null); await until("folders", () => folder("INBOX") && folder("Trash"));')
    m.run('await update(folder("INBOX")); await until("30 headers", () => headers(folder("INBOX")).length == 30);')
    print("headers listed", flush=True)

    text = m.run(
        """
        const hdr = headers(folder("INBOX")).find(h => h.mime2DecodedSubject == "bird 7");
        const uri = hdr.folder.getUriForMsg(hdr);
        const service = MailServices.messageServiceFromURI(uri);
        return await new Promise((resolve, reject) => {
            let text = "";
            service.streamMessage(uri, { QueryInterface: ChromeUtils.generateQI(["nsIStreamListener"]), onStartRequest() {},
                onDataAvailable(request, stream, offset, count) {
                    const s = Cc["@mozilla.org/scriptableinputstream;1"].createInstance(Ci.nsIScriptableInputStream);
                    s.init(stream); text += s.read(count); },
                onStopRequest(request, status) { status ? reject(new Error("read " + status)) : resolve(text); } },
                null, null, false, "", false);
        });
        """
    )
    assert "Text 7" in text, text
    print("read", flush=True)

    m.run(
        """
        const inbox = folder("INBOX");
        const some = n => headers(inbox).filter(h => h.mime2DecodedSubject.endsWith(" " + n));
        inbox.markMessagesRead(some(7), true);
        inbox.markMessagesFlagged(some(8), true);
        inbox.addMessageDispositionState(some(7)[0], Ci.nsIMsgFolder.nsMsgDispositionState_Replied);
        inbox.addKeywordsToMessages(some(9), "$label1");
        root.createSubfolder("Kept", null);
        await until("Kept", () => folder("Kept"));
        await waits(l => MailServices.copy.copyMessages(inbox, [...some(10), ...some(11)], folder("Kept"), false, l, null, false));
        await waits(l => MailServices.copy.copyMessages(inbox, some(12), folder("Kept"), true, l, null, false));
        inbox.deleteMessages(some(13), null, false, false, null, false);
        await until("the move to Trash", () => !some(13).length);
        await update(folder("Kept"));
        await until("three kept", () => headers(folder("Kept")).length == 3);
        """
    )
    print("flagged, copied, moved, deleted", flush=True)

    m.run(
        """
        const file = Services.dirsvc.get("TmpD", Ci.nsIFile);
        file.append("answer.eml"); file.createUnique(0, 0o600);
        await IOUtils.writeUTF8(file.path, "From: ann@example.test\\r\\nTo: bob@example.test\\r\\nSubject: Re: bird 7\\r\\n\\r\\nAn answer\\r\\n");
        await waits(l => MailServices.copy.copyFileMessage(file, folder("Sent") || folder("Kept"), null, false, 1, "", l, null));
        """
    )
    print("an answer filed", flush=True)

    found = m.run(
        """
        const session = Cc["@mozilla.org/messenger/searchSession;1"].createInstance(Ci.nsIMsgSearchSession);
        session.addScopeTerm(Ci.nsMsgSearchScope.onlineMail, folder("INBOX"));
        const term = session.createTerm(); const value = term.value;
        value.attrib = Ci.nsMsgSearchAttrib.Body; value.str = "Text 2"; term.attrib = Ci.nsMsgSearchAttrib.Body;
        term.value = value; term.op = Ci.nsMsgSearchOp.Contains; session.appendTerm(term);
        const hits = [];
        await new Promise(resolve => { session.registerListener({ QueryInterface: ChromeUtils.generateQI(["nsIMsgSearchNotify"]),
            onSearchHit(h) { hits.push(h.mime2DecodedSubject); }, onSearchDone() { resolve(); }, onNewSearch() {} },
            Ci.nsIMsgSearchSession.allNotifications); session.search(null); });
        return hits.length;
        """
    )
    assert found == 11, found
    print("searched on the server", flush=True)

    m.run(
        """
        const inbox = folder("INBOX");
        Services.io.offline = true;
        inbox.markMessagesRead(headers(inbox).filter(h => h.mime2DecodedSubject == "bird 20"), true);
        await sleep(500);
        const manager = Cc["@mozilla.org/messenger/offline-manager;1"].getService(Ci.nsIMsgOfflineManager);
        const window = Services.wm.getMostRecentWindow("mail:3pane")?.msgWindow ?? null;
        manager.goOnline(false, true, window);
        await until("online", () => !Services.io.offline);
        """
    )
    print("offline and back", flush=True)
    # What comes from elsewhere is told to the connection that idles.
    open(os.path.join(directory, "ready"), "w").close()
    m.run('await until("the new message", () => headers(folder("INBOX")).some(h => h.mime2DecodedSubject == "late"));')
    print("told of new mail", flush=True)
    print("all well")
finally:
    subprocess.run(["pkill", "-TERM", "-f", profile], check=False)
    thunderbird.wait(timeout=30)
