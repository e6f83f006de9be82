import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { KubernetesObject } from '../cluster/kubernetes-object.ts';
import type { Passed } from '../probe/barrier.ts';
import type { CurlExchange } from '../probe/curl.ts';

/**
 * The evidence of one scenario on disk: every dump, exchange and manifest, numbered in the order they came. Envoy redacts private keys
 * in its dumps, and Secrets are never applied by scenarios, so nothing secret lands here.
 */
export class EvidenceFolder {
  readonly path: string;
  #count = 0;

  constructor(path: string) {
    this.path = path;
  }

  async keepDump(proxy: string, dump: unknown): Promise<void> {
    await this.#write(`${fileName(proxy)}.config-dump.json`, JSON.stringify(dump));
  }

  /** What a propagation barrier saw as it opened: the hops, and the push versions that istiod gave. */
  async keepBarrier(proxy: string, passed: Passed): Promise<void> {
    await this.#write(`${fileName(proxy)}.barrier.json`, JSON.stringify(passed, undefined, 2));
  }

  async keepExchanges(cluster: string, exchanges: readonly CurlExchange[]): Promise<void> {
    await this.#write(`${cluster}.curl.json`, JSON.stringify(exchanges, undefined, 2));
  }

  async keepManifest(cluster: string, object: KubernetesObject): Promise<void> {
    await this.#write(`${cluster}.${fileName(`${object.kind} ${object.metadata.name}`)}.yaml`, stringify(object));
  }

  async keepText(name: string, text: string): Promise<string> {
    return await this.#write(fileName(name), text);
  }

  async #write(name: string, text: string): Promise<string> {
    await mkdir(this.path, { recursive: true });
    this.#count += 1;
    const file = join(this.path, `${String(this.#count).padStart(3, '0')}-${name}`);
    await writeFile(file, text);
    return file;
  }
}

const fileName = (text: string): string => text.replaceAll(/[^\w.-]+/g, '_');
