/**
 * Maintainers' script: plants secrets in every place of a real mesh that a run looks at, plays a scenario that then
 * fails, and looks for them in everything that comes out: the run's folder, its archive, the job summary, stdout and
 * stderr. Prints a matrix, and ends with exit code 1 when one is found. It needs a kept environment: `meshproof up`,
 * then `npm run canaries [-- -c <config>]`, then `meshproof down`.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { execa } from 'execa';
import { stringify } from 'yaml';
import { canaries, found, matrixOf } from '../harness/tape/redact/canaries.ts';

const root = new URL('..', import.meta.url).pathname;
const given = process.argv.slice(2);
const planted = canaries(Date.now().toString(36));
const { caKey, token, authorization, cookie, apiKey, header, annotation, variable, query, password, program, data } =
  planted;
const folder = await mkdtemp(join(tmpdir(), 'meshproof-canaries-'));
const summary = join(folder, 'summary.md');

/** What a command of meshproof said. */
interface Said {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | undefined;
}

const meshproof = async (args: readonly string[], input = ''): Promise<Said> => {
  const { stdout, stderr, exitCode } = await execa(
    process.execPath,
    [join(root, 'harness/cli/bin.js'), ...given, ...args],
    {
      reject: false,
      cwd: root,
      env: { GITHUB_STEP_SUMMARY: summary, GITHUB_ACTIONS: 'true' },
      input,
    },
  );
  return { stdout, stderr, exitCode };
};

const metadata = (name: string): object => ({
  name,
  namespace: 'canaries',
  annotations: {
    'team.example/note': annotation.secret,
    'kubectl.kubernetes.io/last-applied-configuration': annotation.secret,
  },
});
/**
 * What it does to every call of a sidecar: adds headers and a query, which the server gives back, and refuses HEAD, so
 * that a claim fails.
 */
const lua = `-- ${program.secret}
function envoy_on_request(handle)
  local headers = handle:headers()
  headers:replace("authorization", "${authorization.secret}")
  headers:replace("cookie", "${cookie.secret}")
  headers:replace("x-api-key", "${apiKey.secret}")
  headers:replace("x-team", "${header.secret}")
  if headers:get(":path") == "/headers" then headers:replace(":path", "/headers?access=${query.secret}") end
  if headers:get(":method") == "HEAD" then
    handle:respond({[":status"] = "503"}, "refused https://user:${password.secret}@db.example ${token.secret}")
  end
end`;
const objects = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'canaries' } },
  {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: metadata('ca'),
    stringData: { 'ca-key.pem': caKey.secret, password: data.secret },
  },
  {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata('kubeconfig'),
    data: {
      config: `users:\n- user:\n    token: ${token.secret}\n    password: ${password.secret}\n`,
      key: caKey.secret,
    },
  },
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: metadata('team'),
    spec: {
      containers: [
        {
          name: 'a',
          image: 'nowhere.example/none:1',
          args: [`--token=${token.secret}`],
          env: [{ name: 'DB', value: variable.secret }],
        },
      ],
    },
  },
  {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: metadata('team'),
    spec: {
      hosts: ['team.example'],
      gateways: ['mesh'],
      http: [
        {
          match: [
            { queryParams: { access: { exact: query.secret } } },
            { headers: { authorization: { exact: authorization.secret } } },
          ],
          headers: {
            request: { set: { 'x-team': header.secret, 'x-api-key': apiKey.secret } },
            response: { set: { 'set-cookie': cookie.secret } },
          },
          route: [{ destination: { host: 'team.example' } }],
        },
      ],
    },
  },
  {
    apiVersion: 'networking.istio.io/v1',
    kind: 'ServiceEntry',
    metadata: metadata('team'),
    spec: {
      hosts: ['team.example'],
      ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
      resolution: 'STATIC',
      endpoints: [{ address: '192.0.2.1' }],
    },
  },
  {
    apiVersion: 'networking.istio.io/v1alpha3',
    kind: 'EnvoyFilter',
    metadata: { ...metadata('team'), namespace: 'istio-system' },
    spec: {
      configPatches: [
        {
          applyTo: 'HTTP_FILTER',
          match: {
            context: 'SIDECAR_OUTBOUND',
            listener: {
              filterChain: {
                filter: {
                  name: 'envoy.filters.network.http_connection_manager',
                  subFilter: { name: 'envoy.filters.http.router' },
                },
              },
            },
          },
          patch: {
            operation: 'INSERT_BEFORE',
            value: {
              name: 'team.lua',
              typed_config: {
                '@type': 'type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua',
                default_source_code: { inline_string: lua },
              },
            },
          },
        },
      ],
    },
  },
];
const manifest = objects.map((object) => stringify(object)).join('---\n');
const kubectl = async (cluster: string, args: readonly string[], input?: string): Promise<void> => {
  const { exitCode, stderr } = await meshproof(['exec', '--', 'kubectl', '--context', cluster, ...args], input);
  if (exitCode !== 0)
    throw new Error(`kubectl ${args.join(' ')} in ${cluster}: ${stderr.replaceAll(/canary\S*/g, '…')}`);
};

