import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeError, MeshproofError } from '../../errors/meshproof-error.ts';
import { parseAccessLog } from '../../probe/access-log.ts';
import { parseCurlOutput, rawAnswer } from '../../probe/curl.ts';
import { recordedDump } from '../../probe/recorded.ts';
import { plainProgress } from '../../progress/progress.ts';
import { summary } from '../../report/summary.ts';
import { environmentSchema } from '../../scenario/environment.ts';
import { Journal } from '../../scenario/journal.ts';
import { play } from '../../scenario/play.ts';
import { scenario } from '../../scenario/scenario.ts';
import { ask, taped } from '../../tape/tape.ts';
import { redactText } from '../../tape/redact/text.ts';
import { redact } from '../../tape/redact/value.ts';
import { canaries, found, matrixOf } from '../../tape/redact/canaries.ts';
import { writeReports } from './reports.ts';
import { keepRunEnvironment } from './run-environment.ts';
import { RunRecord } from './run-record.ts';

const planted = canaries('7f3a');
const { caKey, token, authorization, cookie, apiKey, header, annotation, variable, query, password, program, data } =
  Object.fromEntries(Object.entries(planted).map(([name, { secret }]) => [name, secret])) as Record<
    keyof typeof planted,
    string
  >;
const base64 = (text: string): string => Buffer.from(text).toString('base64');

const metadata = {
  name: 'theirs',
  namespace: 'shop',
  annotations: {
    'team.example/note': annotation,
    'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({
      kind: 'Deployment',
      spec: { note: annotation },
    }),
    'proxy.istio.io/config': JSON.stringify({ proxyMetadata: { TEAM_VARIABLE: variable } }),
  },
};
const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata,
  spec: {
    containers: [
      {
        name: 'app',
        args: ['--token', token, `--upstream=https://user:${password}@db.example/x?key=${query}`],
        env: [
          { name: 'DB', value: variable },
          { name: 'POD_NAME', value: 'theirs-1' },
          { name: 'PROXY_CONFIG', value: JSON.stringify({ proxyMetadata: { OTHER: variable } }) },
        ],
        livenessProbe: { httpGet: { path: `/healthz?t=${query}`, httpHeaders: [{ name: 'X-Team', value: header }] } },
      },
    ],
  },
};
const virtualService = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata,
  spec: {
    hosts: ['shop.example'],
    http: [
      {
        match: [
          { headers: { authorization: { exact: authorization }, 'x-version': { exact: 'v1' } } },
          { queryParams: { access: { exact: query } } },
        ],
        headers: {
          request: { set: { authorization, 'x-team': header }, add: { 'x-api-key': apiKey }, remove: ['x-old'] },
          response: { set: { 'set-cookie': cookie } },
        },
        route: [{ destination: { host: 'shop' } }],
      },
    ],
  },
};
const policy = {
  kind: 'AuthorizationPolicy',
  metadata,
  spec: { rules: [{ when: [{ key: 'request.headers[x-api-key]', values: [apiKey] }] }] },
};
const secret = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { ...metadata, name: 'cacerts' },
  data: { 'ca-key.pem': base64(caKey), password: base64(data) },
  stringData: { more: data },
};
const kubeconfig = {
  kind: 'ConfigMap',
  metadata,
  data: {
    config:
      `users:\n- name: remote\n  user:\n    token: ${token}\n    client-key-data: ${base64(caKey)}\n    ` +
      `password: ${password}\n`,
    'ca-key.pem': caKey,
  },
};
const wasm = {
  kind: 'WasmPlugin',
  metadata,
  spec: {
    pluginConfig: { secret_of_theirs: program, nested: [program] },
    vmConfig: { env: [{ name: 'A', value: variable }] },
  },
};

