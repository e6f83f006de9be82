import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { conformanceReport } from '../report/conformance.ts';
import { cover } from '../report/coverage.ts';
import { junitReport } from '../report/junit.ts';
import type { RunData } from '../report/run-data.ts';
import { transcript } from '../report/transcript.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { diffRuns } from './diff-runs.ts';
import { unpackRun, type RecordedRun } from '../../fixtures/runs/recorded-run.ts';
import { replay } from './replay.ts';
import { readWalkthrough } from '../run/record/reports.ts';
import { loadScenario } from '../config/scenario-files.ts';

const other = (sentence: string): string => `In other words: ${sentence.split('').reverse().join('')}`;

/** A scenario whose section, and every claim and step of which, says the same in other words. */
async function reworded(id: string): Promise<Scenario> {
  const { meta, run } = await loadScenario(id);
  const claims = Object.fromEntries(Object.entries(meta.claims).map(([key, says]) => [key, other(says)]));
  return {
    meta: { ...meta, section: other(meta.section), claims },
    run: (context) =>
      run({ ...context, step: async (key, title, work) => await context.step(key, other(title), work) }),
  };
}

/** What a report names claims and steps by. */
const junitNames = (data: RunData): string[] =>
  [...junitReport(data).matchAll(/<testcase classname="(\S+)" name="(\S+)"/g)].map(([, id, key]) => `${id} ${key}`);

describe.each<RecordedRun>(['green', 'fault-authz', 'fault-sni'])(
  'the run %s, with every sentence reworded',
  (name) => {
    let folder: string;
    let again: string;
    let recorded: RunData;
    let data: RunData;
    let differences: readonly object[];
    beforeAll(async () => {
      folder = await unpackRun(name);
      again = `${folder}-reworded`;
      await cp(folder, again, { recursive: true });
      recorded = JSON.parse(await readFile(join(folder, 'run.json'), 'utf8')) as RunData;
      ({ data, differences } = await replay(folder, undefined, reworded));
      await writeFile(join(again, 'run.json'), JSON.stringify(data));
    });
    afterAll(async () => {
      for (const one of [folder, again]) await rm(one, { recursive: true });
    });

    test('says other words', () => {
      const sentences = (run: RunData): string[] =>
        run.scenarios.flatMap(({ claims, steps }) => [
          ...claims.map((one) => one.name),
          ...steps.map((one) => one.title),
        ]);
      const before = new Set(sentences(recorded));
      expect(before.size).toBeGreaterThan(10);
      expect(sentences(data).filter((sentence) => before.has(sentence))).toEqual(
        // What meshproof itself does at the end of a scenario has no sentence of the scenario's own.
        sentences(data).filter((sentence) => sentence === 'put back what was taken'),
      );
    });

    test('comes out of a replay as it was', () => {
      expect(differences).toEqual([]);
    });

    test('differs from the run in nothing', async () => {
      const diff = await diffRuns(folder, again);
      expect([diff.regressions, diff.otherVerdicts, diff.unmatched, diff.timings, diff.config]).toEqual([
        [],
        [],
        [],
        [],
        [],
      ]);
      expect(diff.dumps.compared).toBeGreaterThan(0);
    });

    test('has the same test cases, and the same claims in its conformance report', () => {
      expect(junitNames(data)).toEqual(junitNames(recorded));
      const named = (run: RunData): unknown[] => {
        const { profiles } = parse(conformanceReport(run)) as {
          profiles: { scenarios: Record<string, { claim: string }[] | undefined>[] }[];
        };
        return (profiles[0]?.scenarios ?? []).map(({ failedClaims = [], notReachedClaims = [] }) => [
          failedClaims.map(({ claim }) => claim),
          notReachedClaims.map(({ claim }) => claim),
        ]);
      };
      expect(named(data)).toEqual(named(recorded));
    });

    test('carries out the same commands of the page', async () => {
      const { page, covered } = await readWalkthrough();
      const steps = await Promise.all(
        recorded.scenarios.map(async ({ id }) => ({ by: id, steps: (await reworded(id)).meta.walkthrough ?? [] })),
      );
      const carriedOut = (run: RunData): number =>
        transcript(page, cover(page, steps), run).match(/^[✓✗!·] `/gm)?.length ?? 0;
      expect(covered.length).toBe(page.commands.length);
      expect(carriedOut(data)).toBe(carriedOut(recorded));
      expect(carriedOut(data)).toBeGreaterThan(0);
    });
  },
);
