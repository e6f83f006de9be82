/**
 * The fault table of the harness itself: breaks something under a run, and checks that the run says so honestly, ends
 * in time and in order, and that `down` then leaves nothing. `npm run faults:harness`, `-- --only <ids>` for some of
 * them, `--green each` for a green run after each (the default is one at the end), `--json` for the line of JSON
 * without the table. Runs in a lab, a state folder and a cache of its own; needs root.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { closeKilledRuns } from '../harness/run/record/killed-runs.ts';
import { runRecordSchema, type RunData } from '../harness/report/run-data.ts';
import { faults, type HarnessFault } from './harness-faults/faults.ts';
import { packetFilters, World, type Ended } from './harness-faults/world.ts';

interface Row {
  readonly fault: string;
  readonly verdict: string;
  /** Of the error in the record, or of the first one that was reported. */
  readonly code: string;
  readonly exitCode: number | undefined;
  /** From the fault on, and within how many it had to end. */
  readonly seconds: number;
  readonly within: number;
  readonly downSeconds: number;
  /** What is not as it should be; nothing, for a fault that the harness stands. */
  readonly wrong: readonly string[];
}

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    green: { type: 'string', default: 'last' },
    json: { type: 'boolean', default: false },
  },
});
const ids = values.only?.split(',');
const unknown = ids?.filter((id) => !faults.some((fault) => fault.id === id)) ?? [];
if (unknown.length > 0)
  throw new Error(`no such fault: ${unknown.join(', ')}; there are ${faults.map(({ id }) => id).join(', ')}`);
const chosen = faults.filter(({ id }) => ids?.includes(id) ?? true);
const rows: Row[] = [];
for (const [index, fault] of chosen.entries()) {
  const row = await playFault(
    fault,
    values.green === 'each' || (values.green === 'last' && index === chosen.length - 1),
  );
  rows.push(row);
  process.stderr.write(
    `${row.wrong.length === 0 ? '✓' : '✗'} ${row.fault}: ${row.verdict}, ${row.seconds.toFixed(0)} s, down ` +
      `${row.downSeconds.toFixed(0)} s\n`,
  );
  for (const line of row.wrong) process.stderr.write(`    ${line}\n`);
}
if (!values.json) {
  const table = new Table({ head: ['fault', 'verdict', 'exit', 'code', 'seconds', 'at most', 'down', 'wrong'] });
  for (const { fault, verdict, exitCode, code, seconds, within, downSeconds, wrong } of rows)
    table.push([
      fault,
      verdict,
      String(exitCode ?? 'killed'),
      code,
      seconds.toFixed(0),
      String(within),
      downSeconds.toFixed(0),
      wrong.join('\n') || 'nothing',
    ]);
  process.stdout.write(`${table.toString()}\n`);
}
process.stdout.write(`${JSON.stringify(rows)}\n`);
process.exitCode = rows.every(({ wrong }) => wrong.length === 0) ? 0 : 1;

async function playFault(fault: HarnessFault, thenGreen: boolean): Promise<Row> {
  const world = await World.make();
  const before = await packetFilters();
  const wrong: string[] = [];
  const begun = performance.now();
  let ended: Ended | undefined;
  try {
    ended = await fault.play(world);
  } catch (error) {
    wrong.push(error instanceof Error ? error.message : String(error));
  }
  const seconds = world.secondsBroken ?? (performance.now() - begun) / 1000;
  if (seconds > fault.within) wrong.push(`${seconds.toFixed(0)} s, not ${fault.within} s at most`);
  if (ended?.exitCode !== fault.exitCode)
    wrong.push(
      `exit code ${String(ended?.exitCode)}, not ${String(fault.exitCode)}\n${ended?.stderr.slice(-600) ?? ''}`,
    );
  await closeKilledRuns(world.reports);
  const data = await latestRecord(world);
  const verdict = data?.verdict ?? verdictIn(ended);
  if (!fault.mayPass && !['error', 'none'].includes(verdict)) wrong.push(`the verdict is ${verdict}, not error`);
  const said = `${data?.error?.message ?? ''} ${ended?.stderr ?? ''}`;
  const [code = '-'] = /MP\d{3}/.exec(data?.error?.code ?? said) ?? [];
  const codes =
    `${JSON.stringify(data?.scenarios.flatMap(({ claims }) => claims.map(({ code }) => code)) ?? [])} ` + said;
  if (fault.codes.length > 0 && !fault.codes.some((code) => codes.includes(code)))
    wrong.push(`names none of ${fault.codes.join(', ')}:\n${said.slice(0, 600)}`);
  if (
    data !== undefined &&
    (await readdir(join(world.reports, data.run))).length < 2 &&
    data.phases.clusters !== undefined
  )
    wrong.push('no evidence was kept');
  const downBegun = performance.now();
  for (const name of world.names) {
    const down = await world.run(['down', '--json'], 180_000, { name });
    if (down.exitCode !== 0) wrong.push(`down of ${name}: exit ${String(down.exitCode)}\n${down.stderr.slice(-600)}`);
  }
  const downSeconds = (performance.now() - downBegun) / 1000;
  wrong.push(...(await world.leftovers()).map((what) => `left: ${what}`));
  if ((await packetFilters()).join() !== before.join()) wrong.push('left: packet filter rules');
  if (thenGreen) {
    const next = await world.run(['run', '--only', 'node-port', '--json'], 400_000);
    if (next.exitCode !== 0)
      wrong.push(`the next run is not green: exit ${String(next.exitCode)}\n${next.stderr.slice(-600)}`);
    wrong.push(...(await world.leftovers()).map((what) => `left by the next run: ${what}`));
  }
  if (wrong.length === 0) await world.remove();
  else process.stderr.write(`kept: ${world.folder}\n`);
  const { id, within } = fault;
  return { fault: id, verdict, exitCode: ended?.exitCode, code, seconds, within, downSeconds, wrong };
}

async function latestRecord(world: World): Promise<RunData | undefined> {
  const last = (await readdir(world.reports).catch(() => [])).sort()[0];
  if (last === undefined) return undefined;
  return runRecordSchema.parse(JSON.parse(await readFile(join(world.reports, last, 'run.json'), 'utf8')));
}

/** The verdict that the command printed, where it could keep no record. */
function verdictIn(ended: Ended | undefined): string {
  const line = ended?.stdout.trim().split('\n').at(-1) ?? '';
  return /"verdict":"(\w+)"/.exec(line)?.[1] ?? 'none';
}
