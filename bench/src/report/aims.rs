//! What the workloads are called in the report, in which part of it they are, and what is aimed at.

/// What a figure has to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Aim {
    /// So many times less than the best peer.
    Less(f64),
    /// At most so much: nanoseconds, or octets of memory.
    AtMost(f64),
    /// Half of the operations take at most so many nanoseconds.
    Half(f64),
}

/// A part of the report.
pub(super) struct Family {
    /// Its heading.
    pub(super) title: &'static str,
    /// The name of its picture.
    pub(super) file: &'static str,
    /// Its workloads: their names, how they are called in tables, and the aims.
    pub(super) entries: &'static [(&'static str, &'static str, Aim)],
}

/// Not dearer than any peer.
const NO_DEARER: Aim = Aim::Less(1.0);
const KIB: f64 = 1024.0;

/// The parts, in order.
pub(super) const FAMILIES: [Family; 7] = [
    Family {
        title: "Mail comes in",
        file: "delivery",
        entries: &[
            ("delivery-1", "LMTP, 1 connection", NO_DEARER),
            ("delivery-8", "LMTP, 8 connections", Aim::Less(15.0)),
            ("delivery-64", "LMTP, 64 connections", Aim::Less(15.0)),
            (
                "delivery-8-one-inbox",
                "LMTP, 8, one INBOX",
                Aim::Less(15.0),
            ),
            (
                "delivery-64-one-inbox",
                "LMTP, 64, one INBOX",
                Aim::Less(15.0),
            ),
            (
                "delivery-50-recipients",
                "LMTP, 50 recipients each",
                NO_DEARER,
            ),
            (
                "delivery-8-50-recipients",
                "LMTP, 8, 50 recipients each",
                Aim::Less(15.0),
            ),
            ("append", "APPEND", Aim::Less(10.0)),
            ("append-20-together", "MULTIAPPEND of 20", Aim::Less(4.0)),
        ],
    },
    Family {
        title: "Clients connect",
        file: "login",
        entries: &[
            ("login", "connect, log in, log out", Aim::Less(10.0)),
            ("login-tls", "the same, TLS resumed", NO_DEARER),
            ("login-tls-anew", "the same, TLS anew", NO_DEARER),
            ("select-1000", "SELECT of 1,000", NO_DEARER),
            ("select-100000", "SELECT of 100,000", NO_DEARER),
            ("select-1000000", "SELECT of 1,000,000", NO_DEARER),
            ("select-1000-started", "after a start, 1,000", NO_DEARER),
            ("select-100000-started", "after a start, 100,000", NO_DEARER),
            (
                "select-1000000-started",
                "after a start, 1,000,000",
                Aim::Half(50e6),
            ),
            (
                "list-status",
                "LIST-STATUS of 500 mailboxes",
                Aim::Less(20.0),
            ),
        ],
    },
    Family {
        title: "Mail is read",
        file: "fetch",
        entries: &[
            ("fetch-outlook", "Outlook's listing", Aim::Less(5.0)),
            ("fetch-thunderbird", "Thunderbird's listing", Aim::Less(5.0)),
            ("fetch-flags", "flags only", Aim::Less(3.0)),
            ("fetch-headers", "all headers", Aim::Less(3.0)),
            ("fetch-bodies", "all bodies", Aim::Less(2.0)),
            ("fetch-bodies-tls", "all bodies, TLS", NO_DEARER),
            ("fetch-one", "one random body", Aim::Less(3.0)),
        ],
    },
    Family {
        title: "Mail changes",
        file: "change",
        entries: &[
            ("flags-1", "one flag, 1 client", Aim::Less(5.0)),
            ("flags-64", "one flag, 64 clients", Aim::Less(5.0)),
            (
                "flags-64-one-inbox",
                "one flag, 64, one INBOX",
                Aim::Less(5.0),
            ),
            ("flags-all", "flags of all messages", Aim::Less(20.0)),
            ("copy-1000", "COPY of 1,000", Aim::Less(10.0)),
            ("move-1000", "MOVE of 1,000", Aim::Less(10.0)),
            ("expunge-1000", "EXPUNGE of 1,000", NO_DEARER),
        ],
    },
    Family {
        title: "Mail is searched",
        file: "search",
        entries: &[
            ("search-subject", "SUBJECT", Aim::Less(5.0)),
            ("search-from", "FROM", Aim::Less(5.0)),
            ("search-message-id", "HEADER Message-ID", Aim::Less(5.0)),
            ("search-sent-date", "SENTSINCE, SENTBEFORE", Aim::Less(5.0)),
            ("search-arrival-date", "SINCE, BEFORE", NO_DEARER),
            ("search-flags", "KEYWORD, UNANSWERED", NO_DEARER),
            (
                "search-body-frequent",
                "BODY, a frequent word",
                Aim::Less(20.0),
            ),
            ("search-body-rare", "BODY, a rare word", Aim::Less(20.0)),
            (
                "search-body-absent",
                "BODY, an absent word",
                Aim::Less(20.0),
            ),
            ("search-text-rare", "TEXT, a rare word", Aim::Less(20.0)),
            (
                "search-subject-first",
                "SUBJECT, for the first time",
                NO_DEARER,
            ),
            (
                "search-body-rare-first",
                "BODY, for the first time",
                NO_DEARER,
            ),
            (
                "search-text-rare-first",
                "TEXT, for the first time",
                NO_DEARER,
            ),
        ],
    },
    Family {
        title: "Mail is put in order",
        file: "sort",
        entries: &[
            ("sort-date", "SORT (DATE)", Aim::Less(5.0)),
            ("sort-subject", "SORT (SUBJECT)", Aim::Less(5.0)),
            ("sort-from", "SORT (REVERSE FROM)", Aim::Less(5.0)),
            ("sort-arrival", "SORT (ARRIVAL)", Aim::Less(5.0)),
            ("thread-references", "THREAD REFERENCES", Aim::Less(5.0)),
            ("thread-subject", "THREAD ORDEREDSUBJECT", Aim::Less(5.0)),
            (
                "sort-date-first",
                "SORT (DATE), for the first time",
                NO_DEARER,
            ),
            (
                "thread-references-first",
                "THREAD, for the first time",
                NO_DEARER,
            ),
        ],
    },
    Family {
        title: "Clients stay, and come back",
        file: "idle",
        entries: &[
            (
                "resync-100-changes",
                "QRESYNC of 100 changes",
                Aim::Less(10.0),
            ),
            (
                "idle-memory",
                "memory of an idle session",
                Aim::AtMost(20.0 * KIB),
            ),
            ("idle-memory-tls", "the same, TLS", Aim::AtMost(20.0 * KIB)),
            (
                "idle-memory-tls-compressed",
                "the same, TLS and COMPRESS",
                NO_DEARER,
            ),
            ("idle-cpu", "CPU while idle", NO_DEARER),
            (
                "idle-told",
                "from the LMTP reply to EXISTS",
                Aim::AtMost(5e6),
            ),
            ("day-in-the-life", "a day in the life", NO_DEARER),
        ],
    },
];

/// How a server is set up, and when it says that mail is safe.
pub(super) fn durability(server: &str) -> &'static str {
    if server.starts_with("dovecot") {
        return "as packaged (`mail_fsync = optimized`: message files are synced before a delivery is acknowledged, \
                changes of flags in its indexes are not synced at all); limits of processes and connections raised";
    }
    if server.starts_with("cyrus") {
        return "as packaged (message files and databases are synced); limits of processes and connections raised";
    }
    "as it comes: whatever is acknowledged is synced, flags too; limits of connections raised"
}

/// Whether the answer of a workload grows with the mailbox, so that its cost may.
pub(super) fn answer_grows(workload: &str) -> bool {
    matches!(
        workload,
        "search-subject" | "search-flags" | "search-body-rare"
    ) || workload.starts_with("sort")
        || workload.starts_with("thread")
}