/** A real sidecar's dump in which somebody's configuration has come. */
function dump(): unknown {
  const route = {
    match: {
      prefix: '/',
      headers: [{ name: 'authorization', string_match: { exact: authorization } }],
      query_parameters: [{ name: 'access', string_match: { exact: query } }],
    },
    route: { cluster: 'outbound|80||shop.example' },
    request_headers_to_add: [{ header: { key: 'authorization', value: authorization }, append_action: 'x' }],
    response_headers_to_add: [
      { header: { key: 'set-cookie', value: cookie } },
      { header: { key: 'x-team', value: header } },
    ],
    metadata: { filter_metadata: { istio: { config: '/apis/x' }, 'team.example': { note: program } } },
    direct_response: { status: 200, body: { inline_string: program } },
    typed_per_filter_config: {
      lua: {
        '@type': 'type.googleapis.com/envoy.extensions.filters.http.lua.v3.LuaPerRoute',
        source_code: { inline_string: program },
      },
    },
  };
  const filters = [
    {
      name: 'lua',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua',
        inline_code: program,
        default_source_code: { inline_string: `request_handle:headers():add("authorization", "${authorization}")` },
      },
    },
    {
      name: 'wasm',
      typed_config: {
        '@type': 'type.googleapis.com/udpa.type.v1.TypedStruct',
        type_url: 'type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm',
        value: { config: { configuration: { value: program } } },
      },
    },
    {
      name: 'ext_authz',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz',
        grpc_service: { initial_metadata: [{ key: 'x-api-key', value: apiKey }] },
      },
    },
  ];
  const before = JSON.parse(JSON.stringify(raw())) as { configs: Record<string, unknown>[] };
  return {
    configs: before.configs.map((section) => {
      const type = String(section['@type']).split('.').at(-1);
      if (type === 'RoutesConfigDump')
        return {
          ...section,
          static_route_configs: [
            {
              route_config: {
                name: 'theirs',
                virtual_hosts: [{ name: 'shop', domains: ['shop.example'], routes: [route] }],
              },
            },
          ],
        };
      if (type === 'BootstrapConfigDump') {
        const bootstrap = section['bootstrap'] as { node: { metadata: Record<string, unknown> } };
        return {
          ...section,
          bootstrap: {
            ...bootstrap,
            node: {
              ...bootstrap.node,
              metadata: {
                ...bootstrap.node.metadata,
                TEAM: variable,
                ANNOTATIONS: metadata.annotations,
                PROXY_CONFIG: { proxyMetadata: { TEAM: variable } },
              },
            },
            tracing: {
              http: {
                typed_config: {
                  '@type': 'type.googleapis.com/envoy.config.trace.v3.LightstepConfig',
                  access_token: { inline_string: token },
                },
              },
            },
          },
        };
      }
      if (type === 'SecretsConfigDump')
        return {
          ...section,
          static_secrets: [
            {
              name: 'theirs',
              secret: { name: 'theirs', tls_certificate: { private_key: { inline_bytes: base64(caKey) } } },
            },
            { name: 'generic', secret: { name: 'generic', generic_secret: { secret: { inline_string: data } } } },
          ],
        };
      if (type === 'ListenersConfigDump')
        return {
          ...section,
          static_listeners: [{ listener: { name: 'theirs', filter_chains: [{ filters }] } }],
          dynamic_listeners: [{ name: 'bad', error_state: { details: `Lua: ${authorization} at /x?access=${query}` } }],
        };
      return section;
    }),
  };
}

function raw(): unknown {
  let json: unknown;
  recordedDump('sleep', (text) => {
    json = JSON.parse(text);
    return text;
  });
  return json;
}

const answer = [
  'HTTP/1.1 200 OK',
  `set-cookie: ${cookie}; Path=/`,
  `x-team: ${header}`,
  `location: https://u:${password}@shop.example/next?access=${query}`,
  '',
  JSON.stringify({
    headers: { Authorization: [authorization], 'X-Api-Key': [apiKey], 'X-Team': [header], Host: ['shop'] },
    token,
  }),
].join('\n');
const writeOut = JSON.stringify({
  response_code: 200,
  remote_ip: '240.0.0.2',
  exitcode: 0,
  errormsg: null,
  time_total: 0.1,
});

