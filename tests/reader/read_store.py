#!/usr/bin/env python3
"""Reads a Chapar store, knowing nothing but docs/store-format.md and docs/store-format-batches.md.

Prints, as one JSON object, every account with its mailboxes and messages, and the SHA-256 of
each message's octets. It shares no code with Chapar: if the two agree, the documents suffice.

    read_store.py DIRECTORY
"""

import hashlib
import json
import os
import re
import struct
import sys

SYSTEM_FLAGS = ["\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft"]
ROLES = [None, "Archive", "Drafts", "Junk", "Sent", "Trash", "Important"]
BLOB, MESSAGE, BATCH, COMMIT = 1, 2, 3, 4
BASE, MOVED_AWAY, MOVED_HERE = 16, 17, 18
METADATA_SET = 21
RIGHTS_SET, ANNOTATION_SET = 48, 66
RIGHTS = "lrswipkxtean0123456789"
QUOTA_SET = 60
SEEN_SET, READER_RECENT_CLAIMED = 0x38, 0x39
VALUE_VERSIONS = (4, 5, 6, 7, 8, 9, 10)


def crc32c_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = (n >> 1) ^ 0x82F63B78 if n & 1 else n >> 1
        table.append(n)
    return table


TABLE = crc32c_table()


def crc32c(octets):
    crc = 0xFFFFFFFF
    for octet in octets:
        crc = (crc >> 8) ^ TABLE[(crc ^ octet) & 0xFF]
    return crc ^ 0xFFFFFFFF


class Octets:
    """Octets being read from the front: the notation of the documents."""

    def __init__(self, octets):
        self.octets, self.at = octets, 0

    def take(self, n):
        if self.at + n > len(self.octets):
            raise ValueError("cut short")
        taken = self.octets[self.at : self.at + n]
        self.at += n
        return taken

    def end(self):
        return self.at == len(self.octets)

    def u8(self):
        return self.take(1)[0]

    def n(self):
        value, shift = 0, 0
        while True:
            octet = self.u8()
            value |= (octet & 0x7F) << shift
            if octet < 0x80:
                return value
            shift += 7

    def signed(self):
        n = self.n()
        return (n >> 1) ^ -(n & 1)

    def step(self, before):
        return (before + self.signed()) % (1 << 64)

    def counted(self):
        return self.take(self.n())

    def text(self):
        return self.counted().decode()

    def list_of(self, read):
        return [read() for _ in range(self.n())]

    def ranges(self):
        end, ranges = 0, []
        for _ in range(self.n()):
            first = end + self.n()
            end = first + self.n()
            ranges.append((first, end))
        return ranges

    def flags(self):
        bits = self.u8()
        system = [name for n, name in enumerate(SYSTEM_FLAGS) if bits >> n & 1]
        return system, self.list_of(self.text)

    def pieces(self):
        place, pieces = 0, []
        for _ in range(self.n()):
            place = self.step(place)
            pieces.append((place, self.n()))
        return pieces

    def owner(self):
        return f"A{self.n():x}" if self.u8() else None

    def metadata(self):
        entries = self.list_of(lambda: (self.owner(), self.text(), self.counted()))
        return {(owner, name.lower()): (name, value) for owner, name, value in entries}

    def acl(self):
        return self.list_of(lambda: (self.identifier(), self.rights())) if self.u8() else None

    def identifier(self):
        kind = self.u8()
        who = ("anyone", "anonymous", "authenticated", "owner", None, None)[kind & 15]
        if kind & 15 == 4:
            who = f"A{self.n():x}"
        elif kind & 15 == 5:
            who = "group:" + self.text()
        return ("-" if kind & 16 else "") + who

    def rights(self):
        bits = self.n()
        return "".join(letter for n, letter in enumerate(RIGHTS) if bits >> n & 1)

    def whose(self):
        kind = self.u8()
        return f"A{self.n():x}" if kind == 2 else ("shared", "")[kind]

    def annotations(self):
        uid, annotations = 0, {}
        for _ in range(self.n()):
            uid += self.n()
            them = self.list_of(lambda: (self.whose(), self.text(), self.counted()))
            annotations[uid] = {(whose, entry): value for whose, entry, value in them}
        return annotations

    def expiry(self):
        bits = self.u8()
        return [self.n() for bit in (2, 4, 8) if bits & bit] if bits else None

    def quota(self):
        bits = self.u8()
        return [self.n() for bit in (4, 8, 16, 32) if bits & bit] if bits else None


