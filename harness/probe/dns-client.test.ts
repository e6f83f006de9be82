import { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Connect, Ending } from './connection.ts';
import { lookUp } from './dns-client.ts';

/** A name server as a client elsewhere meets it: gets each question, and says how it is answered. */
const serving =
  (answer: (question: Buffer) => Buffer | Ending): Connect =>
  () => {
    let over: (ending: Ending) => void = () => undefined;
    const ended = new Promise<Ending>((resolve) => {
      over = resolve;
    });
    const stream = new Duplex({
      read: () => undefined,
      write: (question: Buffer, _encoding, done) => {
        const said = answer(question);
        if (typeof said === 'string') over(said);
        else stream.push(said);
        done();
      },
    });
    return {
      stream,
      tried: Promise.resolve(),
      ended,
      close: () => {
        over('given up');
      },
    };
  };

/** A reply to a question with these addresses; without any, "no such name" (RFC 1035, 4.1). */
function reply(question: Buffer, addresses: readonly string[]): Buffer {
  const header = Buffer.alloc(12);
  question.copy(header, 0, 0, 2);
  header.writeUInt16BE(addresses.length > 0 ? 0x8180 : 0x8183, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(addresses.length, 6);
  // The name ends with a root label, then come type and class.
  const asked = question.subarray(12, question.indexOf(0, 12) + 5);
  const records = addresses.map((address) =>
    Buffer.concat([
      Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4]),
      Buffer.from(address.split('.').map(Number)),
    ]),
  );
  return Buffer.concat([header, asked, ...records]);
}

test('addresses come sorted', async () => {
  const asked: string[] = [];
  const connect = serving((question) => {
    asked.push(question.toString('latin1'));
    return reply(question, ['240.0.0.9', '240.0.0.2']);
  });
  expect(await lookUp(connect, '172.18.0.9', 'httpbin.bar.global')).toEqual({
    addresses: ['240.0.0.2', '240.0.0.9'],
    code: '',
  });
  expect(asked[0]).toContain('httpbin');
});

test('a name that the server does not know', async () => {
  expect(
    await lookUp(
      serving((question) => reply(question, [])),
      '172.18.0.9',
      'nobody.bar.global',
    ),
  ).toEqual({
    addresses: [],
    code: 'ENOTFOUND',
  });
});

test('a server that is not there is told apart from a name that is not there', async () => {
  const connect = serving(() => 'ECONNREFUSED');
  expect(await lookUp(connect, '172.18.0.9', 'httpbin.bar.global')).toEqual({ addresses: [], code: 'ECONNREFUSED' });
});

test('a client that cannot be run says nothing about the server', async () => {
  const broken: Connect = () => ({
    stream: new Duplex({
      read: () => undefined,
      write: (_chunk, _encoding, done) => {
        done();
      },
    }),
    tried: new Promise(() => undefined),
    ended: Promise.reject(new Error('no such container')),
    close: () => undefined,
  });
  await expect(lookUp(broken, '172.18.0.9', 'httpbin.bar.global')).rejects.toThrow('no such container');
});

test('the resolver begins when the client is there', async () => {
  const asked: string[] = [];
  const inner = serving((question) => {
    asked.push('question');
    return reply(question, ['240.0.0.2']);
  });
  const slow: Connect = (...to) => ({
    ...inner(...to),
    tried: pause(50).then(() => {
      asked.push('there');
    }),
  });
  await lookUp(slow, '172.18.0.9', 'httpbin.bar.global');
  expect(asked).toEqual(['there', 'question']);
});

test('no connection is left open', async () => {
  const endings: Promise<Ending>[] = [];
  const inner = serving((question) => reply(question, ['240.0.0.2']));
  await lookUp(
    (...to) => {
      const connection = inner(...to);
      endings.push(connection.ended);
      return connection;
    },
    '172.18.0.9',
    'httpbin.bar.global',
  );
  expect(await Promise.all(endings)).toEqual(['given up']);
});