let folder: string;
let places: Record<string, string>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshproof-canaries-'));
  places = {};
  const narrated: string[] = [];
  const environment = environmentSchema.parse({
    name: 'test',
    provider: 'kind',
    status: 'ready',
    createdAt: '',
    programs: { kubectl: 'kubectl', istioctl: 'istioctl', kind: 'kind', docker: 'docker' },
    versions: { kubernetes: '', istio: '', edition: 'source' },
    images: { httpbin: '', httpbinPort: 8080, curl: '' },
    clusterNames: ['west', 'east'],
    clusters: ['west', 'east'].map((name) => ({ name, kubeconfig: '/nowhere', context: 'x' })),
  });
  const listed = { items: [pod, virtualService, policy, secret, kubeconfig, wasm] };
  const api = taped(
    'API of west:',
    () => Promise.resolve({ listAnything: () => Promise.resolve(listed), readSecret: () => Promise.resolve(secret) }),
    { lookOnly: (method) => method.startsWith('list') },
  );
  const played = scenario(
    {
      id: 'canaries',
      section: 's',
      claims: { dump: 'a dump', call: 'a call', objects: 'objects', log: 'a log', refusal: 'a refusal' },
      needs: { clusters: 2, namespaces: [] },
    },
    async ({ step, claim, client }) => {
      // What steps and claims do with answers: note them, return them, and put them into messages.
      await step('apply', 'apply', async () => {
        await client.apply().catch(() => undefined);
        await api.readSecret();
      });
      await claim('dump', async () => {
        const seen = await ask('dump', () => Promise.resolve(dump()), {
          file: 'west.config-dump.json',
          lookOnly: true,
        });
        expect(seen).toEqual({ not: 'this' });
      });
      await claim('call', async () => {
        const url = `http://shop.example:8000/headers?access=${query}`;
        const exchange = await ask(
          `1 × curl -H Authorization: ${authorization} ${url}`,
          () =>
            Promise.resolve(
              parseCurlOutput(`${answer}\u001emeshproof ${writeOut}\u001d`, '', 0, {
                command: `curl -H Authorization: ${authorization} -H x-api-key: ${apiKey} ${url}`,
                where: 'west',
                requestId: '1',
              }),
            ),
          { file: 'west.curl.json', lookOnly: true },
        );
        throw new MeshproofError('MP701', { what: 'no', seen: `${exchange.command}\n${rawAnswer(exchange)}` });
      });
      await claim('objects', async () => {
        const seen = await api.listAnything();
        expect(seen).toEqual([]);
      });
      await claim('log', async () => {
        const line = {
          start_time: '2026-01-01T00:00:00Z',
          response_code: 200,
          path: `/pay?access=${query}`,
          authority: 'shop.example',
          authorization,
          x_team: header,
        };
        const entries = await ask('log', () => Promise.resolve(parseAccessLog(JSON.stringify(line))), {
          lookOnly: true,
        });
        return JSON.stringify(entries);
      });
      await claim('refusal', () =>
        ask('refused', () =>
          Promise.reject(
            Object.assign(new Error(`HTTP 403: ${authorization} at https://u:${password}@api?x=${query}`), {
              code: 403,
              body: { message: `token: ${token}`, object: secret },
              headers: { authorization, 'set-cookie': cookie },
            }),
          ),
        ),
      );
    },
  );
  const record = await RunRecord.begin(folder, {
    command: ['run', '--only', `x?access=${query}`],
    provider: 'kind',
    clusters: ['west', 'east'],
  });
  const result = await play(played, {
    environment,
    runFolder: record.folder,
    signal: new AbortController().signal,
    // There is no cluster to look around in.
    looksAround: false,
    narrate: async ({ title }, work, done) => {
      try {
        return await work();
      } catch (error) {
        narrated.push(String(error), error instanceof Error ? inspect(error, { depth: 8 }) : '');
        throw error;
      } finally {
        narrated.push(title, ...done().map(({ text }) => text));
      }
    },
  });
  await record.addScenario(result);
  const failure = new MeshproofError('MP702', { what: 'kubectl failed', seen: `${kubeconfig.data.config}\n${caKey}` });
  await record.save({ verdict: 'error', error: { code: failure.code, message: describeError(failure) } });
  await keepRunEnvironment(record.folder, { ...environment, createdAt: token });
  await writeReports(record.folder, record.data);
  places['Allure and JUnit'] = narrated.join('\n');
  for (const name of await readdir(record.folder)) {
    const within = await readdir(join(record.folder, name), { recursive: true, withFileTypes: true }).catch(
      () => undefined,
    );
    const files = within?.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)) ?? [
      join(record.folder, name),
    ];
    places[name] = (await Promise.all(files.map((file) => readFile(file, 'utf8')))).join('\n');
  }
  places['job summary'] = summary(record.data);
  const lines: string[] = [];
  plainProgress((line) => lines.push(line)).note(describeError(failure));
  places['stderr'] = lines.join('\n');
}, 60_000);
afterAll(async () => {
  await rm(folder, { recursive: true });
});

