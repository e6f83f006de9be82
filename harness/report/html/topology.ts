import { placeOf } from '../../diagnose/diagnose.ts';
import type { ScenarioResult } from '../../scenario/claims.ts';
import type { RunData } from '../run-data.ts';
import { workloadOf } from '../workload-name.ts';
import { markup, type Markup } from './markup.ts';

interface Place {
  readonly cluster: string;
  readonly name: string;
}

/**
 * A line of the picture: traffic that traces followed from one proxy to the next, and whether all of its hops were
 * there.
 */
interface Line {
  readonly from: string;
  readonly to: string;
  readonly whole: boolean;
}

const [column, row, boxWidth, boxHeight, margin] = [420, 64, 220, 40, 24] as const;

/**
 * A picture of what the run's traces went through: a box for each cluster with its proxies and, last, the service that
 * was called; a line for each step of a path. Red is the line or the box where calls ended, or where a hop was missing.
 * It shows what was seen, so a run without traces has clusters and nothing in them.
 */
export function topology({ clusters, scenarios }: Pick<RunData, 'clusters' | 'scenarios'>): Markup {
  const places = placesOf(scenarios, clusters);
  const ends = endsOf(scenarios, places);
  const lines = linesOf(scenarios).map((line) => ({
    ...line,
    whole: line.whole && !ends.has(`${line.from} →`) && !ends.has(line.to),
  }));
  const rows = Math.max(1, ...clusters.map((cluster) => places.filter((place) => place.cluster === cluster).length));
  const height = 60 + rows * row + margin;
  const width = clusters.length * column + margin;
  const at = new Map(
    clusters.flatMap((cluster, index) =>
      places
        .filter((place) => place.cluster === cluster)
        .map(
          (place, order) =>
            [
              place.name,
              { x: margin + index * column + (column - margin - boxWidth) / 2, y: 56 + order * row },
            ] as const,
        ),
    ),
  );
  const drawn = lines.flatMap(({ from, to, whole }) => {
    const [start, end] = [at.get(from), at.get(to)];
    if (start === undefined || end === undefined) return [];
    const rightwards = end.x >= start.x;
    const [x1, x2] = [start.x + (rightwards ? boxWidth : 0), end.x + (rightwards && end.x > start.x ? 0 : boxWidth)];
    const [y1, y2] = [start.y + boxHeight / 2, end.y + boxHeight / 2];
    const bend = Math.max(40, Math.abs(x2 - x1) / 2);
    const path = `M ${x1} ${y1} C ${x1 + bend} ${y1}, ${x2 + (end.x > start.x ? -bend : bend)} ${y2}, ${x2} ${y2}`;
    const outcome = whole ? 'every hop is there' : 'a hop is missing';
    return [
      markup`<path class="line ${whole ? 'passed' : 'failed'}" d="${path}"
        marker-end="url(#arrow)"><title>${short(from)} → ${short(to)}: ${outcome}</title></path>`,
    ];
  });
  return markup`<svg class="topology" viewBox="0 0 ${width} ${height}" role="img"
    aria-label="Clusters and proxies that traffic went through">
<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path
  d="M0 0 8 4 0 8z" class="head"/></marker></defs>
${clusters.map(
  (cluster, index) => markup`<g><rect class="cluster" x="${margin / 2 + index * column}" y="8"
    width="${column - margin}" height="${height - 16}" rx="10"/>
  <text class="cluster-name" x="${margin + index * column}" y="34">${cluster}</text></g>`,
)}
${drawn}
${places.map(({ name }) => {
  const { x, y } = at.get(name) ?? { x: 0, y: 0 };
  return markup`<g><rect class="proxy ${ends.has(name) ? 'failed' : ''}" x="${x}" y="${y}"
    width="${boxWidth}" height="${boxHeight}" rx="6"/><text
    x="${x + boxWidth / 2}" y="${y + boxHeight / 2 + 4}" text-anchor="middle">${short(name)}</text>
  <title>${name}</title></g>`;
})}
</svg>`;
}