def signed64(n):
    return n - (1 << 64) if n >= 1 << 63 else n


class Log:
    """A partition: its message records and blobs by place, and its batches in order."""

    def __init__(self, directory, number):
        self.number, self.records, self.batches = number, {}, []
        names = sorted(os.listdir(directory))
        segments = []
        for name in names:
            if re.fullmatch(r"\d{10}\.log", name):
                freed = name.replace(".log", ".freed")
                tombstone, ranges = self.freed(directory, freed) if freed in names else (False, [])
                if not tombstone:
                    with open(os.path.join(directory, name), "rb") as file:
                        segments.append((file.read(), ranges))
        headers = [self.header(segment) for segment, _ in segments]
        for n, ((segment, ranges), header) in enumerate(zip(segments, headers)):
            until = headers[n + 1][1] if n + 1 < len(headers) else None
            self.read(segment, header, until, dict(ranges))

    @staticmethod
    def header(segment):
        for at in (0, 2048):
            block = segment[at : at + 128]
            if block[:8] == b"ChaparL\n" and crc32c(block[:124]) == struct.unpack("<I", block[124:])[0]:
                (version,) = struct.unpack("<I", block[8:12])
                if version != 1:
                    raise ValueError(f"format version {version}")
                number, first, epoch, salt = struct.unpack("<4Q", block[48:80])
                return number, first, salt
        raise ValueError("a segment without a header")

    @staticmethod
    def freed(directory, name):
        with open(os.path.join(directory, name), "rb") as file:
            octets = file.read()
        if octets[:8] != b"ChaparF\n" or crc32c(octets[:-4]) != struct.unpack("<I", octets[-4:])[0]:
            raise ValueError(f"{name} is damaged")
        (tombstone,) = struct.unpack("<I", octets[12:16])
        (count,) = struct.unpack("<Q", octets[80:88])
        return bool(tombstone), [struct.unpack("<QQ", octets[at : at + 16]) for at in range(88, 88 + 16 * count, 16)]

    def read(self, segment, header, until, freed):
        number, first, salt = header
        seal = struct.pack("<QQ", salt, number)
        waiting, lsn = [], first
        while until is None or lsn < until:
            if lsn in freed:
                lsn = freed[lsn]
                continue
            record = self.record(segment, lsn - first + 4096, seal, lsn)
            if record is None:
                break
            kind, account, seq, body = record
            waiting.append((lsn, kind, account, seq, body))
            # A commit proves its group; a segment that has a successor was whole.
            if kind == COMMIT or until is not None:
                for entry in waiting:
                    self.keep(*entry)
                waiting = []
            lsn += (40 + len(body) + 7) // 8 * 8

    @staticmethod
    def record(segment, at, seal, lsn):
        head = segment[at : at + 40]
        if len(head) < 40:
            return None
        length, head_sum = struct.unpack("<II", head[:8])
        if crc32c(seal + head[:4] + head[8:]) != head_sum:
            return None
        kind, flags, _, body_sum, own, account, seq = struct.unpack("<BBHIQQQ", head[8:])
        body = segment[at + 40 : at + 40 + length]
        if own != lsn or len(body) != length or crc32c(body) != body_sum:
            return None
        if kind > COMMIT and not flags & 1:
            raise ValueError(f"a record of type {kind} takes a newer reader")
        return kind, account, seq, body

    def keep(self, lsn, kind, account, seq, body):
        if kind in (BLOB, MESSAGE):
            self.records[self.number << 48 | lsn] = body
        elif kind == BATCH:
            self.batches.append((account, seq, body))


