import { execa } from 'execa';
import { z } from 'zod';
import { findProgram } from '../process/find-program.ts';

/** What the daemon says of itself, as far as a run depends on it. */
export interface DockerDaemon {
  /** Where it listens: `unix:///var/run/docker.sock`. */
  readonly host: string;
  readonly version: string;
  readonly operatingSystem: string;
  /** Name of the machine that it runs on. */
  readonly machine: string;
  readonly dataRoot: string;
  readonly cgroupVersion: string;
  readonly rootless: boolean;
  /** Which limits its control groups can set. */
  readonly limits: { readonly memory: boolean; readonly cpu: boolean; readonly pids: boolean };
  /** Its own proxy for https, which pulls go through. */
  readonly httpsProxy: string;
  /** Registries that it asks before Docker Hub. */
  readonly mirrors: readonly string[];
  /** Registries and networks that it speaks to without TLS. */
  readonly insecure: readonly string[];
}

/** What looking for the user's Docker found; `words` are docker's own. */
export type DockerLook =
  | { readonly state: 'ready'; readonly daemon: DockerDaemon }
  /** There is no docker program. */
  | { readonly state: 'absent' }
  /** The program is there, and no daemon where it looks. */
  | { readonly state: 'stopped'; readonly words: string }
  | { readonly state: 'forbidden'; readonly words: string }
  /** A daemon is there and says nothing. */
  | { readonly state: 'silent'; readonly host: string; readonly within: number }
  /** A daemon is there and refuses to answer. */
  | { readonly state: 'refusing'; readonly words: string }
  | { readonly state: 'remote'; readonly host: string }
  /** Another engine behind the name docker. */
  | { readonly state: 'foreign'; readonly words: string };

export const defaultDockerHost = 'unix:///var/run/docker.sock';

const versionSchema = z.looseObject({
  Server: z.looseObject({ Components: z.array(z.looseObject({ Name: z.string() })).nullish() }).nullish(),
});
const registrySchema = z.looseObject({
  Mirrors: z.array(z.string()).nullish(),
  InsecureRegistryCIDRs: z.array(z.string()).nullish(),
  IndexConfigs: z.record(z.string(), z.looseObject({ Secure: z.boolean().optional() })).nullish(),
});
const infoSchema = z.looseObject({
  ServerVersion: z.string().default(''),
  OperatingSystem: z.string().default(''),
  OSType: z.string().default(''),
  Name: z.string().default(''),
  DockerRootDir: z.string().default(''),
  CgroupVersion: z.string().default(''),
  SecurityOptions: z.array(z.string()).nullish(),
  MemoryLimit: z.boolean().default(true),
  CPUShares: z.boolean().default(true),
  PidsLimit: z.boolean().default(true),
  HttpsProxy: z.string().default(''),
  ServerErrors: z.array(z.string()).nullish(),
  RegistryConfig: registrySchema.nullish(),
});

/**
 * Looks for the user's Docker: the program, where its context leads, and what the daemon there is. Nothing is started.
 *
 * @param within milliseconds after which a daemon that says nothing counts as silent
 */
