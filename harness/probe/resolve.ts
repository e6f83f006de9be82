import { isIP } from 'node:net';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { ask } from '../tape/tape.ts';
import { holds, notYet, waitFor } from '../wait/wait-for.ts';
import { execInPod, type PodContainer } from './pod.ts';

/** getent: a key that is not there, whether since a server says so or since none answers. */
const notFound = 2;

/**
 * What every cluster's DNS knows, and no sidecar answers by itself: the name of the API server's address. Whoever gets
 * it has a name server that answers.
 */
const control = 'getent hosts "$KUBERNETES_SERVICE_HOST"';

/** How long a name server may be away: while a new pod of it takes over, say; in milliseconds. */
const patience = 10_000;

/**
 * Asks for both families, as an application does that takes whatever there is; the first one's exit code is told. For a
 * name without IPv6 addresses getent prints the IPv4 ones once more, as `::ffff:…`.
 */
const bothFamilies = 'getent ahostsv4 "$1"; code=$?; getent ahostsv6 "$1"; exit $code';

/** The command that looks a name up. */
export const lookUpCommand = (host: string): string[] => ['sh', '-c', bothFamilies, 'sh', host];

/**
 * Resolves a name as the applications of a pod do, through its own resolver and search domains. That a name has no
 * address is believed only of a name server that answers: one that is dead has none for any name.
 *
 * @returns the addresses, sorted; empty when the name does not resolve
 * @throws MeshproofError MP702 when the look-up could not be run, or no name server answers.
 */
export async function resolveInPod(kubectl: string, where: PodContainer, host: string): Promise<string[]> {
  const pod = `${where.cluster} ${where.namespace}/${where.pod}`;
  const lookUp = async (): Promise<string[]> => {
    // Under the name that runs of before know, in which it was about one family only.
    const { stdout, stderr, exitCode } = await ask(
      `getent ahostsv4 ${host} in ${pod}`,
      () => execInPod(kubectl, where, lookUpCommand(host)),
      { lookOnly: true },
    );
    const addresses = addressesIn(stdout);
    if (exitCode !== 0 && exitCode !== notFound)
      throw new MeshproofError('MP702', {
        what: `could not look up ${host}`,
        where: pod,
        seen: stderr === '' ? `exit code ${exitCode}` : stderr,
      });
    return addresses;
  };
  const addresses = await lookUp();
  if (addresses.length > 0) return addresses;
  const server = await ask(`whether a name server of ${pod} answers`, () => answers(kubectl, where), {
    lookOnly: true,
    unasked: { late: false },
  });
  // It was away when the name was looked up, and says now what it knows.
  return server.late ? await lookUp() : [];
}

/** The addresses at the beginnings of getent's lines, each once; `::ffff:…` is an IPv4 one that is there already. */
function addressesIn(printed: string): string[] {
  const words = printed.split('\n').map((line) => line.split(/\s/)[0] ?? '');
  return [...new Set(words.filter((word) => isIP(word) !== 0 && !/^::ffff:/i.test(word)))].sort();
}

/** Waits for a name server that answers; `late` when it did not at once. */
async function answers(kubectl: string, where: PodContainer): Promise<{ readonly late: boolean }> {
  let looks = 0;
  return await waitFor({
    name: `a name server answers ${where.namespace}/${where.pod}`,
    where: `cluster ${where.cluster}`,
    code: 'MP702',
    within: patience,
    look: async () => {
      looks += 1;
      const { stdout, exitCode } = await execInPod(kubectl, where, ['sh', '-c', control]);
      return hasName(stdout)
        ? holds({ late: looks > 1 })
        : notYet(`no name of the API server’s address either: getent ended with ${exitCode}`);
    },
  });
}

/** Whether getent printed a name behind the address; musl's prints the address once more where there is none. */
export function hasName(printed: string): boolean {
  const [address = '', ...names] = printed.trim().split(/\s+/);
  return names.some((name) => name !== address && /[a-z]/i.test(name));
}