class Account:
    """The fold of an account's batches in one partition."""

    def __init__(self, records):
        self.records = records
        self.mailboxes, self.subscribed, self.metadata = {}, set(), {}
        self.seq, self.moved_away, self.moved_here = 0, None, None

    def apply(self, seq, body):
        read = Octets(body)
        if read.u8() != 1:
            raise ValueError("a batch of a newer version")
        mod_seq, _time, _by = read.n(), read.signed(), read.text()
        changes = []
        while not read.end():
            tag = read.u8()
            changes.append((tag, read.counted()))
        tags = [tag for tag, _ in changes]
        if BASE in tags and (seq != self.seq + 1 or MOVED_HERE in tags):
            self.begin(dict(changes)[BASE])
        self.moved_here = None
        for tag, body in changes:
            self.change(tag, Octets(body), mod_seq)
        self.seq = seq

    def begin(self, pieces):
        """The whole state, as a base has it."""
        read = Octets(b"".join(self.records[place] for place, _ in Octets(pieces).pieces()))
        entries = []
        while not read.end():
            key, value = read.counted(), read.counted()
            if crc32c(key + value[:-4]) != struct.unpack("<I", value[-4:])[0] or value[0] not in VALUE_VERSIONS:
                raise ValueError("a value of a base that is damaged or newer")
            entries.append((key, value[0], Octets(value[1:-4])))
        self.header(entries[0][2], entries[0][1])
        for key, version, value in entries[1:]:
            kind, mailbox = key[9], int.from_bytes(key[10:18], "big")
            if kind == 1:
                self.placements(self.mailboxes[mailbox], value, version)
            elif kind == 4:
                self.seen(self.mailboxes[mailbox], int.from_bytes(key[18:26], "big"), value)

    def header(self, read, version):
        _mod_seq, _mailbox, _email, _thread, _uid_validity, _buckets, _keys = [read.n() for _ in range(7)]
        _held, _expiry, _to = read.u8(), read.expiry(), read.n()
        if read.n():
            read.n()
        self.metadata = read.metadata() if version > 4 else {}
        if version > 7:
            read.quota()
            read.list_of(lambda: (read.text(), read.quota()))
        self.subscribed = set(read.list_of(read.text))
        self.mailboxes = dict(read.list_of(lambda: self.mailbox(read, version)))

    @staticmethod
    def mailbox(read, version):
        number, name, role = read.n(), read.text(), ROLES[read.u8()]
        mailbox = {"name": name, "role": role, "uidvalidity": read.n(), "uidnext": read.n(), "messages": {}}
        _highest, _unclaimed, _messages, _unseen, _deleted, _octets = [read.n() for _ in range(6)]
        _held, _expiry, _partition, _recent = read.u8(), read.expiry(), read.n(), read.n()
        read.list_of(lambda: [read.n() for _ in range(6)] + [read.signed() for _ in range(2)])
        read.list_of(lambda: (read.n(), read.n()))
        mailbox["keywords"] = read.list_of(read.text)
        mailbox["metadata"] = read.metadata() if version > 4 else {}
        mailbox["rights"] = read.acl() if version > 5 else None
        mailbox["annotations"] = read.annotations() if version > 6 else {}
        mailbox["readers"] = {}
        if version > 8:
            _since = read.n()
            read.list_of(lambda: [read.n() for _ in range(6)])
        return number, mailbox

    @staticmethod
    def placements(mailbox, read, version):
        uid = date = mod_seq = email = record = 0
        messages = mailbox["messages"]
        if version > 9 and read.u8() != 0:
            raise ValueError("placements that do not tell when messages were sent")
        for _ in range(read.n()):
            uid += read.n()
            bits, _zone = read.u8(), read.signed()
            date = read.step(date)
            read.step(date)
            mod_seq, size = read.step(mod_seq), read.n()
            email = read.step(email)
            thread, record = read.step(email), read.step(record)
            read.n()
            if version > 9 and read.u8() > 1:
                _sent = read.step(date)
            system = [name for n, name in enumerate(SYSTEM_FLAGS) if bits >> n & 1]
            messages[uid] = told(system, signed64(date), size, mod_seq, email, thread, record)
        uid = 0
        for _ in range(read.n()):
            uid += read.n()
            keywords = [mailbox["keywords"][n] for n in read.list_of(read.n)]
            messages[uid]["flags"] = sorted(messages[uid]["flags"] + keywords)

    @staticmethod
    def seen(mailbox, reader, read):
        last = mod_seq = 0
        for _ in range(read.n()):
            first = last + read.n()
            last = first + read.n()
            mod_seq = read.step(mod_seq)
            if read.u8():
                mailbox["readers"].setdefault(reader, set()).update(range(first, last + 1))

    def change(self, tag, read, mod_seq):
        if tag == 1:
            mailbox, name, role = read.n(), read.text(), ROLES[read.u8()]
            self.mailboxes[mailbox] = {
                "name": name,
                "role": role,
                "uidvalidity": read.n(),
                "uidnext": 1,
                "messages": {},
                "metadata": {},
                "rights": None,
                "annotations": {},
                "readers": {},
            }
        elif tag == 2:
            del self.mailboxes[read.n()]
        elif tag == 3:
            mailbox = self.mailboxes[read.n()]
            mailbox["name"] = read.text()
        elif tag == 4:
            mailbox = self.mailboxes[read.n()]
            mailbox["role"] = ROLES[read.u8()]
        elif tag == 5:
            self.subscribed.add(read.text())
        elif tag == 6:
            self.subscribed.discard(read.text())
        elif tag in (7, 8):
            self.place(read, mod_seq)
        elif tag == 9:
            mailbox, ranges = self.mailboxes[read.n()], read.ranges()
            system, keywords = read.flags()
            for uid in within(mailbox, ranges):
                message = mailbox["messages"][uid]
                message["flags"], message["modseq"] = sorted(system + keywords), mod_seq
        elif tag == 10:
            mailbox, ranges = self.mailboxes[read.n()], read.ranges()
            for uid in within(mailbox, ranges):
                del mailbox["messages"][uid]
                mailbox["annotations"].pop(uid, None)
                for seen in mailbox["readers"].values():
                    seen.discard(uid)
        elif tag == 12:
            mailbox = self.mailboxes[read.n()]
            mailbox["uidnext"] = max(mailbox["uidnext"], read.n())
        elif tag == 15:
            mailbox, uid = self.mailboxes[read.n()], read.n()
            mailbox["messages"][uid]["record"] = read.n()
        elif tag == RIGHTS_SET:
            mailbox = self.mailboxes[read.n()]
            mailbox["rights"] = read.acl()
        elif tag == SEEN_SET:
            reader, mailbox = read.n(), self.mailboxes[read.n()]
            uids, seen = within(mailbox, read.ranges()), mailbox["readers"].setdefault(reader, set())
            seen.update(uids) if read.u8() else seen.difference_update(uids)
        elif tag == METADATA_SET:
            mailbox, owner, name = read.n(), read.owner(), read.text()
            metadata = self.mailboxes[mailbox]["metadata"] if mailbox else self.metadata
            metadata.pop((owner, name.lower()), None)
            if read.u8():
                metadata[owner, name.lower()] = (name, read.counted())
        elif tag == ANNOTATION_SET:
            mailbox, ranges = self.mailboxes[read.n()], read.ranges()
            key = (read.whose(), read.text())
            value = read.counted() if read.u8() else None
            for uid in within(mailbox, ranges):
                mailbox["messages"][uid]["modseq"] = mod_seq
                them = mailbox["annotations"].setdefault(uid, {})
                them.pop(key, None)
                if value is not None:
                    them[key] = value
        elif tag == MOVED_AWAY:
            self.moved_away = read.n()
        elif tag == MOVED_HERE:
            self.moved_away, self.moved_here = None, read.n()
        elif tag in (11, 13, 14, BASE, 19, 20, QUOTA_SET, READER_RECENT_CLAIMED) or tag >= 128:
            pass
        else:
            raise ValueError(f"a change of kind {tag} takes a newer reader")

    def place(self, read, mod_seq):
        mailbox, uid = self.mailboxes[read.n()], read.n()
        system, keywords = read.flags()
        date, _zone = read.signed(), read.signed()
        read.step(date % (1 << 64))
        size, email, thread = read.n(), read.n(), read.n()
        mailbox["messages"][uid] = told(system + keywords, date, size, mod_seq, email, thread, read.n())
        mailbox["uidnext"] = uid + 1


