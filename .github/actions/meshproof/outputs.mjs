// What a run or a comparison printed as JSON, as outputs of the action. Plain JavaScript: it needs nothing that is
// installed.
import { readFileSync } from 'node:fs';

const [file, code = '3'] = process.argv.slice(2);
const line =
  readFileSync(file ?? '', 'utf8')
    .trim()
    .split('\n')
    .at(-1) ?? '';
const result = line.startsWith('{') ? JSON.parse(line) : {};
const { passed = 0, failed = 0, error = 0, notReached = 0 } = result.claims ?? {};
const looked = passed + failed + error + notReached;
const verdict = result.verdict ?? { 0: 'passed', 1: 'failed' }[Number(code)] ?? 'error';
// "0 of 0" would look like an answer where nothing was looked at: `doctor` has no claims, and a run may end before its
// first.
process.stdout.write(`verdict=${verdict}\nclaims=${looked === 0 ? '' : `${passed} of ${looked}`}\n`);