/** All text below a folder. */
async function textBelow(place: string): Promise<string> {
  const entries = await readdir(place, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return (await Promise.all(files.map((file) => readFile(file, 'utf8')))).join('\n');
}

// What cannot even be planted says so, and is not hidden behind what then cannot be taken away.
await kubectl('west', ['version', '--output=json']);
try {
  for (const cluster of ['west', 'east']) await kubectl(cluster, ['apply', '--server-side', '-f', '-'], manifest);
  const run = await meshproof(['run', '--reuse', '--only', 'direct-sidecar', '--json']);
  const last = JSON.parse(run.stdout.trim().split('\n').at(-1) ?? '{}') as {
    verdict?: string;
    report?: string;
    claims?: object;
  };
  const report = last.report ?? '';
  const archive = join(folder, 'run.tar.gz');
  const packed = await meshproof(['report', report, '--archive', archive]);
  const replayed = await meshproof(['replay', archive]);
  const places: Record<string, string> = {
    stdout: [run.stdout, packed.stdout, replayed.stdout].join('\n'),
    stderr: [run.stderr, packed.stderr, replayed.stderr].join('\n'),
    'job summary': await readFile(summary, 'utf8'),
    archive: gunzipSync(await readFile(archive)).toString(),
  };
  for (const entry of await readdir(report, { withFileTypes: true }))
    places[entry.name] = entry.isDirectory()
      ? await textBelow(join(report, entry.name))
      : await readFile(join(report, entry.name), 'utf8');
  process.stdout.write(
    `run ${last.verdict ?? 'without a verdict'} ${JSON.stringify(last.claims)}, replay exit code ` +
      `${replayed.exitCode ?? 'none'}\n`,
  );
  process.stdout.write(`${packed.stdout.trim().split('\n').slice(-2).join('\n')}\n\n${matrixOf(planted, places)}\n`);
  const left = (places['evidence'] ?? '').match(/\[redacted\]/g)?.length ?? 0;
  process.stdout.write(
    `\n[redacted] stands in the evidence ${left} times; x-team is there: ` +
      `${String(places['evidence']?.includes('x-team'))}\n`,
  );
  // A matrix of an empty search would say nothing.
  const seen = Object.entries(places).flatMap(([name, text]) => found(text, planted).map((kind) => `${name}: ${kind}`));
  process.exitCode = seen.length > 0 || left === 0 || last.verdict === 'passed' ? 1 : 0;
} finally {
  for (const cluster of ['west', 'east']) await kubectl(cluster, ['delete', '--ignore-not-found', '-f', '-'], manifest);
  await rm(folder, { recursive: true });
}