/** Every proxy that a trace went through, clients first, one place for each workload however its pod is called. */
function placesOf(scenarios: readonly ScenarioResult[], clusters: readonly string[]): Place[] {
  const onPath = new Map(tracesOf(scenarios).flatMap(({ hops }) => [...placesOn(hops)]));
  const place = (name: string): number => onPath.get(name) ?? 0;
  return [...onPath.keys()]
    .map((name) => ({ name, cluster: clusters.find((cluster) => name.startsWith(`${cluster} `)) ?? '' }))
    .filter(({ cluster }) => cluster !== '')
    .sort((left, right) => place(left.name) - place(right.name) || left.name.localeCompare(right.name));
}

type Hops = ScenarioResult['claims'][number]['hops'];

/** Where on its path traffic meets each workload of a trace; the service behind the last gateway comes last. */
function placesOn(hops: Hops): ReadonlyMap<string, number> {
  const places = new Map(hops.map((hop) => [workloadOf(hop.proxy), placeOf(hop)]));
  // Where an egress gateway has an SNI cluster as well, the service is behind the peer's.
  const last = Math.max(...hops.map(placeOf));
  for (const hop of hops.filter((one) => one.hop === 'SNI cluster' && placeOf(one) === last)) {
    const service = /outbound_\.\d+_\.[^_]*_\.(\S+)$/.exec(hop.expected)?.[1];
    if (service !== undefined) places.set(`${hop.proxy.split(' ')[0] ?? ''} ${service}`, last + 1);
  }
  return places;
}

/** Hops of a gateway that lead on from it: what of them is missing is missing behind it. */
const leadOn = new Set(['SNI cluster', 'workload']);
const isService = (name: string): boolean => !name.includes('/');

/**
 * Where calls ended, as the claims that do not hold were diagnosed: the name of a place, or "<place> →" where they got
 * no farther than the way out of it. What ended in a proxy that no trace went through, ended at the service.
 */
function endsOf(scenarios: readonly ScenarioResult[], places: readonly Place[]): ReadonlySet<string> {
  const found = scenarios.flatMap(({ claims, stopped }) => [...claims, stopped].flatMap((one) => one?.diagnosis ?? []));
  return new Set(
    found.flatMap(({ hop }) => {
      const [, proxy = '', target] = /^(\S+ \S+?)(?: → (\S+))? · /.exec(hop) ?? [];
      const name = workloadOf(proxy);
      if (places.some((place) => place.name === name)) return [target === undefined ? name : `${name} →`];
      const [cluster = ''] = name.split(' ');
      return places.filter((place) => place.cluster === cluster && isService(place.name)).map((place) => place.name);
    }),
  );
}

function linesOf(scenarios: readonly ScenarioResult[]): Line[] {
  const lines = new Map<string, Line>();
  for (const { hops } of tracesOf(scenarios)) {
    const path = [...placesOn(hops)].sort(([, left], [, right]) => left - right);
    for (const [index, [to, place]] of path.entries()) {
      const [from, before] = path[index - 1] ?? [undefined, place];
      if (from === undefined || before === place) continue;
      const whole = hops
        .filter(({ proxy, hop }) =>
          workloadOf(proxy) === from ? !isService(to) || leadOn.has(hop) : workloadOf(proxy) === to && !leadOn.has(hop),
        )
        .every(({ found }) => found !== undefined);
      const known = lines.get(`${from} ${to}`);
      lines.set(`${from} ${to}`, { from, to, whole: whole && (known?.whole ?? true) });
    }
  }
  return [...lines.values()];
}

/** What steps and claims traced; a barrier's trace of all proxies of a path counts as one. */
const tracesOf = (scenarios: readonly ScenarioResult[]): Pick<ScenarioResult['claims'][number], 'hops'>[] =>
  scenarios.flatMap(({ steps, claims }) => [...steps, ...claims].filter(({ hops }) => hops.length > 0));

const short = (name: string): string => name.slice(name.indexOf(' ') + 1).replace('istio-system/', '');
