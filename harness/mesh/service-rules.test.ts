import { describe, expect, test } from 'vitest';
import { checkDistinctAddresses, checkPortName, checkServiceAddress } from './service-rules.ts';
import { remoteService } from './services.ts';

describe('the address of a .global service', () => {
  test.each(['240.0.0.2', '247.1.2.3', '255.255.255.254'])('%s is fine', (address) => {
    expect(checkServiceAddress(address, 'a.b.global')).toBeUndefined();
  });

  test('outside of 240.0.0.0/4 works, with advice', () => {
    expect(checkServiceAddress('10.200.0.9', 'a.b.global')).toContain('outside of 240.0.0.0/4');
  });

  test.each([
    ['224.0.0.1', 'multicast'],
    ['239.255.255.255', 'multicast'],
    ['127.0.0.1', 'loopback'],
    ['127.9.9.9', 'loopback'],
    ['0.0.0.0', 'unspecified'],
    ['255.255.255.255', 'broadcast'],
    ['240.0.0', 'not an IPv4 address'],
    ['::1', 'not an IPv4 address'],
  ])('%s is refused as %s', (address, why) => {
    expect(() => checkServiceAddress(address, 'a.b.global')).toThrow(
      expect.objectContaining({
        code: 'MP606',
        details: expect.objectContaining({ seen: expect.stringContaining(why) }),
      }),
    );
  });

  test('a refused address never becomes a ServiceEntry', () => {
    const make = (address: string): object =>
      remoteService({
        host: 'a.b.global',
        namespace: 'b',
        name: 'a',
        address,
        port: { name: 'http', number: 80, protocol: 'HTTP' },
        endpoints: [],
      });
    expect(() => make('224.0.0.5')).toThrow(expect.objectContaining({ code: 'MP606' }));
    expect(make('240.0.0.5')).toMatchObject({ spec: { addresses: ['240.0.0.5'] } });
  });

  test('is of one service only', () => {
    checkDistinctAddresses([
      { host: 'a.b.global', address: '240.0.0.2' },
      { host: 'c.b.global', address: '240.0.0.3' },
      { host: 'a.b.global', address: '240.0.0.2' },
    ]);
    const shared = [
      { host: 'a.b.global', address: '240.0.0.2' },
      { host: 'c.b.global', address: '240.0.0.2' },
    ];
    expect(() => {
      checkDistinctAddresses(shared);
    }).toThrow(
      expect.objectContaining({ code: 'MP607', message: 'a.b.global and c.b.global share the address 240.0.0.2' }),
    );
  });
});

describe('the name of a port', () => {
  test.each([
    ['http1', 'HTTP'],
    ['http', 'HTTP'],
    ['http2-web', 'HTTP2'],
    ['grpc', 'GRPC'],
    ['tcp-db', 'TCP'],
    ['tls', 'TLS'],
  ] as const)('%s says %s', (name, protocol) => {
    expect(checkPortName({ name, number: 8000, protocol })).toBeUndefined();
  });

  test('that says another protocol is refused', () => {
    expect(() => checkPortName({ name: 'http1', number: 8000, protocol: 'TCP' })).toThrow(
      expect.objectContaining({ code: 'MP608', details: expect.objectContaining({ seen: 'a name that says HTTP' }) }),
    );
    expect(() => checkPortName({ name: 'tcp-web', number: 8000, protocol: 'HTTP' })).toThrow(
      expect.objectContaining({ code: 'MP608' }),
    );
  });

  test('that says none is reported', () => {
    expect(checkPortName({ name: 'web', number: 8000, protocol: 'HTTP' })).toContain('says no protocol');
  });
});
