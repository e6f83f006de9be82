import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isAbsent } from '../cluster/api-errors.ts';
import { asMeshproofError, describeError, MeshproofError } from '../errors/meshproof-error.ts';
import { ask, looking, taped, withTape } from '../tape/tape.ts';
import { holds, notYet, waitFor } from '../wait/wait-for.ts';
import { always, eventually, type Verdict } from './convergence.ts';
import { EvidenceBudget } from './evidence-budget.ts';
import { EvidenceFolder, tapeFile } from './evidence.ts';
import { RecordedEvidence } from './recorded-evidence.ts';

const scenario = 'one';
let folder: string;
let evidence: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshproof-tape-'));
  evidence = join(folder, 'evidence', scenario);
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

/**
 * Does work twice: live, with what is outside, and once more from what was recorded, where asking outside fails the
 * test.
 */
async function twice<T>(
  work: (outside: <A>(answer: A) => Promise<A>) => Promise<T>,
): Promise<{ readonly live: T; readonly replayed: T }> {
  const recording = new EvidenceFolder(evidence);
  const live = await withTape(recording, () => work((answer) => Promise.resolve(answer)));
  await recording.written();
  const recorded = await RecordedEvidence.open(folder, scenario);
  return {
    live,
    replayed: await withTape(recorded, () => work(() => Promise.reject(new Error('a replay asks nobody')))),
  };
}

describe('a replay gets every answer as it was', () => {
  test('values, nothing at all, and answers to the same question in their order', async () => {
    let count = 0;
    const nothing: unknown = undefined;
    const { live, replayed } = await twice(async (outside) => [
      await ask('what', () => outside({ status: 200, body: 'x' })),
      await ask('nothing', () => outside(nothing)),
      await ask('again', () => outside((count += 1))),
      await ask('again', () => outside((count += 1))),
    ]);
    expect(replayed).toEqual(live);
    expect(replayed[3]).toBe(2);
  });

  test('refusals, with what tells them apart', async () => {
    const absent = Object.assign(new Error('HTTP 404'), { code: 404, body: 'not found' });
    const refused = new MeshproofError('MP507', { what: 'namespace foo is not meshproof’s', where: 'cluster west' });
    for (const failing of [absent, refused]) {
      const recording = new EvidenceFolder(evidence);
      await expect(withTape(recording, () => ask('q', () => Promise.reject(failing)))).rejects.toBe(failing);
      await recording.written();
      const recorded = await RecordedEvidence.open(folder, scenario);
      const error: unknown = await withTape(recorded, () => ask('q', () => Promise.resolve(1))).catch(
        (reason: unknown) => reason,
      );
      expect(isAbsent(error)).toBe(isAbsent(failing));
      if (failing === refused)
        expect(error).toMatchObject({
          code: 'MP507',
          details: { what: 'namespace foo is not meshproof’s', where: 'cluster west' },
        });
    }
  });

  test('a question that was never asked has no answer, and says during what', async () => {
    const recording = new EvidenceFolder(evidence);
    recording.during('step one');
    await withTape(recording, () => ask('q', () => Promise.resolve(1)));
    const recorded = await RecordedEvidence.open(folder, scenario);
    recorded.during('step two');
    await expect(recorded.ask('q')).rejects.toThrow(
      expect.objectContaining({
        code: 'MP713',
        details: expect.objectContaining({ expected: expect.stringContaining('step two') }),
      }),
    );
  });
});

