/**
 * A local Amazon SNS: a topic, a self-signed certificate, and messages signed with it. Only a
 * console that is configured with this certificate's URL trusts it.
 */
import {
  createSign,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  randomUUID,
} from 'node:crypto';
import { createServer } from 'node:http';
import { listen } from './ports.ts';

export type SnsFields = Readonly<Record<string, string>>;

export type LocalSns = Readonly<{
  topic: string;
  certificateUrl: string;
  /** PEM. */
  certificate: string;
  /** Builds the body SNS would post. `overrides` are signed too; an empty one removes a field. */
  message(type: string, message: string, overrides?: SnsFields): string;
  /** Serves the certificate at every path of a loopback port. */
  serve(): Promise<Readonly<{ url: string; stop(): Promise<void> }>>;
}>;

/** Encodes a tag, a length and the contents (X.690). */
function encodeDer(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(contents);
  const size = body.length;
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

const SEQUENCE = 0x30;
const encodeText = (tag: number, value: string) => encodeDer(tag, Buffer.from(value, 'latin1'));
/** 2.5.4.3 */
const COMMON_NAME = Buffer.from('0603550403', 'hex');
/** 1.2.840.113549.1.1.11, sha256WithRSAEncryption, with NULL parameters (RFC 4055 section 5). */
const SHA256_WITH_RSA = encodeDer(SEQUENCE, Buffer.from('06092a864886f70d01010b0500', 'hex'));

/** Creates a minimal certificate (RFC 5280). */
function createCertificate(publicKey: KeyObject, privateKey: KeyObject): string {
  const attribute = encodeDer(SEQUENCE, COMMON_NAME, encodeText(0x0c, 'Farebox local, not Amazon'));
  const name = encodeDer(SEQUENCE, encodeDer(0x31, attribute));
  const validity = encodeDer(
    SEQUENCE,
    encodeText(0x17, '250101000000Z'),
    encodeText(0x17, '491231235959Z'),
  );
  const toSign = encodeDer(
    SEQUENCE,
    encodeDer(0xa0, Buffer.from('020102', 'hex')),
    encodeDer(0x02, Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    SHA256_WITH_RSA,
    name,
    validity,
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  const signature = createSign('RSA-SHA256').update(toSign).sign(privateKey);
  const signed = encodeDer(0x03, Buffer.concat([Buffer.from([0]), signature]));
  const lines = Buffer.from(encodeDer(SEQUENCE, toSign, SHA256_WITH_RSA, signed))
    .toString('base64')
    .match(/.{1,64}/g);
  return `-----BEGIN CERTIFICATE-----\n${lines?.join('\n')}\n-----END CERTIFICATE-----\n`;
}

/** In the documented order. Fields that a message doesn't have are skipped. */
const SIGNED_FIELDS = [
  'Message',
  'MessageId',
  'Subject',
  'SubscribeURL',
  'Timestamp',
  'Token',
  'TopicArn',
  'Type',
];

export function makeSns(topic = 'arn:aws:sns:us-east-1:123456789012:farebox-mail'): LocalSns {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const certificate = createCertificate(publicKey, privateKey);
  const region = topic.split(':')[3];
  const name = `SimpleNotificationService-${randomBytes(16).toString('hex')}.pem`;
  const certificateUrl = `https://sns.${region}.amazonaws.com/${name}`;
  return {
    topic,
    certificate,
    certificateUrl,
    message: (type, message, overrides = {}) => {
      const fields: Record<string, string> = {
        Type: type,
        MessageId: randomUUID(),
        TopicArn: topic,
        Message: message,
        Timestamp: new Date().toISOString(),
        SignatureVersion: '2',
        SigningCertURL: certificateUrl,
        ...overrides,
      };
      for (const field of Object.keys(fields)) if (fields[field] === '') delete fields[field];
      const lines = SIGNED_FIELDS.filter((field) => fields[field] !== undefined);
      const data = lines.map((field) => `${field}\n${fields[field]}\n`).join('');
      const signature = createSign('RSA-SHA256').update(data).sign(privateKey, 'base64');
      return JSON.stringify({ ...fields, Signature: signature });
    },
    serve: async () => {
      const server = createServer((_, response) => response.end(certificate));
      const port = await listen(server, 0);
      const stop = async () => {
        const closed = new Promise((resolve) => server.close(resolve));
        server.closeAllConnections();
        await closed;
      };
      return { url: `http://127.0.0.1:${port}/`, stop };
    },
  };
}
