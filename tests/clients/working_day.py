"""A working day over imaplib: working_day.py PORT CERTIFICATE USER PASSWORD."""

import imaplib
import ssl
import sys
import time
from email.message import EmailMessage

port, certificate, user, password = int(sys.argv[1]), *sys.argv[2:5]


def ok(answer):
    status, data = answer
    assert status == "OK", answer
    return data


context = ssl.create_default_context(cafile=certificate)
server = imaplib.IMAP4("localhost", port)
ok(server.starttls(context))
ok(server.login(user, password))
assert "IMAP4REV1" in server.capabilities, server.capabilities
ok(server.create("Projekte/M&APw-nchen"))
ok(server.subscribe("Projekte/M&APw-nchen"))
assert any(b"M&APw-nchen" in line for line in ok(server.list()))

for n in range(50):
    message = EmailMessage()
    message["From"] = "Ann <ann@example.test>"
    message["To"] = "Bob <bob@example.test>"
    message["Subject"] = f"Grüße {n}"
    message["Date"] = "Fri, 02 Feb 2024 10:00:00 +0100"
    message.set_content(f"Text number {n}, größer als ASCII.")
    if n % 10 == 0:
        message.add_attachment(bytes(range(256)) * 40, maintype="application", subtype="octet-stream")
    ok(server.append("INBOX", "(\\Seen)" if n % 2 else "()", imaplib.Time2Internaldate(time.time()), bytes(message)))

assert ok(server.select("INBOX")) == [b"50"]
assert len(ok(server.search(None, "UNSEEN"))[0].split()) == 25
assert len(ok(server.uid("SEARCH", "CHARSET", "UTF-8", "SUBJECT", '"7"'))[0].split()) == 5
server.literal = "größer".encode()
assert len(ok(server.uid("SEARCH", "CHARSET", "UTF-8", "BODY"))[0].split()) == 50

data = ok(server.fetch("1:50", "(UID FLAGS RFC822.SIZE ENVELOPE BODYSTRUCTURE)"))
assert len([d for d in data if d]) >= 50, data
for number in (1, 11, 50):
    [(head, body), *_] = ok(server.fetch(str(number), "(BODY.PEEK[])"))
    assert f"{{{len(body)}}}".encode() in head
    [(head, octets), *_] = ok(server.fetch(str(number), "(BODY.PEEK[]<10.20>)"))
    assert octets == body[10:30]

ok(server.store("1:10", "+FLAGS", "(\\Deleted)"))
assert len([d for d in ok(server.expunge()) if d]) == 10
ok(server.copy("1:5", '"Projekte/M&APw-nchen"'))
ok(server.uid("MOVE", "20:25", "Trash"))
assert ok(server.status("Trash", "(MESSAGES)"))[0].endswith(b"(MESSAGES 6)")
ok(server.noop())
ok(server.rename('"Projekte/M&APw-nchen"', "Projekte/Rom"))
ok(server.close())
ok(server.delete("Projekte/Rom"))
status, _ = server.logout()
assert status == "BYE"
print("all well")
