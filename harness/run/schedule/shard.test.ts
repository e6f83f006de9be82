import { describe, expect, test } from 'vitest';
import { builtIn, listScenarios } from '../../config/scenario-files.ts';
import { parseShard, scenariosOfShard } from './shard.ts';

describe('--shard', () => {
  test('is a place and how many there are', () => {
    expect(parseShard('2/3')).toEqual({ index: 2, count: 3 });
  });

  test.each(['', '0/3', '4/3', '1', '1/', '-1/2', '1/2/3', 'a/b', '1.5/2', '1/0', '1/99999'])('%j is none', (text) => {
    expect(() => parseShard(text)).toThrow(expect.objectContaining({ code: 'MP103' }));
  });
});

describe('the shards of all scenarios', async () => {
  const all = await listScenarios([builtIn]);
  const ids = all.map(({ meta }) => meta.id);

  test.each(ids.map((_id, index) => index + 1))('%i together have every scenario once', (count) => {
    const shards = Array.from({ length: count }, (_one, index) => scenariosOfShard(all, { index: index + 1, count }));
    expect(
      shards
        .flat()
        .map(({ meta }) => meta.id)
        .sort(),
    ).toEqual([...ids].sort());
    for (const shard of shards) {
      expect(shard.length).toBeGreaterThan(0);
      const places = shard.map(({ meta }) => ids.indexOf(meta.id));
      expect(places).toEqual([...places].sort((left, right) => left - right));
    }
  });

  test('share what takes long', () => {
    const long = all.filter(({ meta }) => meta.needs.ownsMesh === true).map(({ meta }) => meta.id);
    expect(long.length).toBe(2);
    for (const index of [1, 2]) {
      const shard = scenariosOfShard(all, { index, count: 2 }).map(({ meta }) => meta.id);
      expect(shard.filter((id) => long.includes(id))).toHaveLength(1);
    }
  });

  test('cannot be more than there are scenarios', () => {
    expect(() => scenariosOfShard(all, { index: 1, count: all.length + 1 })).toThrow(
      expect.objectContaining({ code: 'MP103' }),
    );
  });
});