def told(flags, date, size, mod_seq, email, thread, record):
    return {
        "flags": sorted(flags),
        "date": date,
        "size": size,
        "modseq": mod_seq,
        "emailid": f"E{email:x}",
        "threadid": f"T{thread:x}",
        "record": record,
    }


def tell_metadata(of, metadata):
    """Metadata, where there is any: what protocols keep for themselves is nobody's to see."""
    shown = {
        f"{owner or ''}{name}": value.decode("latin-1")
        for (owner, _), (name, value) in metadata.items()
        if name.startswith("/")
    }
    if shown:
        of["metadata"] = shown


def tell_annotations(of, annotations):
    """A message's annotations, where there are any."""
    shown = {f"{entry} {whose}".strip(): value.decode("latin-1") for (whose, entry), value in annotations.items()}
    if shown:
        of["annotations"] = shown


def within(mailbox, ranges):
    return [uid for uid in mailbox["messages"] if any(a <= uid <= b for a, b in ranges)]


def octets_of(records, place):
    """A message's octets, through its record."""
    read = Octets(records[place])
    form = read.u8()
    if form == 2:
        read = Octets(b"".join(records[at] for at, _ in read.pieces()))
        form = read.u8()
    if form != 1:
        raise ValueError("a message record of a newer form")
    trace = read.counted()
    read.take(32)
    return trace + b"".join(records[at] for at, _ in read.pieces())


