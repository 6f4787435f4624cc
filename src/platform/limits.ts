/** Every limit of the platform, by name and with its unit: what an operator may want to know, and what tests lean on. */

/** Request line and headers together; beyond it the answer is 431. */
export const HEAD_MAX_BYTES = 16 * 1024;
/** A device's or an operator's form, csv or JSON; beyond it the answer is 413. */
export const FORM_MAX_BYTES = 4 * 1024 ** 2;
/** One file of the Content Area. */
export const CONTENT_MAX_BYTES = 4 * 1024 ** 3;
/** One value of a dataport, in UTF-16 units. */
export const VALUE_MAX_CHARACTERS = 1024 ** 2;
/** Aliases named in one call, written and read together. */
export const ALIASES_MAX = 200;
/** Calls in one message of the JSON-RPC. */
export const RPC_CALLS_MAX = 200;
/** Points recorded in one call. */
export const RECORD_POINTS_MAX = 20_000;
/** Serial numbers added or removed in one call. */
export const SERIALS_MAX = 100_000;
/** An alias, a serial number, a product or a content id. */
export const NAME_MAX_CHARACTERS = 200;

/** Connections at a time; those beyond are closed unanswered. */
export const CONNECTIONS_MAX = 20_000;
/** From the first byte of a request to the end of its headers. */
export const HEAD_TIMEOUT_MS = 20_000;
/** Longest silence within the body of a request. */
export const BODY_SILENCE_MS = 30_000;
/** A form, from its first byte to its last. */
export const FORM_TIMEOUT_MS = 60_000;
/** Longest time that a client takes none of the bytes which it was sent. */
export const ANSWER_SILENCE_MS = 60_000;
/** How long a connection may stay open between two requests. */
export const IDLE_TIMEOUT_MS = 60_000;
/** How long `close()` lets calls that are under way go on. */
export const CLOSE_GRACE_MS = 2_000;

/** Long polls (of devices and of operators) held at a time; beyond them the answer is 503. */
export const WAITERS_MAX = 18_000;
/** Longest wait of the JSON API. */
export const WAIT_MAX_S = 300;
/** What a refused client is told to wait. */
export const RETRY_AFTER_S = 5;

/** Calls of gateways that are worked on at a time: enough for some commits. The others wait before they are read. */
export const CALLS_AT_ONCE = 1_024;
/** How long a gateway's call may have to wait for its turn, as things go; beyond that the answer is 503. And how many wait at most. */
export const WAIT_MAX_MS = 2_000;
export const WAITING_MAX_CALLS = 20_000;
/** Gateways of which it is known when they were last served; at most twice as many, 40 bytes each. */
export const SERVED_MAX_GATEWAYS = 100_000;

/** Calls that are made durable with one commit. */
export const BATCH_MAX_CALLS = 256;
/** Calls that wait for their commit; beyond them the answer is 503. */
export const QUEUE_MAX_CALLS = 20_000;

/** Gateways whose newest points, and keys whose gateways, are kept in memory; and what of a value is kept with its point. */
export const HEADS_MAX_GATEWAYS = 20_000;
export const HEADS_VALUE_MAX_CHARACTERS = 200;
/** Over PostgreSQL: keys of which each replica remembers whose they are, some 200 bytes each. */
export const KEYS_MAX_GATEWAYS = 100_000;

/** History of one dataport: points that are kept. */
export const HISTORY_MAX_POINTS = 200;
/** History of one dataport: the oldest point that is kept where nobody says less; its newest one stays whatever its age. */
export const HISTORY_MAX_AGE_MS = 90 * 86_400_000;
/** How many points too many a dataport may have before it is trimmed. */
export const HISTORY_SLACK_POINTS = 20;
/** How often the age of histories is looked at, and how many dataports each time. */
export const HISTORY_SWEEP_MS = 10_000;
export const HISTORY_SWEEP_DATAPORTS = 500;
/** How long the index of the histories may be behind, in how many steps it follows, and the least that one of them takes on. */
export const PAST_ROUND_MS = 60_000;
export const PAST_ROUNDS = 60;
export const PAST_MIN_DATAPORTS = 100;
/** When more points than this wait for it, it follows in fewer steps, so that they take little memory. */
export const PAST_MANY_POINTS = 100_000;
export const PAST_ROUNDS_WHEN_MANY = 4;
/** Points given in one answer of the JSON API. */
export const POINTS_ANSWER_MAX = 1_000;
/** Entries that the activation log of one serial number keeps. */
export const ACTIVATION_LOG_MAX = 100;
/** How often "last seen" goes to the disk. */
export const LAST_SEEN_FLUSH_MS = 10_000;
/** How long a serial number that was enabled again may be activated. */
export const ACTIVATION_WINDOW_MS = 24 * 3_600_000;

/** Rows of one page of a csv list: the documented bounds. */
export const PAGE_MIN_ROWS = 5;
export const PAGE_MAX_ROWS = 1_000;

/** Read from disk at a time when content goes out. */
export const CONTENT_CHUNK_BYTES = 64 * 1024;
/** Deltas that the platform makes by itself: from so many versions, between tarballs of these sizes, each in this time. */
export const DELTA_VERSIONS = 3;
export const DELTA_TARBALL_MIN_BYTES = 64 * 1024;
export const DELTA_TARBALL_MAX_BYTES = 1024 ** 3;
export const DELTA_TIME_LIMIT_S = 3600;
/** A delta that is not smaller than this part of its tarball is not kept. */
export const DELTA_MAX_PART = 0.6;
/** What an uploaded tarball may hold: as much as a gateway takes by default. */
export const TARBALL_LIMITS = {
  maxTarball_bytes: CONTENT_MAX_BYTES,
  maxUnpacked_bytes: 4 * 1024 ** 3,
  maxEntries: 200_000,
} as const;
/** Of a body that nobody wants: read on so far, so that the client sees the refusal. */
export const DRAIN_MAX_BYTES = 32 * 1024 ** 2;
export const DRAIN_TIMEOUT_MS = 10_000;

