#!/usr/bin/env python3
"""Lists an account as an IMAP client sees it, in the form of read_store.py.

    list_by_imap.py PORT USER PASSWORD
"""

import datetime
import hashlib
import imaplib
import json
import re
import sys

imaplib.Commands["GETMETADATA"] = ("AUTH", "SELECTED")

USES = ["Archive", "Drafts", "Junk", "Sent", "Trash", "Important"]


def said(answer):
    kind, data = answer
    if kind != "OK":
        raise SystemExit(f"the server said {kind} {data}")
    return data


def decoded(name):
    """A name in modified UTF-7: RFC 3501 section 5.1.3."""
    plain = lambda found: ("+" + found.group(1).replace(",", "/") + "-").encode().decode("utf-7")
    return re.sub(r"&([^-]+)-", plain, name).replace("&-", "&")


def message(head, octets):
    """One FETCH response: what stands before the literal, and the literal."""
    number = lambda name: int(re.search(rf"\b{name} \(?(\d+)", head).group(1))
    identity = lambda name: re.search(rf"\b{name} \((\w+)\)", head).group(1)
    flags = re.search(r"FLAGS \(([^)]*)\)", head).group(1).split()
    date = re.search(r'INTERNALDATE "([^"]*)"', head).group(1).strip()
    moment = datetime.datetime.strptime(date, "%d-%b-%Y %H:%M:%S %z")
    told = {
        "flags": sorted(flag for flag in flags if flag != "\\Recent"),
        "date": int(moment.timestamp()),
        "size": number("RFC822.SIZE"),
        "modseq": number("MODSEQ"),
        "emailid": identity("EMAILID"),
        "threadid": identity("THREADID"),
        "sha256": hashlib.sha256(octets).hexdigest(),
    }
    tell_annotations(head, told)
    return told


def tell_annotations(head, of):
    """The user's own annotations and the shared ones; nothing if there are none."""
    found = re.search(r"ANNOTATION \((.*)\) BODY\[\]", head)
    shown = {}
    for entry, values in re.findall(r"(/\S+) \(([^)]*)\)", found.group(1) if found else ""):
        for scope, value in re.findall(r'value\.(priv|shared) "([^"]*)"', values):
            shown[f"{entry} shared" if scope == "shared" else entry] = value
    if shown:
        of["annotations"] = shown


def tell_metadata(client, name, of):
    """All entries of a mailbox, or of the server; nothing if there are none."""
    said(client.xatom("GETMETADATA", "(DEPTH infinity)", name, "(/private /shared)"))
    lines = client.untagged_responses.pop("METADATA", [])
    pairs = re.findall(rb'(/[^ "]+) "([^"]*)"', b" ".join(lines))
    if pairs:
        shown = {entry.decode(): value.decode("latin-1") for entry, value in pairs}
        # The role, told once more (RFC 6154 §4).
        shown.pop("/private/specialuse", None)
        if shown:
            of["metadata"] = shown


def mailbox(client, name, attributes):
    said(client.select(name, readonly=True))
    number = lambda code: int(client.response(code)[1][0])
    told = {
        "role": next((use for use in USES if "\\" + use in attributes), None),
        "uidvalidity": number("UIDVALIDITY"),
        "uidnext": number("UIDNEXT"),
        "messages": {},
    }
    items = "(UID FLAGS INTERNALDATE RFC822.SIZE MODSEQ EMAILID THREADID ANNOTATION (/* value) BODY.PEEK[])"
    for part in said(client.uid("FETCH", "1:*", items)):
        if isinstance(part, tuple):
            head = part[0].decode()
            uid = re.search(r"UID (\d+)", head).group(1)
            told["messages"][uid] = message(head, part[1])
    tell_metadata(client, name, told)
    return told


def listing(port, user, password):
    client = imaplib.IMAP4("127.0.0.1", port)
    said(client.login(user, password))
    mailboxes = {}
    for line in said(client.list()):
        attributes, name = re.match(r'\(([^)]*)\) "/" (.*)', line.decode()).groups()
        mailboxes[decoded(name.strip('"'))] = mailbox(client, name, attributes.split())
    name = lambda line: re.match(r'\([^)]*\) "/" "?([^"]*)"?', line.decode()).group(1)
    subscribed = [decoded(name(line)) for line in said(client.lsub())]
    told = {"mailboxes": mailboxes, "subscribed": sorted(subscribed)}
    tell_metadata(client, '""', told)
    client.logout()
    return told


if __name__ == "__main__":
    port, user, password = sys.argv[1:]
    json.dump(listing(int(port), user, password), sys.stdout, indent=1, sort_keys=True, ensure_ascii=False)
    print()
