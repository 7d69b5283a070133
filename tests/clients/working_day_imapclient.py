"""A working day over IMAPClient: working_day_imapclient.py PORT USER PASSWORD."""

import ssl
import sys

from imapclient import IMAPClient

port, user, password = int(sys.argv[1]), *sys.argv[2:4]
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE


def mail(n):
    return (
        f"From: Ann <ann@example.test>\r\nTo: bob@example.test\r\nSubject: client {n}\r\n"
        f"Date: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <{n}@client.test>\r\n\r\nText {n}\r\n"
    ).encode()


with IMAPClient("localhost", port, ssl_context=context) as client:
    client.login(user, password)
    client.id_({"name": "IMAPClient"})
    client.create_folder("Größe/2024")
    client.subscribe_folder("Größe/2024")
    assert any(name == "Größe/2024" for _, _, name in client.list_folders())
    assert any(name == "Größe/2024" for _, _, name in client.list_sub_folders())
    for n in range(20):
        client.append("INBOX", mail(n), [b"\\Seen"] if n % 2 else [])
    info = client.select_folder("INBOX")
    assert info[b"EXISTS"] == 20 and info[b"UIDNEXT"] == 21, info
    assert client.search(["UNSEEN", "SUBJECT", "client 1"]) == [11, 13, 15, 17, 19]
    if client.has_capability("SORT"):
        assert list(client.sort("REVERSE SUBJECT", ["UID", "1:3"])) == [3, 2, 1]
        assert list(client.sort("ARRIVAL", "UNSEEN"))[:2] == [1, 3]
    if client.has_capability("THREAD=REFERENCES"):
        assert len(client.thread("REFERENCES", "ALL")) == 20
    data = client.fetch(range(1, 21), ["FLAGS", "ENVELOPE", "BODYSTRUCTURE", "INTERNALDATE", "RFC822.SIZE", "BODY.PEEK[TEXT]"])
    assert len(data) == 20
    assert data[11][b"ENVELOPE"].subject == b"client 10"
    assert data[11][b"BODY[TEXT]"] == b"Text 10\r\n"
    client.add_flags([1, 2, 3], [b"\\Flagged", b"todo"])
    client.copy([1, 2], "Größe/2024")
    client.move([3, 4], "Größe/2024")
    assert client.folder_status("Größe/2024", ["MESSAGES"])[b"MESSAGES"] == 4
    client.delete_messages([1])
    client.uid_expunge([1])
    client.idle()
    with IMAPClient("localhost", port, ssl_context=context) as other:
        other.login(user, password)
        other.append("INBOX", mail(99))
    told = client.idle_check(timeout=30)
    assert any(b"EXISTS" in line for line in told), told
    client.idle_done()
    client.unselect_folder()
    client.rename_folder("Größe/2024", "Größe/Rom")
    client.delete_folder("Größe/Rom")
    assert client.namespace().personal
print("all well")
