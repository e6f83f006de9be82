import type { Needs } from '../../scenario/scenario.ts';

/** What of a scenario decides beside which others it can play. */
export interface Player {
  readonly id: string;
  readonly needs: Pick<Needs, 'ownsMesh' | 'namespaces' | 'hosts' | 'toItself'>;
}

/** What two scenarios both touch, so that one has to wait for the other; undefined when they can play side by side. */
export function clash(one: Player, other: Player): string | undefined {
  if (one.needs.ownsMesh === true || other.needs.ownsMesh === true) return 'the mesh';
  const touched = new Set(touches(other));
  return touches(one).find((thing) => touched.has(thing));
}

const touches = ({ needs: { namespaces, hosts = [], toItself = [] } }: Player): string[] => [
  ...namespaces.map((name) => `the namespace ${name}`),
  ...hosts.map(({ host }) => `the host ${host}`),
  ...toItself,
];

interface Waiting {
  readonly player: Player;
  readonly begin: () => void;
}

/**
 * Who plays now, and who waits until nobody touches the same things. First come, first served: a scenario that needs
 * the mesh for itself is not overtaken by others that would keep it waiting. Such a scenario also waits for those that
 * were to begin before it and have not asked yet, since their processes were slower to start: the last one may leave a
 * mesh behind that nobody can use.
 */
export class Turns {
  readonly #playing = new Map<string, Player>();
  readonly #over = new Set<string>();
  readonly #order: readonly string[];
  #waiting: Waiting[] = [];

  /** @param order ids of the scenarios as they begin; empty where there is no order, as in a shuffled run */
  constructor(order: readonly string[] = []) {
    this.#order = order;
  }

  /** Ids of those that play. */
  get playing(): string[] {
    return [...this.#playing.keys()];
  }

  /** Calls `begin` as soon as it is this scenario's turn: at once, or when others have ended. */
  ask(player: Player, begin: () => void): void {
    this.#waiting.push({ player, begin });
    this.#admit();
  }

  /** Ends a scenario's turn, or its wait for one, or says that it will never ask. */
  leave(id: string): void {
    this.#over.add(id);
    this.#playing.delete(id);
    this.#waiting = this.#waiting.filter(({ player }) => player.id !== id);
    this.#admit();
  }

  #admit(): void {
    const ahead: Player[] = [];
    const begun: Waiting[] = [];
    // Who is not due keeps nobody waiting: it is those before it that it waits for.
    for (const one of this.#waiting.filter(({ player }) => this.#isDue(player))) {
      const inTheWay = [...this.#playing.values(), ...ahead];
      if (inTheWay.every((other) => clash(one.player, other) === undefined)) {
        this.#playing.set(one.player.id, one.player);
        begun.push(one);
      } else ahead.push(one.player);
    }
    this.#waiting = this.#waiting.filter((one) => !begun.includes(one));
    for (const { begin } of begun) begin();
  }

  #isDue({ id, needs }: Player): boolean {
    const before = this.#order.slice(0, Math.max(0, this.#order.indexOf(id)));
    return needs.ownsMesh !== true || before.every((other) => this.#over.has(other));
  }
}
