import { createConnection } from 'node:net';
import { stat } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { builtIn, listScenarios } from '../../config/scenario-files.ts';
import { takeTurn } from '../../scenario/turn.ts';
import { packed } from './packing.ts';
import { serveTurns } from './turn-server.ts';
import { clash, Turns, type Player } from './turns.ts';

const player = (id: string, needs: Partial<Player['needs']> = {}): Player => ({
  id,
  needs: { namespaces: [id], ...needs },
});
const [a, b, c] = [player('a'), player('b'), player('c')];
const alsoA = player('also-a', { namespaces: ['other', 'a'] });
const mesh = player('mesh', { ownsMesh: true });
const dns = (id: string): Player => player(id, { toItself: ['the cluster’s DNS'] });

describe('two scenarios clash', () => {
  const service = (host: string): NonNullable<Player['needs']['hosts']> => [
    { host, address: '240.0.0.9', port: { number: 80, protocol: 'HTTP' } },
  ];
  test.each([
    ['in a namespace', a, alsoA, 'the namespace a'],
    [
      'in a host',
      player('x', { hosts: service('h.global') }),
      player('y', { hosts: service('h.global') }),
      'the host h.global',
    ],
    ['in the cluster’s DNS', dns('x'), dns('y'), 'the cluster’s DNS'],
    ['with one that owns the mesh', a, mesh, 'the mesh'],
    ['in nothing', a, b, undefined],
  ])('%s', (_what, one, other, thing) => {
    expect(clash(one, other)).toBe(thing);
    expect(clash(other, one)).toBe(thing);
  });

  test('of the built-in ones only those that share the page’s sample, the DNS or the mesh', async () => {
    const all = (await listScenarios([builtIn])).map(({ id, meta: { needs } }) => ({ id, needs }));
    const things = all.flatMap((one, index) => all.slice(index + 1).flatMap((other) => clash(one, other) ?? []));
    expect([...new Set(things)].sort()).toEqual(['the cluster’s DNS', 'the mesh', 'the namespace foo']);
  });
});

test('whoever clashes with nobody plays at once; the others when it is their turn, and nobody is overtaken', () => {
  const turns = new Turns();
  const begun: string[] = [];
  for (const one of [a, b, alsoA, mesh, c]) turns.ask(one, () => begun.push(one.id));
  // c could play beside a and b, and would keep the one waiting that needs the mesh for itself.
  expect(begun).toEqual(['a', 'b']);
  turns.leave('a');
  expect(begun).toEqual(['a', 'b', 'also-a']);
  turns.leave('b');
  turns.leave('also-a');
  expect(turns.playing).toEqual(['mesh']);
  turns.leave('mesh');
  expect(begun).toEqual(['a', 'b', 'also-a', 'mesh', 'c']);
});

test('what needs the mesh for itself waits for those before it, though their processes are slower to start', () => {
  const end = player('end', { ownsMesh: true });
  const turns = new Turns(['a', 'mesh', 'end']);
  const begun: string[] = [];
  const ask = (one: Player): void => {
    turns.ask(one, () => begun.push(one.id));
  };
  ask(end);
  ask(mesh);
  expect(begun).toEqual([]);
  // a does not load, and never asks.
  turns.leave('a');
  expect(begun).toEqual(['mesh']);
  turns.leave('mesh');
  expect(begun).toEqual(['mesh', 'end']);
});

test('who gives up waiting is not waited for', () => {
  const turns = new Turns();
  const begun: string[] = [];
  for (const one of [a, mesh, b]) turns.ask(one, () => begun.push(one.id));
  turns.leave('mesh');
  expect(begun).toEqual(['a', 'b']);
});

describe('turns between processes', () => {
  test('a connection is a turn: it ends with it, also when the process dies', async () => {
    const seen: string[] = [];
    const server = await serveTurns([a, alsoA], (playing) => seen.push(playing.join('+')));
    const { signal } = new AbortController();
    const end = await takeTurn(server.path, 'a', signal);
    const second = takeTurn(server.path, 'also-a', signal);
    end();
    (await second)();
    await server.close();
    expect([...new Set(seen.filter((playing) => playing !== ''))]).toEqual(['a', 'also-a']);
    await expect(stat(server.path)).rejects.toThrow('ENOENT');
  });

  test('who ends without having asked keeps nobody waiting', async () => {
    const server = await serveTurns([a, mesh], () => undefined);
    const { signal } = new AbortController();
    const waiting = takeTurn(server.path, 'mesh', signal);
    server.over('a');
    (await waiting)();
    await server.close();
  });

  test('an interrupted run waits for no turn, and a run without turns gives them all', async () => {
    const server = await serveTurns([a, alsoA], () => undefined);
    const interrupt = new AbortController();
    const end = await takeTurn(server.path, 'a', interrupt.signal);
    const waiting = takeTurn(server.path, 'also-a', interrupt.signal);
    interrupt.abort(new Error('Ctrl-C'));
    await expect(waiting).rejects.toThrow('Ctrl-C');
    end();
    await server.close();
    (await takeTurn('', 'a', new AbortController().signal))();
  });

  test('a stranger is given none, and a server that is gone is told', async () => {
    const server = await serveTurns([a], () => undefined);
    const socket = createConnection(server.path).on('error', () => undefined);
    socket.write('nobody\n');
    await new Promise<void>((resolve) => {
      socket.once('close', () => {
        resolve();
      });
    });
    await server.close();
    await expect(takeTurn(server.path, 'a', new AbortController().signal)).rejects.toMatchObject({ code: 'MP999' });
  });
});

describe('the order in which scenarios begin', () => {
  const timed = (one: Player, seconds: number, plays?: 'first' | 'last'): Parameters<typeof packed>[0][number] => ({
    ...one,
    seconds,
    plays,
  });
  const order = (places: number, ...scenarios: ReturnType<typeof timed>[]): string[] =>
    packed(scenarios, places).map(({ id }) => id);

  test('what most is waiting behind begins first', () => {
    const chain = ['x', 'y', 'z'].map((id) => timed(player(id, { namespaces: ['shared'] }), 10));
    expect(order(2, timed(a, 12), timed(b, 11), ...chain)).toEqual(['x', 'a', 'y', 'b', 'z']);
  });

  test('what opens begins first, and what needs the mesh for itself ends, as they were listed', () => {
    const end = timed(player('end', { ownsMesh: true }), 1, 'last');
    expect(order(3, timed(mesh, 90), end, timed(a, 5), timed(b, 50), timed(c, 1, 'first'))).toEqual([
      'c',
      'b',
      'a',
      'mesh',
      'end',
    ]);
  });

  test('with one place it is an order all the same, of every scenario once', async () => {
    const all = (await listScenarios([builtIn])).map(({ id, meta }) => timed({ id, needs: meta.needs }, 5, meta.plays));
    for (const places of [1, 3, 40])
      expect(order(places, ...all).toSorted()).toEqual(all.map(({ id }) => id).toSorted());
  });
});
