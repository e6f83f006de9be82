import { access, stat } from 'node:fs/promises';
import { runProgram } from '../process/run-program.ts';
import { labNamespace, labNamespacePath } from './lab-place.ts';

export { labNamespace, labNamespacePath } from './lab-place.ts';

const ip = (...args: string[]): ReturnType<typeof runProgram> =>
  runProgram({
    program: 'ip',
    args,
    purpose: 'make the lab’s network namespace',
    code: 'MP402',
    where: `network namespace ${labNamespace}`,
    timeout: 30_000,
  });

/** Every refusal is reported at once: the clusters' DNS asks for foreign names at an address where nobody listens. */
const settings = {
  'net.ipv4.ip_forward': '1',
  'net.ipv4.conf.all.forwarding': '1',
  'net.ipv4.icmp_ratelimit': '0',
} as const;

/**
 * Makes the lab's network namespace: loopback up, forwarding on, and a default route into a bridge that leads nowhere
 * (documentation addresses, RFC 5737), so that programs which look for a default route find one and no packet ever
 * leaves. Does nothing when it exists whole; one that a killed process left half made is made anew.
 *
 * @throws MeshproofError MP402 when the kernel refuses.
 */
export async function ensureNamespace(): Promise<void> {
  if (await isWhole()) return;
  await removeNamespace();
  await ip('netns', 'add', labNamespace);
  const inside = (...args: string[]): ReturnType<typeof runProgram> => ip('-n', labNamespace, ...args);
  await inside('link', 'set', 'lo', 'up');
  await inside('link', 'add', 'nowhere', 'type', 'bridge');
  await inside('addr', 'add', '192.0.2.1/24', 'dev', 'nowhere');
  await inside('link', 'set', 'nowhere', 'up');
  await inside('route', 'add', 'default', 'via', '192.0.2.2', 'dev', 'nowhere');
  await runProgram({
    program: 'nsenter',
    args: [
      `--net=${labNamespacePath}`,
      'sysctl',
      '-qw',
      ...Object.entries(settings).map(([name, value]) => `${name}=${value}`),
    ],
    purpose: 'switch forwarding on in the lab',
    code: 'MP402',
    timeout: 30_000,
  });
}

/** The settings come last, so a namespace that has them has everything. */
async function isWhole(): Promise<boolean> {
  if (!(await namespaceExists())) return false;
  const seen = await runProgram({
    program: 'nsenter',
    args: [`--net=${labNamespacePath}`, 'sysctl', '-n', ...Object.keys(settings)],
    purpose: 'look at the lab’s network namespace',
    code: 'MP402',
    timeout: 30_000,
  }).catch(() => undefined);
  // A file without a namespace behind it cannot be entered.
  return seen?.stdout.split('\n').join() === Object.values(settings).join();
}

export async function namespaceExists(): Promise<boolean> {
  return await access(labNamespacePath).then(
    () => true,
    () => false,
  );
}

/** True when this process stands in the network namespace of this path. */
export async function standsIn(path: string): Promise<boolean> {
  const [own, other] = await Promise.all([stat('/proc/self/ns/net'), stat(path)]);
  return own.ino === other.ino;
}

export async function removeNamespace(): Promise<void> {
  if (await namespaceExists()) await ip('netns', 'delete', labNamespace);
}