test('no canary is found in anything that a run writes or says', () => {
  const names = Object.keys(places).sort();
  expect(names).toEqual(
    expect.arrayContaining([
      'Allure and JUnit',
      'conformance.yaml',
      'evidence',
      'job summary',
      'report.html',
      'run.json',
      'stderr',
      'walkthrough.md',
    ]),
  );
  const seen = Object.entries(places).flatMap(([name, text]) => found(text, planted).map((kind) => `${name}: ${kind}`));
  expect(seen, matrixOf(planted, places)).toEqual([]);
});

test('what tells what happened is still there', () => {
  const evidence = places['evidence'] ?? '';
  for (const kept of [
    'httpbin.bar.global',
    'shop.example',
    'outbound|80||shop.example',
    'x-team',
    'x-api-key',
    '/apis/x',
    'theirs-1',
    '"exact":"v1"',
    'access=[redacted]',
  ])
    expect(evidence.replaceAll(/": "/g, '":"')).toContain(kept);
});

test('the search itself finds each canary where it is not left out, also in base64', () => {
  for (const canary of Object.values(planted)) {
    for (const before of ['', 'a', 'ab', 'abc'])
      expect(found(base64(`${before}${canary.secret}`), { canary })).toEqual([canary.kind]);
    expect(found(JSON.stringify({ canary: canary.trace }), { canary })).toEqual([canary.kind]);
  }
});

test('a Secret is written down by its name alone, in journals and manifests', () => {
  const journal = new Journal();
  const yaml =
    'apiVersion: v1\nkind: Secret\nmetadata:\n  name: ' +
    'cacerts\n  namespace: istio-system\nstringData:\n  x: ' +
    `${data}\n`;
  journal.note({
    cluster: 'west',
    command: 'kubectl apply -f -',
    input: `${yaml}---\n${JSON.stringify(virtualService)}`,
    output: caKey,
  });
  const [action] = journal.take().actions;
  expect(action?.input).toContain('name: cacerts');
  expect(found(JSON.stringify(action), planted)).toEqual([]);
});

test('a Secret that is taken down by hashes keeps none of its annotations’ values', () => {
  const seen = {
    apiVersion: 'v1',
    kind: 'Secret',
    name: 'ca',
    annotations: { 'team.example/note': 'a-word-of-the-team' },
    body: { data: { key: 'sha256:9995a767bc520fc6' } },
  };
  expect(JSON.stringify(redact(seen))).not.toContain('a-word-of-the-team');
  expect(redact(seen)).toMatchObject({ name: 'ca', body: { data: { key: 'sha256:9995a767bc520fc6' } } });
});

test('redacting twice is redacting once, and leaves what holds no secret as the same object', () => {
  for (const text of [kubeconfig.data.config, caKey, answer, `Bearer ${token}`, `/x?a=${query}&format=json&flag`]) {
    expect(redactText(redactText(text))).toBe(redactText(text));
    expect(redactText(text)).not.toBe(text);
  }
});
