import { phases, type RunData } from '../run-data.ts';
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
