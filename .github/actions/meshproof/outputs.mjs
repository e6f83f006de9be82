// What a run or a comparison printed as JSON, as outputs of the action. Plain JavaScript, since it runs before anything is installed could fail.
import { readFileSync } from 'node:fs';

const [file, code = '3'] = process.argv.slice(2);
const line =
  readFileSync(file ?? '', 'utf8')
    .trim()
    .split('\n')
    .at(-1) ?? '';
const result = line.startsWith('{') ? JSON.parse(line) : {};
const { passed = 0, failed = 0, error = 0 } = result.claims ?? {};
const verdict = result.verdict ?? { 0: 'passed', 1: 'failed' }[Number(code)] ?? 'error';
process.stdout.write(`verdict=${verdict}\nclaims=${passed} of ${passed + failed + error}\n`);