/** Hours for which check-ins, installs and versions are counted. */
export const HOURS_KEPT = 24 * 30;
/** Versions that are told and kept for an hour, of one product: the most frequent. */
export const VERSIONS_MAX = 50;
/** How long what was reported may wait before it is looked at, and how many gateways are looked at with one commit. */
export const DIGEST_WAIT_MS = 1_000;
export const DIGEST_MAX_GATEWAYS = 100;
/** Shortest time between two counts of the versions; counting takes at most a hundredth of the time. */
export const VERSIONS_COUNT_MS = 60_000;
export const VERSIONS_COUNT_SHARE = 100;

/** Records that the audit trail keeps; the oldest go first. */
export const AUDIT_MAX_RECORDS = 1_000_000;
/** Of what was sent with a change: so much is kept in its record. */
export const AUDIT_DETAILS_MAX_CHARACTERS = 2_000;

/** Tarballs named in one instruction. */
export const INSTALL_NAMES_MAX = 100;
/** Tags of one gateway, and characters of a tag or of a group's name. */
export const TAGS_MAX = 50;
export const TAG_MAX_CHARACTERS = 100;
/** Groups of one product. */
export const GROUPS_MAX = 1_000;

/** Operators' tokens. */
export const TOKENS_MAX = 10_000;
/** Browsers logged in at a time; the oldest session ends first. */
export const SESSIONS_MAX = 1_000;
/** A session ends so long after it began, and so long after it was last used. */
export const SESSION_MAX_AGE_MS = 12 * 3_600_000;
export const SESSION_IDLE_MS = 2 * 3_600_000;
/** Failed log-ins from one address, and from all together, before further ones are refused unread; and for how long they count. */
export const LOGIN_FAILURES_PER_ADDRESS = 20;
export const LOGIN_FAILURES_IN_ALL = 1_000;
export const LOGIN_WINDOW_MS = 60_000;
/** Addresses of which failures are counted. */
export const LOGIN_ADDRESSES_MAX = 10_000;
/** Refused attempts that get a record in the audit trail within a window, of one address and of all; more are only counted. */
export const REFUSALS_PER_ADDRESS = 10;
export const REFUSALS_IN_ALL = 100;
export const REFUSALS_WINDOW_MS = 3_600_000;
/** Requests with one key or token within a window; beyond them the answer is 429. */
export const REQUESTS_PER_KEY = 5_000;
export const REQUEST_WINDOW_MS = 10_000;
/** Keys that are counted one by one within a window; those beyond it are not held off. */
export const REQUEST_KEYS_MAX = 200_000;

/** Server-Sent Events: what is kept for those who come back, who may listen, what one listener may be behind. */
export const EVENTS_KEPT = 1_000;
export const EVENT_LISTENERS_MAX = 500;
export const EVENT_BACKLOG_MAX_BYTES = 1024 ** 2;
export const EVENT_HEARTBEAT_MS = 15_000;
/** Dataports told one by one after a look at what was reported; beyond them listeners are told, now and then, to load again. */
export const EVENTS_PER_LOOK_MAX = 500;
export const EVENT_RESET_MS = 10_000;

/** S3: connections at a time, and how long one attempt may wait for a connection and the head of its answer. */
export const S3_CONNECTIONS_MAX = 512;
export const S3_ANSWER_MS = 5_000;
/** S3: the same where bytes go there first, and where parts are put together there. */
export const S3_UPLOAD_MS = 60_000;
export const S3_COMPLETE_MS = 180_000;
/** S3: longest silence within an answer before it is asked for again from that byte on. */
export const S3_SILENCE_MS = 15_000;
/** S3: attempts at one request, and the longest pause before the second one; it doubles with each, and is cut by chance. */
export const S3_ATTEMPTS_MAX = 3;
export const S3_PAUSE_MS = 200;
/** S3: how long after a request that failed for good each further one is tried only once. */
export const S3_TROUBLE_MS = 5_000;
/** S3: how long it may take to answer when `/readyz` asks whether it is there. */
export const S3_PROBE_MS = 2_000;
/** S3: how often a download goes on at its byte, without any new one in between. */
export const S3_RESUMES_MAX = 3;
/** S3: one part of an upload; what is not longer goes in one piece. At least 5 MiB, as S3 demands. */
export const S3_PART_BYTES = 8 * 1024 ** 2;
/** S3: uploads that send at a time: each holds one part in memory. */
export const S3_UPLOADS_MAX = 4;
/** S3: a removal is given up after so long; after twice that, an upload looks whether its bytes are still there. */
export const S3_REMOVE_MS = 3_000;
/** S3: an upload that was begun so long ago and never completed is aborted; how often they are looked for. */
export const S3_ABANDONED_MS = 24 * 3_600_000;
export const S3_SWEEP_MS = 6 * 3_600_000;
/** S3: how long a signed link may be followed. */
export const S3_LINK_S = 900;
/** Files that are fetched into the cache of content at a time. */
export const CACHE_FILLS_MAX = 2;
