import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request as requestTls, type RequestOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { connect } from 'node:tls';
import { KubeConfig } from '@kubernetes/client-node';
import { issueAuthorities, issueWorkload } from '../../harness/mesh/certificate-authority.ts';

/** One request that went to the real API server. */
export interface Seen {
  readonly cluster: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** True for what changes something: dry runs, and questions about one's own rights, do not. */
  readonly writes: boolean;
  /**
   * Labels of the object: as it is created, or as it was before it was changed or deleted; undefined when there was
   * none.
   */
  readonly labels: Readonly<Record<string, string>> | undefined;
}

const questions = /\/apis\/authorization\.k8s\.io\/[^/]+\/selfsubject\w+reviews$/;

/**
 * Stands in front of the API server of a cluster, passes every request on as it is, credentials and all, and writes
 * down what it was. Of an object that is about to be changed or deleted it asks the server, as an administrator, whose
 * it is.
 */
export class RecordingProxy {
  readonly seen: Seen[] = [];
  readonly #cluster: string;
  readonly #server: ReturnType<typeof createServer>;
  readonly #target: { readonly host: string; readonly port: number; readonly ca: string };
  readonly #admin: { readonly cert: string; readonly key: string };

  private constructor(cluster: string, kubeconfig: string, identity: { readonly cert: string; readonly key: string }) {
    this.#server = createServer(identity, (request, response) => void this.#pass(request, response));
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    config.setCurrentContext(cluster);
    const { server = '', caData = '' } = config.getCurrentCluster() ?? {};
    const { certData = '', keyData = '' } = config.getCurrentUser() ?? {};
    const plain = (text: string): string => Buffer.from(text, 'base64').toString();
    const { hostname, port } = new URL(server);
    this.#cluster = cluster;
    this.#target = { host: hostname, port: Number(port), ca: plain(caData) };
    this.#admin = { cert: plain(certData), key: plain(keyData) };
    this.#server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      this.#upgrade(request, socket, head);
    });
  }

  /** @param cluster name of the context of a kubeconfig with an administrator's client certificate */
  static async start(cluster: string, kubeconfig: string): Promise<RecordingProxy> {
    // kubectl sends no credentials where there is no TLS; whose certificate it is does not matter here.
    const { [cluster]: authority } = await issueAuthorities([cluster]);
    if (authority === undefined) throw new Error(`no authority for ${cluster}`);
    const { chain: cert, key } = await issueWorkload(authority, `spiffe://recording/${cluster}`);
    const proxy = new RecordingProxy(cluster, kubeconfig, { cert, key });
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/' } = request;
    const body = Buffer.concat((await request.toArray()) as Buffer[]);
    const { pathname, searchParams } = new URL(url, 'http://api');
    const writes =
      !['GET', 'HEAD', 'OPTIONS'].includes(method) && searchParams.get('dryRun') !== 'All' && !questions.test(pathname);
    const labels = !writes ? undefined : method === 'POST' ? labelsIn(body.toString()) : await this.#labelsOf(pathname);
    const onward = requestTls({ ...this.#options(method, url), headers: request.headers }, (answer) => {
      const status = answer.statusCode ?? 0;
      this.seen.push({ cluster: this.#cluster, method, path: pathname, status, writes, labels });
      response.writeHead(status, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    onward.end(body);
  }

  /** `kubectl exec` changes protocols: from then on only bytes pass. */
  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const { method = 'GET', url = '/', rawHeaders } = request;
    const { pathname } = new URL(url, 'http://api');
    this.seen.push({ cluster: this.#cluster, method, path: pathname, status: 101, writes: false, labels: undefined });
    const onward = connect({ ...this.#target, servername: 'kubernetes' }, () => {
      const lines = rawHeaders.flatMap((name, index) =>
        index % 2 === 0 ? [`${name}: ${rawHeaders[index + 1] ?? ''}`] : [],
      );
      onward.write(`${method} ${url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
      onward.write(head);
      socket.pipe(onward).pipe(socket);
    });
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const)
      one.on('error', () => other.destroy()).on('close', () => other.destroy());
  }

  #options(method: string, path: string): RequestOptions {
    return { ...this.#target, servername: 'kubernetes', method, path };
  }

  async #labelsOf(path: string): Promise<Readonly<Record<string, string>> | undefined> {
    const asking = requestTls({ ...this.#options('GET', path), ...this.#admin });
    asking.end();
    const [answer] = (await once(asking, 'response')) as [IncomingMessage];
    const text = Buffer.concat((await answer.toArray()) as Buffer[]).toString();
    return answer.statusCode === 200 ? labelsIn(text) : undefined;
  }
}

function labelsIn(text: string): Readonly<Record<string, string>> {
  const { metadata } = JSON.parse(text) as { readonly metadata?: { readonly labels?: Record<string, string> } };
  return metadata?.labels ?? {};
}
