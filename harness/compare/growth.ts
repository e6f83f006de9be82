import { describeError, asMeshproofError, MeshproofError } from '../errors/meshproof-error.ts';
import { figuresBetween, type IstiodFigures } from '../mesh/istiod-figures.ts';
import type { Progress } from '../progress/progress.ts';
import { growthSize, type GrowthSize } from '../report/growth.ts';
import { firstPort, type GrowingService } from './growing-services.ts';

/** What istiods and this process have spent so far, and what the clusters hold. */
export interface Spent {
  readonly istiods: IstiodFigures;
  readonly harnessCpuSeconds: number;
  readonly memoryBytes: Readonly<Record<string, number>>;
}

/** The mesh that is measured. */
export interface GrowingMesh {
  /** Makes room for what is added. */
  begin(): Promise<void>;
  /** Applies services in every cluster. @returns seconds until every proxy of the mesh held them */
  offer(services: readonly GrowingService[]): Promise<number>;
  /** Waits until nothing is sent any more. */
  calm(): Promise<void>;
  spent(): Promise<Spent>;
  /** Takes all away that was added, also when somebody interrupts. */
  end(): Promise<void>;
}

export interface GrowthOptions {
  /** How many remote services each cluster has, size after size, growing. */
  readonly services: readonly number[];
  /** How many single changes are measured at each size. */
  readonly changes: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/**
 * Lets a mesh grow, and measures at each size what one more change takes. What was added is taken away again, whatever
 * happens.
 *
 * @throws MeshproofError MP701 for a change that does not reach every proxy in time; MP702 for an istiod that does not
 *   tell what it spent, or that started anew meanwhile; MP901 when it was interrupted.
 */
export async function growth(
  mesh: GrowingMesh,
  { services: sizes, changes, progress, signal }: GrowthOptions,
): Promise<GrowthSize[]> {
  const ports: number[] = [];
  const measured: GrowthSize[] = [];
  const measure = async (size: number): Promise<GrowthSize> => {
    signal.throwIfAborted();
    progress.note(`${size} remote services in each cluster`);
    const added = Array.from({ length: size - ports.length }, (_, index) => ports.length + index);
    ports.push(...added.map(() => firstPort));
    const appliedSeconds = await mesh.offer(added.map((number) => ({ number, port: firstPort })));
    await mesh.calm();
    const before = await mesh.spent();
    const begun = performance.now();
    const held: number[] = [];
    for (let change = 0; change < changes; change += 1) {
      signal.throwIfAborted();
      const number = change % size;
      const port = (ports[number] ?? firstPort) + 1;
      ports[number] = port;
      held.push(await mesh.offer([{ number, port }]));
    }
    const seconds = (performance.now() - begun) / 1000;
    const after = await mesh.spent();
    const istiods = figuresBetween(before.istiods, after.istiods);
    if (istiods === undefined)
      throw new MeshproofError('MP702', {
        what: 'an istiod started anew during the changes, so what it spent is not known',
        remedy: 'Look why (`meshproof exec -- kubectl get pods -n istio-system`), and measure again.',
      });
    return growthSize({
      services: size,
      appliedSeconds,
      held,
      seconds,
      sent: istiods.sent,
      istiodCpuSeconds: istiods.cpuSeconds,
      harnessCpuSeconds: after.harnessCpuSeconds - before.harnessCpuSeconds,
      memoryBytes: after.memoryBytes,
    });
  };
  try {
    await mesh.begin();
    for (const size of sizes) measured.push(await measure(size));
  } catch (error) {
    // What went wrong first is what counts.
    await mesh.end().catch((second: unknown) => {
      progress.note(`what was added is still there: ${describeError(asMeshproofError(second))}`);
    });
    throw error;
  }
  await mesh.end();
  return measured;
}