def partitions(directory):
    """Number and directory of every partition, by store.toml."""
    with open(os.path.join(directory, "store.toml")) as file:
        text = file.read()
    body, line = text[: text.rindex("\n# sum ")], text[text.rindex("# sum ") :]
    if crc32c(body.encode()) != int(line.split()[2], 16):
        raise ValueError("store.toml is damaged")
    if re.search(r"^format = (\d+)", text, re.M).group(1) != "1":
        raise ValueError("the store has a newer format")
    for part in text.split("[[partition]]")[1:]:
        value = lambda key: re.search(rf'^{key} = "?([^"\n]*)"?', part, re.M).group(1)
        if value("state") == "active":
            yield int(value("number")), os.path.join(directory, "partitions", value("name"))


def home(folds):
    """The fold of the partition in which an account is; `folds` are by partition."""
    for number, fold in folds.items():
        if fold.moved_away is not None:
            continue
        came = fold.moved_here
        if came is None or came not in folds or folds[came].moved_away == number:
            return fold
    raise ValueError("an account that is in no partition")


def listing(directory):
    logs = [Log(os.path.join(path, "log"), number) for number, path in partitions(directory)]
    records = {place: body for log in logs for place, body in log.records.items()}
    accounts = {}
    for log in logs:
        for account, seq, body in log.batches:
            folds = accounts.setdefault(account, {})
            folds.setdefault(log.number, Account(records)).apply(seq, body)
    listed = {}
    for number, folds in sorted(accounts.items()):
        account, mailboxes = home(folds), {}
        for mailbox in account.mailboxes.values():
            mailbox.pop("keywords", None)
            tell_metadata(mailbox, mailbox.pop("metadata"))
            if mailbox["rights"] is None:
                mailbox.pop("rights")
            annotations = mailbox.pop("annotations")
            for reader, seen in mailbox.pop("readers").items():
                mailbox.setdefault("seen", {})[f"A{reader:x}"] = sorted(seen)
            messages = {}
            for uid, message in mailbox.pop("messages").items():
                tell_annotations(message, annotations.get(uid, {}))
                octets = octets_of(records, message.pop("record"))
                message["sha256"] = hashlib.sha256(octets).hexdigest()
                messages[str(uid)] = message
            mailbox["messages"] = messages
            mailboxes[mailbox.pop("name")] = mailbox
        listed[f"A{number:x}"] = {
            "mailboxes": mailboxes,
            "subscribed": sorted(account.subscribed),
        }
        tell_metadata(listed[f"A{number:x}"], account.metadata)
    return listed


if __name__ == "__main__":
    json.dump(listing(sys.argv[1]), sys.stdout, indent=1, sort_keys=True, ensure_ascii=False)
    print()
