/**
 * What goes wrong at the edges, by a stable code.
 *
 * Expected outcomes are values (answers, verdicts, poison); a BridgeError is for the rest. Match on `code`, never on
 * the message. Each code says once what the bridge does about it and what a person can do: the operator at 3 a.m.
 * reads `hint` first.
 */

interface ErrorKind {
  readonly what: string
  readonly hint: string
  readonly retriable: boolean
}

/** Every code the bridge can raise. Docs are held to this table by a law test. */
export const ERRORS = {
  XZB_CONFIG_INVALID: {
    what: 'The configuration has errors; the bridge does not start.',
    hint: 'Correct the variables named in the message; `xzepr-bridge --help` lists them all.',
    retriable: false,
  },
  XZB_CONFIG_FILE_UNREADABLE: {
    what: 'A file that a variable names cannot be read.',
    hint: 'Check that the file is mounted, is not empty and can be read by the user the bridge runs as.',
    retriable: true,
  },
  XZB_KAFKA_CONNECT: {
    what: 'Kafka cannot be reached; the bridge keeps trying.',
    hint: 'Check XZEPR_KAFKA_BROKERS, the security protocol and the network policy.',
    retriable: true,
  },
  XZB_KAFKA_AUTH: {
    what: 'Kafka refused the credentials; the bridge keeps trying.',
    hint: 'Check XZEPR_KAFKA_SASL_USERNAME, its password and XZEPR_KAFKA_SASL_MECHANISM.',
    retriable: true,
  },
  XZB_KAFKA_TLS: {
    what: 'Kafka and the bridge do not accept each other’s certificate or protocol; the bridge keeps trying.',
    hint: 'Check XZEPR_KAFKA_SECURITY_PROTOCOL against the listener’s, and the files in XZEPR_KAFKA_SSL_CA_LOCATION, …_CERT_LOCATION and …_KEY_LOCATION.',
    retriable: true,
  },
  XZB_KAFKA_FORBIDDEN: {
    what: 'Kafka knows the caller but does not let it do this; the bridge keeps trying.',
    hint: 'The user needs the ACLs Read and Describe on the topic and Read on the group.',
    retriable: true,
  },
  XZB_KAFKA_TOPIC_UNKNOWN: {
    what: 'The topic does not exist yet; the bridge keeps looking.',
    hint: 'Check XZEPR_KAFKA_TOPIC; XZepr creates its topic when it starts.',
    retriable: true,
  },
  XZB_KAFKA_CONSUMER_STOPPED: {
    what: 'The consumer stopped; the bridge builds a new one.',
    hint: 'If it repeats, the cause in this line names what to mend. No record is lost: unsettled ones come again.',
    retriable: true,
  },
  XZB_KAFKA_STALLED: {
    what: 'Nothing has come back from Kafka for too long although partitions are assigned; the bridge reconnects.',
    hint: 'Look for a network that drops idle connections without a reset.',
    retriable: true,
  },
  XZB_KAFKA_PATCH_MISMATCH: {
    what: 'The installed KafkaJS is not the version that the patches were written for; the bridge does not start.',
    hint: 'Install exactly the version in package-lock.json (`npm ci`).',
    retriable: false,
  },
  XZB_KAFKA_DECOMPRESS: {
    what: 'A batch cannot be read, or not within the bound of what it may inflate to; it is passed over as poison.',
    hint: 'The records at the offsets in this line are not delivered; everything else is. Mend the producer that wrote them and have it send them again, in smaller batches: one may inflate to 64 MiB.',
    retriable: false,
  },
  XZB_KAFKA_DEAD_LETTER: {
    what: 'Kafka does not take dead letters; the bridge keeps trying, and their records are held until they are written.',
    hint: 'The topic in BRIDGE_DEAD_LETTER_TOPIC must be there, with cleanup.policy=delete and enough in-sync replicas, and the user needs the ACLs Describe and Write on it. The bridge does not make it.',
    retriable: true,
  },
  XZB_XZEPR_UNREACHABLE: {
    what: 'XZepr did not answer; the bridge keeps trying and holds what is owed.',
    hint: 'Check XZEPR_API_URL, the network policy and XZepr itself.',
    retriable: true,
  },
  XZB_XZEPR_UNAUTHORISED: {
    what: 'XZepr refused the token; the bridge keeps trying with the newest one.',
    hint: 'Check XZEPR_API_TOKEN or the file in XZEPR_API_TOKEN_FILE: access tokens live 15 minutes.',
    retriable: true,
  },
  XZB_XZEPR_FORBIDDEN: {
    what: 'XZepr knows the caller but does not let it do this.',
    hint: 'The role needs event_create, receiver_read and receiver_create, and must own the receiver.',
    retriable: true,
  },
  XZB_XZEPR_RECEIVER_TAKEN: {
    what: 'XZepr refuses to create the receiver and does not list it: it belongs to another user.',
    hint: 'Set BRIDGE_RECEIVER_NAME to a name of your own, or use the token of the user who owns it.',
    retriable: true,
  },
  XZB_XZEPR_REFUSED: {
    what: 'XZepr refused a request for good.',
    hint: 'The reason in this line is XZepr’s own.',
    retriable: false,
  },
  XZB_HTTP_LISTEN: {
    what: 'A port cannot be opened; the bridge does not start.',
    hint: 'Another process holds the port: change BRIDGE_WORK_API_PORT or BRIDGE_OPS_PORT.',
    retriable: false,
  },
} as const satisfies Record<`XZB_${string}`, ErrorKind>

export type ErrorCode = keyof typeof ERRORS

/** An error raised at an edge. `detail` says what happened, to what; it never holds a secret. */
export class BridgeError extends Error {
  override readonly name = 'BridgeError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, detail: string, cause?: unknown) {
    super(detail, cause === undefined ? undefined : { cause })
    this.code = code
  }

  get hint(): string {
    return ERRORS[this.code].hint
  }

  get retriable(): boolean {
    return ERRORS[this.code].retriable
  }
}
