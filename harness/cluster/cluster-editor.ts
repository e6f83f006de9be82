import pRetry from 'p-retry';
import type { ErrorCode } from '../errors/catalogue.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { clusterFlags, type ClusterContext } from '../process/cluster-flags.ts';
import { runProgram } from '../process/run-program.ts';
import { writePatience } from './object-writer.ts';

/** What identifies an object for kubectl. */
export interface Target {
  /** As kubectl takes it, e.g. "deployment" or "gateways.networking.istio.io". */
  readonly kind: string;
  readonly namespace?: string | undefined;
  readonly name: string;
}

export interface ClusterEditorOptions extends ClusterContext {
  readonly kubectl: string;
  /** Name of the cluster, for messages. */
  readonly name: string;
  /** Code of the error when kubectl fails. */
  readonly code: ErrorCode;
}

/**
 * Takes objects of any kind out of a cluster and puts them back exactly as they were, past everything that meshproof
 * otherwise does to keep its hands off other people's objects: for clusters only that meshproof made.
 */
export class ClusterEditor {
  readonly #options: ClusterEditorOptions;

  constructor(options: ClusterEditorOptions) {
    this.#options = options;
  }

  /**
   * Runs kubectl against the cluster.
   *
   * @returns what it printed
   * @throws MeshproofError with the editor's code when it fails, or takes longer than 150 s.
   */
  async run(args: readonly string[], input?: string): Promise<string> {
    const { kubectl, name, code } = this.#options;
    const { stdout } = await runProgram({
      program: kubectl,
      args: [...clusterFlags(this.#options), ...args],
      ...(input === undefined ? {} : { input }),
      purpose: `kubectl ${args.slice(0, 3).join(' ')}`,
      code,
      where: `cluster ${name}`,
      timeout: 150_000,
    });
    return stdout;
  }

  /** The object as JSON, to be put back later. */
  async read(target: Target): Promise<string> {
    return await this.run(['get', ...named(target), '-o', 'json', '--show-managed-fields']);
  }

  /** @param leaves what belongs to it: its pods stay, and so does what made them */
  async remove(target: Target, { leaves = false }: { readonly leaves?: boolean } = {}): Promise<void> {
    const cascade = leaves ? ['--cascade=orphan'] : [];
    await this.run(['delete', ...named(target), '--ignore-not-found', ...cascade]);
  }

  /** Lets an object go that its finalizers keep, whether or not it is being deleted. */
  async release(target: Target): Promise<void> {
    if (await this.isThere(target)) await this.patch(target, 'merge', { metadata: { finalizers: null } });
  }

  async isThere(target: Target): Promise<boolean> {
    return (await this.run(['get', ...named(target), '--ignore-not-found', '--output', 'name'])) !== '';
  }

  /** Makes an object again that was read before; the server gives it another uid. */
  async create(json: string): Promise<void> {
    const made = withoutServersFields(json, ['resourceVersion', 'uid', 'creationTimestamp', 'managedFields']);
    await this.run(['create', '-f', '-'], made);
  }

  /**
   * Sets an object to what was read before, whatever happened to it since; then also who has set which of its fields,
   * since whoever asks that later must not find this editor there.
   */
  async replace(json: string): Promise<void> {
    await this.#replace(withoutServersFields(json, ['resourceVersion', 'managedFields']));
    await this.#replace(withoutServersFields(json, ['resourceVersion']));
  }

  /** kubectl reads the newest version and writes; a controller that writes a status in between makes it refuse. */
  async #replace(json: string): Promise<void> {
    await pRetry(() => this.run(['replace', '-f', '-'], json), {
      ...writePatience,
      shouldRetry: ({ error }) => isRace(error),
    });
  }

  /** @param type the patch's type: `merge`, or `strategic`, which knows containers by their names */
  async patch(target: Target, type: 'merge' | 'strategic', change: object): Promise<void> {
    await this.run(['patch', ...named(target), `--type=${type}`, '--patch', JSON.stringify(change)]);
  }
}

const isRace = (error: unknown): boolean =>
  error instanceof MeshproofError && error.details.seen?.includes('Error from server (Conflict)') === true;

/** An object's kind with its group, its namespace and its name: what tells it from all others. */
export const targetOf = (object: {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string | undefined;
  readonly name: string;
}): Target => {
  const { apiVersion, kind, namespace, name } = object;
  const group = apiVersion.includes('/') ? `.${apiVersion.slice(0, apiVersion.indexOf('/'))}` : '';
  return { kind: `${kind}${group}`, namespace, name };
};

const named = ({ kind, namespace, name }: Target): string[] => [
  kind,
  name,
  ...(namespace === undefined ? [] : ['--namespace', namespace]),
];

function withoutServersFields(json: string, fields: readonly string[]): string {
  const object = JSON.parse(json) as { metadata: Record<string, unknown>; status?: unknown };
  for (const field of fields) Reflect.deleteProperty(object.metadata, field);
  Reflect.deleteProperty(object, 'status');
  return JSON.stringify(object);
}