describe('waiting', () => {
  test('lasts as many looks as it did, without the time', async () => {
    let looks = 0;
    const started = performance.now();
    const { live, replayed } = await twice((outside) =>
      waitFor({
        name: 'it comes',
        within: 5_000,
        every: 50,
        look: async () =>
          (await ask('is it there', () => outside((looks += 1)))) >= 4 ? holds('came') : notYet('not there'),
      }),
    );
    expect({ live, replayed, looks }).toEqual({ live: 'came', replayed: 'came', looks: 4 });
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  test('that came to nothing comes to nothing, in the same words', async () => {
    const work = async (outside: <A>(answer: A) => Promise<A>): Promise<string> => {
      const failed: unknown = await waitFor({
        name: 'it comes',
        within: 200,
        every: 50,
        look: async () => notYet(await ask('seen', () => outside('nothing'))),
      }).catch((error: unknown) => error);
      const verdict = await eventually(
        async () => ({ pass: (await ask('status', () => outside(503))) === 200, message: () => 'HTTP 503' }),
        true,
        { inARow: 3, within: 200, window: 100, every: 50 },
      );
      return `${failed instanceof Error ? failed.message : ''} ${verdict.message()}`;
    };
    const { live, replayed } = await twice(work);
    expect(replayed).toBe(live);
    expect(live).toMatch(/not within 0 s .*looks within/);
  });

  test('for a probe that throws throws at the same look', async () => {
    const work = async (outside: <A>(answer: A) => Promise<A>): Promise<string> => {
      let looks = 0;
      const look = async (): Promise<Verdict> => {
        const seen = await ask('probe', async () => {
          looks += 1;
          if (looks === 3) throw new MeshproofError('MP702', { what: 'the pod is gone' });
          return await outside(looks);
        });
        return { pass: true, message: () => `seen ${seen}` };
      };
      return await always(look).then(
        () => 'held',
        (error: unknown) => String(error),
      );
    };
    const { live, replayed } = await twice(work);
    expect(live).toContain('the pod is gone');
    expect(replayed).toBe(live);
  });

  test('whose last look hung has not answered in the replay either', async () => {
    const { live, replayed } = await twice(async (outside) => {
      let looks = 0;
      const failed: unknown = await waitFor({
        name: 'it comes',
        within: 150,
        every: 1,
        look: async () =>
          (looks += 1) < 3 ? notYet(await ask('seen', () => outside('nothing'))) : await new Promise(() => undefined),
      }).catch((error: unknown) => error);
      return describeError(asMeshproofError(failed));
    });
    expect(live).toMatch(/^MP716 .*\n.*nothing \(no answer/s);
    expect(replayed).toBe(live);
  });

  test('whose end is on no tape says so', async () => {
    await withTape(new EvidenceFolder(evidence), () => ask('q', () => Promise.resolve(1)));
    const recorded = await RecordedEvidence.open(folder, scenario);
    expect(() => recorded.looking('it comes')).toThrow(expect.objectContaining({ code: 'MP713' }));
  });

  test('inside of one answer is no series of its own', async () => {
    await twice((outside) =>
      ask('long', async () => {
        const series = looking('inner');
        await series.again({ every: 1, until: () => false });
        series.end();
        return await outside(1);
      }),
    );
    expect(await readFile(join(evidence, tapeFile), 'utf8')).not.toContain('inner');
  });
});

test('a client is opened at its first question, its secrets are not written down, and it is no promise', async () => {
  let opened = 0;
  const client = (): { version: () => Promise<string>; token: () => Promise<{ secret: string }> } =>
    taped(
      'API of west:',
      () =>
        Promise.resolve({
          version: () => Promise.resolve(`v${(opened += 1)}`),
          token: () => Promise.resolve({ secret: 'do not tell' }),
        }),
      { withheld: ['token'] },
    );
  const { live, replayed } = await twice(async () => {
    const api = await Promise.resolve(client());
    return [await api.version(), JSON.stringify(await api.token())];
  });
  expect(live).toEqual(['v1', '{"secret":"do not tell"}']);
  expect(replayed).toEqual(['v1', '{}']);
  expect(opened).toBe(1);
  expect(await readFile(join(evidence, tapeFile), 'utf8')).not.toContain('do not tell');
});

test('what goes beyond the budget is left out and counted; the rest replays, and asking for it says so', async () => {
  const [small, large] = ['x'.repeat(1_000), 'y'.repeat(5_000)];
  const budget = new EvidenceBudget(4_000);
  const recording = new EvidenceFolder(evidence, budget);
  const asked = async (): Promise<unknown[]> => [
    await ask('small', () => Promise.resolve({ small })),
    await ask('large', () => Promise.resolve({ large })),
    await ask('again', () => Promise.resolve({ small: `${small}!` })),
  ];
  // Whoever asks gets the whole answer: no verdict depends on the budget.
  expect(await withTape(recording, asked)).toEqual([{ small }, { large }, { small: `${small}!` }]);
  await recording.written();
  expect(budget.leftOut).toEqual({ answers: 1, bytes: 5_012 });
  const recorded = await RecordedEvidence.open(folder, scenario);
  expect(await withTape(recorded, () => ask('small', () => Promise.reject(new Error('a replay asks nobody'))))).toEqual(
    {
      small,
    },
  );
  await expect(withTape(recorded, () => ask('large', () => Promise.resolve(1)))).rejects.toMatchObject({
    code: 'MP713',
    details: { seen: expect.stringContaining('5012 bytes') },
  });
  // What scenarios before it wrote counts as well.
  const [later, none] = [await EvidenceBudget.of(folder, 10_000), await EvidenceBudget.of(folder, 1_500)];
  expect([later.take(5_000), none.take(1_000)]).toEqual([true, false]);
});

test('what is seen again is not written again', async () => {
  const recording = new EvidenceFolder(evidence);
  for (let look = 0; look < 5; look += 1)
    await withTape(recording, () =>
      ask('dump', () => Promise.resolve({ configs: [] }), { file: 'west foo/sleep.config-dump.json' }),
    );
  expect((await readdir(evidence)).sort()).toEqual(['001-west_foo_sleep.config-dump.json', tapeFile]);
  expect((await readFile(join(evidence, tapeFile), 'utf8')).trim().split('\n')).toHaveLength(5);
});

test('a scenario that asked nothing leaves an empty tape, and takes none away', async () => {
  await new EvidenceFolder(evidence).written();
  expect(await readFile(join(evidence, tapeFile), 'utf8')).toBe('');
  await withTape(new EvidenceFolder(evidence), () => ask('q', () => Promise.resolve(1)));
  await new EvidenceFolder(evidence).written();
  expect(await (await RecordedEvidence.open(folder, scenario)).ask('q')).toBe(1);
});

test('a folder that is used again begins a new tape', async () => {
  for (const answer of [1, 2])
    await withTape(new EvidenceFolder(evidence), () => ask('q', () => Promise.resolve(answer)));
  expect(await (await RecordedEvidence.open(folder, scenario)).ask('q')).toBe(2);
});

test('what a scenario left behind speaks into its own tape, never into the next one’s', async () => {
  const [first, second] = [new EvidenceFolder(join(folder, 'first')), new EvidenceFolder(join(folder, 'second'))];
  let later: () => void = () => undefined;
  const left: Promise<void>[] = [];
  // Timed out: nobody waits for it any more, and it goes on.
  await withTape(first, () => {
    const wakes = new Promise<void>((resolve) => {
      later = resolve;
    });
    left.push(wakes.then(() => ask('late', () => Promise.resolve('from the first'))).then(() => undefined));
    return Promise.resolve();
  });
  await withTape(second, async () => {
    await ask('mine', () => Promise.resolve('from the second'));
    later();
    await Promise.all(left);
  });
  expect(await readFile(join(folder, 'second', tapeFile), 'utf8')).not.toContain('late');
  expect(await readFile(join(folder, 'first', tapeFile), 'utf8')).toContain('late');
});