export async function lookForDocker(program = 'docker', within = 5_000): Promise<DockerLook> {
  if ((await findProgram(program)) === undefined) return { state: 'absent' };
  const deadline = performance.now() + within;
  const call = (...args: readonly string[]): Promise<Said> => run(program, args, deadline - performance.now());
  const [itself, context] = await Promise.all([
    call('--version'),
    call('context', 'inspect', '--format', '{{.Endpoints.docker.Host}}'),
  ]);
  const host = contextHost(context);
  // kind looks at the same word: `Docker version 28.5.2, build …`.
  if (itself.stdout !== '' && !itself.stdout.startsWith('Docker version'))
    return { state: 'foreign', words: itself.stdout };
  if (itself.late || context.late) return { state: 'silent', host, within };
  if (isRemote(host)) return { state: 'remote', host };
  const [version, info] = await Promise.all([
    call('version', '--format', '{{json .}}'),
    call('info', '--format', '{{json .}}'),
  ]);
  const words = [version, info].map(({ stderr, stdout }) => stderr || (stdout.startsWith('{') ? '' : stdout));
  const said = [...new Set(words.flatMap((text) => text.split('\n')))].filter((line) => line !== '').join('\n');
  if (/podman/i.test(said) || /podman|buildah/i.test(version.stdout))
    return { state: 'foreign', words: engineIn(version, said) };
  if (/permission denied/i.test(said)) return { state: 'forbidden', words: said };
  if (version.late || info.late) return { state: 'silent', host, within };

  const facts = infoSchema.safeParse(jsonOf(info.stdout));
  const server = versionSchema.safeParse(jsonOf(version.stdout));
  const failures = facts.success ? (facts.data.ServerErrors ?? []) : [];
  if (!facts.success || facts.data.ServerVersion === '' || failures.length > 0) {
    const whole = [said, ...failures].filter((text) => text !== '').join('\n') || 'docker said nothing';
    return { state: /Error response from daemon|API version/i.test(whole) ? 'refusing' : 'stopped', words: whole };
  }
  const { data } = facts;
  if (data.OSType !== '' && data.OSType !== 'linux')
    return { state: 'foreign', words: `${data.OperatingSystem}, which runs ${data.OSType} containers` };
  const engine = server.data?.Server?.Components?.find(({ Name }) => /podman/i.test(Name));
  if (engine !== undefined) return { state: 'foreign', words: engine.Name };
  const registries = data.RegistryConfig;
  const plain = Object.entries(registries?.IndexConfigs ?? {}).filter(([, { Secure }]) => Secure === false);
  return {
    state: 'ready',
    daemon: {
      host,
      version: data.ServerVersion,
      operatingSystem: data.OperatingSystem,
      machine: data.Name,
      dataRoot: data.DockerRootDir,
      cgroupVersion: data.CgroupVersion,
      rootless: (data.SecurityOptions ?? []).some((option) => option.startsWith('name=rootless')),
      limits: { memory: data.MemoryLimit, cpu: data.CPUShares, pids: data.PidsLimit },
      httpsProxy: data.HttpsProxy,
      mirrors: registries?.Mirrors ?? [],
      insecure: [...(registries?.InsecureRegistryCIDRs ?? []), ...plain.map(([name]) => name)],
    },
  };
}

/** Where the docker program connects to: DOCKER_HOST, or what the current context says. */
function contextHost({ stdout }: Said): string {
  const told = stdout.split('\n')[0]?.trim() ?? '';
  // A docker without contexts says nothing here.
  return /^[a-z]+:\/\//.test(told) ? told : (process.env['DOCKER_HOST'] ?? defaultDockerHost);
}

/** True for a daemon whose published ports are not this machine's. */
function isRemote(host: string): boolean {
  if (/^(unix|npipe|fd):/.test(host)) return false;
  const { hostname, protocol } = URL.canParse(host)
    ? new URL(host.replace(/^tcp:/, 'http:'))
    : new URL('http://localhost');
  return protocol === 'ssh:' || !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

function engineIn(version: Said, said: string): string {
  const line = [...said.split('\n'), ...version.stdout.split('\n')].find((text) => /podman/i.test(text));
  return line?.trim().slice(0, 200) ?? 'podman';
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Older programs put a warning before the object, and a daemon that is gone leaves none.
    const line = text.split('\n').find((one) => one.startsWith('{') && one.endsWith('}'));
    return line === undefined || line === text ? undefined : jsonOf(line);
  }
}

interface Said {
  readonly stdout: string;
  readonly stderr: string;
  /** True when it had not ended at the deadline. */
  readonly late: boolean;
}

/**
 * Runs docker, and at the deadline ends it with all that it started: a child that holds the pipe would be waited for
 * else.
 */
async function run(program: string, args: readonly string[], within: number): Promise<Said> {
  let late = false;
  const child = execa(program, [...args], {
    reject: false,
    stdin: 'ignore',
    detached: true,
    env: { DOCKER_CLI_HINTS: 'false' },
  });
  const { pid } = child;
  const end = setTimeout(
    () => {
      late = true;
      if (pid === undefined) return;
      try {
        process.kill(-pid, 'SIGKILL');
      } catch (error) {
        // It ended in this very moment.
        if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
      }
    },
    Math.max(1, within),
  );
  const { stdout, stderr, failed, originalMessage } = await child;
  clearTimeout(end);
  // A program that could not even be started has no streams, and says why in the message only.
  const words = failed && stdout === '' && stderr === '' ? (originalMessage ?? '') : stderr;
  return { stdout: stdout.trim(), stderr: words.trim(), late };
}
