import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { causeTitle } from '../report/causes.ts';
import { countClaims } from '../report/run-data.ts';
import { leadElsewhere, unpackRun, type RecordedRun } from '../../fixtures/runs/recorded-run.ts';
import { replay } from './replay.ts';

describe('a green run', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await unpackRun('green');
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  test('comes out the same, every claim of every scenario', async () => {
    const { data, differences } = await replay(folder);
    expect(differences).toEqual([]);
    expect(countClaims(data)).toEqual({ passed: 87, failed: 0, notSupported: 4, notReached: 0, error: 0 });
  });

  test('is computed, not copied: a changed answer changes the verdict, the reason and the diagnosis', async () => {
    const putBack = await leadElsewhere(folder, /ingressgateway.*config-dump\.json$/);
    const { data } = await replay(folder);
    await putBack();
    const nodePort = data.scenarios.find(({ id }) => id === 'node-port');
    // Of the sidecar or of the gateway: at the gateway’s last look the sidecar may not have had its path yet.
    const code = expect.stringMatching(/^MP80[38]$/);
    expect(nodePort?.stopped).toMatchObject({ verdict: 'failed', diagnosis: { code } });
    expect(new Set(nodePort?.claims.map(({ verdict }) => verdict))).toEqual(new Set(['notReached']));
  });

  test('evidence that is gone is named', async () => {
    const tape = join(folder, 'evidence', 'security', 'tape.jsonl');
    const before = await readFile(tape, 'utf8');
    await rm(tape);
    await expect(replay(folder)).rejects.toThrow(
      expect.objectContaining({ code: 'MP713', details: expect.objectContaining({ where: tape }) }),
    );
    await writeFile(tape, `${before}no JSON\n`);
    await expect(replay(folder)).rejects.toThrow(
      expect.objectContaining({
        code: 'MP713',
        details: expect.objectContaining({ where: `${tape}:${before.split('\n').length}` }),
      }),
    );
    await writeFile(tape, before);
  });
});

describe('faults that were put into a real mesh are diagnosed as they were live', () => {
  test.each<[RecordedRun, string, RegExp, number]>([
    ['fault-tls', 'MP805', /sleep.* · mutual TLS$/, 0],
    ['fault-sni', 'MP805', /sleep.* · mutual TLS$/, 0],
    ['fault-sidecar', 'MP802', /sleep.* · listener$/, 0],
    ['fault-gateway', 'MP807', /ingressgateway.* · listener$/, 0],
    ['fault-authz', 'MP812', /authorization policy$/, 4],
    ['fault-abort', 'MP814', /injected fault$/, 3],
  ])('%s: %s', async (name, code, hop, passed) => {
    const folder = await unpackRun(name);
    const { data, differences } = await replay(folder);
    await rm(folder, { recursive: true });
    expect(differences).toEqual([]);
    expect(countClaims(data).passed).toBe(passed);
    const claims = data.scenarios.flatMap((scenario) => scenario.claims);
    const broken = claims.filter(({ verdict }) => verdict === 'failed');
    // A fault that keeps a proxy from holding the path ends the scenario at its barrier; nothing behind it was reached.
    const stops = data.scenarios.flatMap(({ stopped }) => stopped ?? []);
    expect(broken.length + claims.filter(({ verdict }) => verdict === 'notReached').length).toBe(6 - passed);
    expect(stops.map(({ verdict }) => verdict)).toEqual(broken.length === 0 ? ['failed'] : []);
    // The answer to a HEAD request carries no words: its status alone says no more than that the upstream answered with
    // an error.
    const diagnoses = [...stops, ...broken].flatMap(({ diagnosis }) => diagnosis ?? []);
    expect(diagnoses.find((diagnosis) => diagnosis.code === code)?.hop).toMatch(hop);
    expect(diagnoses.filter((diagnosis) => ![code, 'MP815'].includes(diagnosis.code))).toEqual([]);
  });
});

describe('the cause that was found live is found again in the evidence', () => {
  test.each<[RecordedRun, string]>([
    ['fault-route', 'MP820 west · kept-west-control-plane · route rule: 150'],
    [
      'fault-root',
      'MP821 west · Deployment istio-system/istiod · spec.template.spec.volumes[cacerts].secret.secretName',
    ],
    ['fault-address', 'MP825 west · ServiceEntry warehouse/pos-database · spec.addresses'],
    ['fault-workload-entry', 'MP825 east · WorkloadEntry bar/httpbin-vm-01 · spec.address'],
  ])('%s: %s', async (name, expected) => {
    const folder = await unpackRun(name);
    const { data, differences } = await replay(folder);
    await rm(folder, { recursive: true });
    expect(differences).toEqual([]);
    const [cause] = data.scenarios.flatMap(({ causes = [] }) => causes);
    expect(cause === undefined ? 'none' : `${cause.code} ${causeTitle(cause)}`).toContain(expected);
  });
});

test('the title of an error and its advice may be reworded after a run was recorded', async () => {
  const folder = await unpackRun('fault-gateway');
  const file = join(folder, 'run.json');
  const before = await readFile(file, 'utf8');
  const reworded = before
    .replaceAll('MP701 condition not met in time: ', 'MP701 too late: ')
    .replaceAll(/\\n {2}try {6}[^"\\]*/g, '\\n  try      Do something else.');
  expect(reworded).toContain('MP701 too late: ');
  expect(reworded).toContain('Do something else.');
  await writeFile(file, reworded);
  const { differences } = await replay(folder);
  await rm(folder, { recursive: true });
  expect(differences).toEqual([]);
});
