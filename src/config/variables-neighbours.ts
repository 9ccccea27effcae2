/**
 * The variables of the neighbours on the road: Kafka before, XZepr behind.
 *
 * The names are XZepr's own and the seed's; the defaults are those of a local XZepr, so that the first try needs
 * nothing but a service's name and a token.
 */
import { baseUrl, brokers, name, token, topic } from './sound.ts'
import { choice, optional, path, text, whole } from './variable.ts'

export const KAFKA_VARIABLES = {
  XZEPR_KAFKA_BROKERS: text('localhost:9092', {
    group: 'Kafka',
    // Some write a password into it, as other clients allow.
    kind: 'url',
    description: 'Kafka’s brokers, with commas between. One that answers is enough: it names the others.',
    example: 'kafka-0.kafka:9092,kafka-1.kafka:9092',
    right: 'host:port, with commas between, no scheme; an IPv6 host needs a name',
    sound: brokers,
  }),
  XZEPR_KAFKA_TOPIC: text('xzepr.dev.events', {
    group: 'Kafka',
    description: 'The topic that XZepr publishes its events to.',
    example: 'xzepr.prod.events',
    right: 'the name of one topic: up to 249 letters, digits, dots, underscores and hyphens',
    sound: topic,
  }),
  XZEPR_KAFKA_GROUP_ID: optional({
    group: 'Kafka',
    description: 'The consumer group. Its offsets are the bridge’s only memory: another name starts over.',
    example: 'xzepr-consumer-deployer',
    derived: 'xzepr-consumer-<service>',
    right: 'a name of at most 255 bytes without control characters',
    sound: name(255),
  }),
  BRIDGE_START_FROM: choice('earliest', ['earliest', 'latest'], {
    group: 'Kafka',
    description: 'Where a group without an offset begins. A group that has one goes on from there.',
    example: 'latest',
  }),
  XZEPR_KAFKA_SECURITY_PROTOCOL: choice('PLAINTEXT', ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'], {
    group: 'Kafka',
    description: 'How the brokers are spoken to.',
    example: 'SASL_SSL',
  }),
  XZEPR_KAFKA_SASL_MECHANISM: choice('SCRAM-SHA-256', ['SCRAM-SHA-256', 'SCRAM-SHA-512', 'PLAIN'], {
    group: 'Kafka',
    description: 'How the bridge signs in with SASL_PLAINTEXT and SASL_SSL.',
    example: 'SCRAM-SHA-512',
  }),
  XZEPR_KAFKA_SASL_USERNAME: optional({
    group: 'Kafka',
    description: 'The user for SASL.',
    example: 'deployer',
    right: 'a user’s name',
    sound: name(255),
  }),
  XZEPR_KAFKA_SASL_PASSWORD: optional({
    group: 'Kafka',
    kind: 'secret',
    description: 'The password for SASL.',
    example: 'change-me',
    right: 'a password',
  }),
  XZEPR_KAFKA_SASL_PASSWORD_FILE: path({
    group: 'Kafka',
    description: 'A file with the password for SASL, instead of the variable.',
    example: '/var/run/secrets/kafka/password',
    fills: 'XZEPR_KAFKA_SASL_PASSWORD',
  }),
  XZEPR_KAFKA_SSL_CA_LOCATION: path({
    group: 'Kafka',
    description:
      'PEM file of the authorities that may have signed the brokers’ certificates. Without it: the public ones.',
    example: '/var/run/secrets/kafka/ca.crt',
  }),
  XZEPR_KAFKA_SSL_CERT_LOCATION: path({
    group: 'Kafka',
    description: 'PEM file of the bridge’s own certificate, for brokers that ask for one.',
    example: '/var/run/secrets/kafka/tls.crt',
    alias: 'XZEPR_KAFKA_SSL_CERTIFICATE_LOCATION',
  }),
  XZEPR_KAFKA_SSL_KEY_LOCATION: path({
    group: 'Kafka',
    description: 'PEM file of the private key that belongs to the certificate.',
    example: '/var/run/secrets/kafka/tls.key',
  }),
} as const

export const XZEPR_VARIABLES = {
  XZEPR_API_URL: text('http://localhost:8042', {
    group: 'XZepr',
    kind: 'url',
    description: 'Where XZepr’s API is, without /api/v1.',
    example: 'https://xzepr.example.com:8443',
    right: 'an http:// or https:// address without user, password, ?, # and /api/v1',
    sound: baseUrl,
  }),
  XZEPR_API_TOKEN: optional({
    group: 'XZepr',
    kind: 'secret',
    description: 'An access token of XZepr. Such tokens live 15 minutes: for trying things out.',
    example: 'eyJhbGciOiJSUzI1NiJ9.e30.c2ln',
    right: 'the token alone, without the word Bearer',
    sound: token,
  }),
  XZEPR_API_TOKEN_FILE: path({
    group: 'XZepr',
    description: 'A file with the access token, read again when it changes, for whoever has an agent that writes it.',
    example: '/var/run/secrets/xzepr/token',
  }),
  XZEPR_API_USERNAME: optional({
    group: 'XZepr',
    description: 'The user to sign in to XZepr with.',
    example: 'deployer',
    right: 'a user’s name',
    notYet: true,
  }),
  XZEPR_API_PASSWORD: optional({
    group: 'XZepr',
    kind: 'secret',
    description: 'The password to sign in to XZepr with.',
    example: 'change-me',
    right: 'a password',
    notYet: true,
  }),
  XZEPR_API_PASSWORD_FILE: path({
    group: 'XZepr',
    description: 'A file with the password to sign in to XZepr with.',
    example: '/var/run/secrets/xzepr/password',
    fills: 'XZEPR_API_PASSWORD',
    notYet: true,
  }),
  XZEPR_API_TIMEOUT_MS: whole(30_000, 1, 600_000, {
    group: 'XZepr',
    unit: 'milliseconds',
    description: 'Longest a request to XZepr may take, in milliseconds. XZepr answers some only after 15 seconds.',
    example: '45000',
  }),
  XZEPR_API_CA_LOCATION: path({
    group: 'XZepr',
    description: 'PEM file of the authorities that may have signed XZepr’s certificate. Without it: the public ones.',
    example: '/var/run/secrets/xzepr/ca.crt',
  }),
} as const
