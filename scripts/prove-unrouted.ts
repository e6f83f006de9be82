/**
 * Maintainers' script: proves that no probe dials from the host into the containers' network, which Docker Desktop,
 * rootless Docker and remote daemons do not route to. It takes the lab's route there away from every process of the
 * host, leaves it the port of the API servers that Docker publishes, and brings up two clusters and plays scenarios
 * like that. Afterwards it shows on each gateway that the route was gone, and what it was that took it away.
 *
 * `npm run prove:unrouted`, or with `-- --only <ids>`. Needs a machine whose engine is the lab; takes the configuration
 * of the working directory.
 */
import { resolve } from 'node:path';
import { $, argv, echo } from 'zx';
import { ensureNamespace, labNamespace, labNamespacePath, namespaceExists } from '../harness/lab/network-namespace.ts';
import { eastWestPort } from '../harness/mesh/operator.ts';
import { loadConfig } from '../harness/config/config.ts';
import { readEnvironment } from '../harness/environment/state.ts';

const defaultScenarios = 'security,dns-stub-domain,direct-sidecar,node-port,high-availability';
const only = typeof argv['only'] === 'string' ? argv['only'] : defaultScenarios;
const bin = resolve(import.meta.dirname, '../harness/cli/bin.js');

/**
 * Where Docker makes its networks, unless it is told otherwise. `iif lo` means: what this machine itself sends, not
 * what it forwards.
 */
const networks = ['172.16.0.0/12', '192.168.0.0/16'];
const rules = networks.flatMap((network, index) => [
  // Docker's own proxy carries the published port of an API server to its node.
  ['priority', `${100 + index * 2}`, 'iif', 'lo', 'to', network, 'ipproto', 'tcp', 'dport', '6443', 'lookup', 'main'],
  ['priority', `${101 + index * 2}`, 'iif', 'lo', 'to', network, 'unreachable'],
]);
/** Takes the rules away, also those that a killed run left; one that is not there is fine. */
const routeAgain = async (): Promise<void> => {
  if (!(await namespaceExists())) return;
  for (const rule of rules) await $({ nothrow: true, quiet: true })`ip -n ${labNamespace} rule del ${rule}`;
};

/**
 * An interrupted proof must not leave the lab without its route: the run ends in good order, and what follows it still
 * happens.
 */
const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => {
    stop.abort();
  });

/** What a process of the host meets that dials an address: "" for a connection, else the system's words. */
async function dial(address: string): Promise<string> {
  const { exitCode, stderr } = await $({
    nothrow: true,
    timeout: '10s',
  })`nsenter --net=${labNamespacePath} bash -c ${`exec 3<>/dev/tcp/${address}/${eastWestPort}`}`;
  return exitCode === 0 ? '' : (stderr.trim().split('\n')[0] ?? 'no connection');
}

await ensureNamespace();
await routeAgain();
let failures = 0;
try {
  for (const rule of rules) await $`ip -n ${labNamespace} rule add ${rule}`;
  const run = await $({
    nothrow: true,
    signal: stop.signal,
    killSignal: 'SIGINT',
    stdio: ['ignore', 'pipe', 'inherit'],
  })`${process.execPath} ${bin} run --only ${only} --keep --json`;
  echo(run.stdout.trim().split('\n').at(-1) ?? '');
  failures += run.exitCode === 0 ? 0 : 1;

  const environment = await readEnvironment((await loadConfig(undefined)).name);
  const gateways = (environment?.clusters ?? []).map(({ gateway }) => gateway?.address ?? '');
  const without = await Promise.all(gateways.map(dial));
  await routeAgain();
  const withRoute = await Promise.all(gateways.map(dial));
  for (const [index, address] of gateways.entries()) {
    const [taken = '', given = 'not tried'] = [without[index], withRoute[index]];
    echo(
      `${address}:${eastWestPort} from the host: during the run “${taken}”, with the route ` +
        `“${given === '' ? 'connected' : given}”`,
    );
    if (!taken.includes('unreachable') || given !== '') failures += 1;
  }
  if (gateways.length < 2) failures += 1;
} finally {
  await routeAgain();
  await $({ nothrow: true, stdio: 'inherit' })`${process.execPath} ${bin} down`;
}
echo(failures === 0 ? 'proven: nothing on the host dialled into the containers’ network' : 'not proven');
process.exitCode = failures === 0 ? 0 : 1;
