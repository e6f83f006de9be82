/**
 * Checks types, lint and format at the same time, and prints what each found. What was checked before and has not
 * changed is taken from a cache; a fresh clone, as in CI, has none and checks everything.
 *
 * `npm run check`
 */
import { execa } from 'execa';

const cache = 'node_modules/.cache';
const checks = [
  ['tsc', '--noEmit', '--incremental', '--tsBuildInfoFile', `${cache}/tsc.tsbuildinfo`],
  ['eslint', '.', '--cache', '--cache-strategy', 'content', '--cache-location', `${cache}/eslint/`],
  ['prettier', '--check', '--log-level', 'warn', '.', '--cache'],
];

const ended = await Promise.all(
  checks.map(([program = '', ...args]) =>
    execa(program, args, { preferLocal: true, all: true, reject: false, stdin: 'ignore' }),
  ),
);
for (const { failed, all, shortMessage } of ended) if (failed) process.stderr.write(`${all?.trim() || shortMessage}\n`);
if (ended.some(({ failed }) => failed)) process.exitCode = 1;
