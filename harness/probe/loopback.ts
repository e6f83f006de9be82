import { request } from 'node:http';
import { Duplex, PassThrough } from 'node:stream';
import { PortForward } from '@kubernetes/client-node';
import { readKubeconfig } from '../cluster/read-kubeconfig.ts';
import { MeshproofError } from '../errors/meshproof-error.ts';
import { execInPod, type PodContainer } from './pod.ts';

/** A debug interface that a container of the mesh offers on its own loopback, and the program there that asks it. */
export interface DebugInterface {
  readonly port: number;
  readonly program: string;
}

/** Envoy's admin interface, in a sidecar or a gateway (istio: pkg/bootstrap, ProxyAdminPort). */
export const envoyAdmin: DebugInterface = { port: 15000, program: 'pilot-agent' };
/** What istiod tells of itself (istio: pilot/pkg/bootstrap, the monitoring port). */
export const istiodDebug: DebugInterface = { port: 15014, program: 'pilot-discovery' };

/**
 * Gets a page of a debug interface of a pod.
 *
 * On clusters that meshproof made it goes through a port-forward, as `istioctl proxy-config` does: no process starts,
 * neither here nor in the pod, which takes a third of the time. On clusters that people own it goes by `kubectl exec`:
 * the rights to forward ports are not asked of them.
 *
 * @param path e.g. `config_dump?include_eds`
 * @param timeout milliseconds
 * @throws MeshproofError MP702 when it does not answer in time, or not with 200.
 */
export async function getFromPod(
  kubectl: string,
  where: PodContainer,
  { port, program }: DebugInterface,
  path: string,
  timeout = 30_000,
): Promise<string> {
  if (where.foreign === true) {
    const { stdout, stderr, exitCode } = await execInPod(kubectl, where, [program, 'request', 'GET', path], {
      timeout,
    });
    if (exitCode !== 0) throw notAnswered(where, path, stderr);
    return stdout;
  }
  return await overPortForward(where, port, path, timeout);
}

async function overPortForward(where: PodContainer, port: number, path: string, timeout: number): Promise<string> {
  const { cluster: name, kubeconfig, context, namespace, pod } = where;
  const [sent, received, words] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const connection = Duplex.from({ writable: sent, readable: received });
  // Whoever waits for the answer hears of a connection that breaks; nobody else listens.
  connection.on('error', () => undefined);
  const forwarded = new PortForward(readKubeconfig({ name, kubeconfig, context }))
    .portForward(namespace, pod, [port], received, words, sent)
    // One that starts anew by itself comes only where that is asked for.
    .then((socket) => socket as WebSocket);
  const late = AbortSignal.timeout(timeout);
  try {
    return await new Promise<string>((resolve, reject) => {
      const fail = (seen: string): void => {
        reject(notAnswered(where, path, seen));
      };
      late.addEventListener('abort', () => {
        fail(`no answer within ${timeout / 1000} s`);
      });
      words.on('data', (text: Buffer) => {
        fail(text.toString().trim());
      });
      forwarded.then(
        (socket) => {
          socket.onclose = () => {
            fail('the connection was closed before the answer was there');
          };
          // Kubernetes’ client writes into the request’s stream only once the connection is open.
          const call = request({
            createConnection: () => connection,
            host: 'localhost',
            path: path.startsWith('/') ? path : `/${path}`,
            headers: { connection: 'close' },
          });
          call.on('error', (error) => {
            fail(error.message);
          });
          call.on('response', (answer) => {
            const parts: Buffer[] = [];
            answer.on('data', (part: Buffer) => parts.push(part));
            answer.on('error', (error) => {
              fail(error.message);
            });
            answer.on('end', () => {
              const text = Buffer.concat(parts).toString();
              if (answer.statusCode === 200) resolve(text);
              else fail(`HTTP ${answer.statusCode ?? 'without a status'}: ${text.slice(0, 300)}`);
            });
          });
          call.end();
        },
        (error: unknown) => {
          fail(messageOf(error));
        },
      );
    });
  } finally {
    // Also a connection that opens only now.
    forwarded.then(
      (socket) => {
        socket.close();
      },
      () => undefined,
    );
    connection.destroy();
  }
}

/** The words of an error, or of the event by which a WebSocket tells one. */
const messageOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);

const notAnswered = ({ cluster, namespace, pod }: PodContainer, path: string, seen: string): MeshproofError =>
  new MeshproofError('MP702', {
    what: `${namespace}/${pod} did not answer ${path}`,
    where: `cluster ${cluster}`,
    seen,
  });
