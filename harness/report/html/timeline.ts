import { phases, type RunData } from '../run-data.ts';
import { milestones } from '../milestones.ts';
import { markup, type Markup } from './markup.ts';

/** The phases of a run as bars on one scale, those that overlapped side by side. */
export function timeline(data: Pick<RunData, 'phases'>): Markup {
  const spent = phases.flatMap((name) => {
    const phase = data.phases[name];
    return phase === undefined ? [] : [{ name, ...phase }];
  });
  const end = Math.max(1, ...spent.map(({ to }) => to));
  const [width, label, line] = [900, 110, 26] as const;
  const scale = (width - label - 70) / end;
  return markup`<svg class="timeline" viewBox="0 0 ${width} ${spent.length * line + 6}" role="img"
    aria-label="How long each phase took">
${spent.map(({ name, from, to }, index) => {
  const [x, y, length] = [label + from * scale, index * line + 4, Math.max(1.5, (to - from) * scale)];
  return markup`<g><text x="${label - 10}" y="${y + 14}" text-anchor="end">${name}</text><rect class="bar"
    x="${x.toFixed(1)}" y="${y}" width="${length.toFixed(1)}" height="18" rx="3"/><text class="seconds"
    x="${(x + length + 6).toFixed(1)}" y="${y + 14}">${(to - from).toFixed(1)} s</text></g>`;
})}
</svg>`;
}

/**
 * When each cluster had what, while it was brought up: a bar from when something was asked for until it was there,
 * those of all clusters below each other; nothing for a run that does not tell.
 */
export function bringUpTimeline({ bringUp = [], phases: spent }: Pick<RunData, 'bringUp' | 'phases'>): Markup {
  if (bringUp.length === 0) return markup``;
  const begun = Math.min(spent.clusters?.from ?? 0, ...bringUp.map(({ from }) => from));
  const rows = milestones.flatMap((what) => bringUp.filter((one) => one.what === what));
  const end = Math.max(1, ...rows.map(({ to }) => to - begun));
  const [width, label, line] = [900, 230, 20] as const;
  const scale = (width - label - 70) / end;
  return markup`<h2>When each cluster had what</h2>
<p class="section">Seconds since the first cluster was begun, by the whole seconds that the objects themselves tell.</p>
<svg class="timeline" viewBox="0 0 ${width} ${rows.length * line + 6}" role="img"
    aria-label="When each cluster had what">
${rows.map(({ cluster, what, from, to }, index) => {
  const [x, y, length] = [label + (from - begun) * scale, index * line + 4, Math.max(1.5, (to - from) * scale)];
  return markup`<g><text x="${label - 10}" y="${y + 12}" text-anchor="end">${what} · ${cluster}</text><rect class="bar"
    x="${x.toFixed(1)}" y="${y}" width="${length.toFixed(1)}" height="14" rx="3"/><text class="seconds"
    x="${(x + length + 6).toFixed(1)}" y="${y + 12}">${(to - begun).toFixed(0)} s</text></g>`;
})}
</svg>`;
}
