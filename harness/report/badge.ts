import { countClaims, type RunData } from './run-data.ts';
import { markup } from './html/markup.ts';

/** What a badge says: the counts of a run, and how they are to be taken. */
export interface Badge {
  readonly label: string;
  readonly message: string;
  readonly color: 'brightgreen' | 'red' | 'orange';
}

/** The badge of a run; `label` stands on its left side. */
export function badgeOf(data: RunData, label = 'mesh conformance'): Badge {
  const { passed, failed, error } = countClaims(data);
  const all = passed + failed + error;
  const color =
    error > 0 || all === 0 || data.verdict === 'error' || data.verdict === 'running'
      ? 'orange'
      : failed > 0
        ? 'red'
        : 'brightgreen';
  return { label, message: color === 'orange' ? 'no verdict' : `${passed} of ${all} claims`, color };
}

const inks: Readonly<Record<Badge['color'], string>> = { brightgreen: '#2da44e', red: '#cf222e', orange: '#bf8700' };
/** Width of a letter of 11 px Verdana on the average, in pixels. */
const letter = 6.6;

/** The badge as a picture that needs nothing from the network. */
export function badgeSvg({ label, message, color }: Badge): string {
  const [left, right] = [label, message].map((text) => Math.round(text.length * letter) + 12) as [number, number];
  const width = left + right;
  const svg = markup`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="20" role="img"
    aria-label="${label}: ${message}"><title>${label}: ${message}</title>
<clipPath id="edge"><rect width="${width}" height="20" rx="3"/></clipPath>
<g clip-path="url(#edge)"><rect width="${left}" height="20" fill="#555"/><rect x="${left}" width="${right}"
  height="20" fill="${inks[color]}"/></g>
<g fill="#fff" text-anchor="middle" font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11"><text
  x="${left / 2}" y="14">${label}</text><text x="${left + right / 2}" y="14">${message}</text></g></svg>`;
  return `${svg.text}\n`;
}

/** The badge as the JSON that shields' endpoint badge reads. */
export const badgeJson = ({ label, message, color }: Badge): string =>
  `${JSON.stringify({ schemaVersion: 1, label, message, color })}\n`;
