import { createHash } from 'node:crypto';
import type { ScenarioResult } from '../../scenario/claims.ts';
import { countClaims, formatCounts, countVerdicts, phaseSeconds, type RunData } from '../run-data.ts';
import { formatClean } from '../clean.ts';
import { causesOfRun, causeTitle, proofWord, type CauseOfRun } from '../causes.ts';
import { Markup, markup } from './markup.ts';
import { signs, worstOfScenario } from '../summary.ts';
import { scenarioSection } from './scenario-section.ts';
import { style } from './style.ts';
import { bringUpTimeline, timeline } from './timeline.ts';
import { topology } from './topology.ts';

/**
 * What a browser may do for the page: draw it with its own style sheet, and nothing else. No script runs, whatever a
 * record holds, and nothing is loaded or sent.
 */
const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/**
 * report.html: the whole run on one page that needs no network, made of run.json alone. It lies beside the evidence
 * that it links.
 */
export function reportPage(data: RunData): string {
  const { total = 0 } = phaseSeconds(data);
  const page = markup`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Markup(policy)}">
<meta name="referrer" content="no-referrer"><meta name="viewport" content="width=device-width">
<title>${data.verdict}: meshproof ${data.run}</title><style>${new Markup(style)}</style></head>
<body><a class="skip" href="#scenarios">to the scenarios</a>
<header><h1>${headline(data)}</h1>
<p>${formatCounts(countClaims(data))}. ${total > 0 ? `${total.toFixed(1)} s.` : ''}
<br><small>${builds(data)}</small></p>
${data.before === undefined ? undefined : cleanness(data.before)}
${data.error === undefined ? undefined : markup`<pre class="reason">${data.error.message}</pre>`}</header>
<main>
${why(data)}
<h2>Where the traffic went</h2>${topology(data)}
<h2>What was proven</h2>
<table><thead><tr><th>section</th><th>scenario</th><th>claims</th><th>time</th></tr></thead>
<tbody>${data.scenarios.map(scenarioRow)}</tbody></table>
<h2>Where the time went</h2>${timeline(data)}${bringUpTimeline(data)}
<h2 id="scenarios">Scenarios</h2>
<p class="controls"><label><input type="checkbox" id="broken"> only those that do not hold</label></p>
${data.scenarios.map((scenario) => scenarioSection(scenario))}
</main></body></html>`;
  return `${page.text}\n`;
}

/** The causes first, each once. */
function why({ scenarios }: RunData): Markup | undefined {
  const causes = causesOfRun(scenarios);
  return causes.length === 0 ? undefined : markup`<h2 id="why">Why</h2>${causes.map(causeItem)}`;
}

/** The likeliest cause in full, the next ones in a line. */
function causeItem({ causes: [cause, ...others], scenarios }: CauseOfRun): Markup {
  const { code, does, try: remedy, proof, seen } = cause;
  const proven = proof === undefined ? undefined : markup`<br><b>${proofWord(proof).trim()}</b> ${proof.how}`;
  const red = scenarios.map(
    (id, index) => markup`${index === 0 ? '' : ', '}<a href="#${id.replaceAll('/', '-')}">${id}</a>`,
  );
  return markup`<p class="diagnosis cause"><b>${code}</b> ${causeTitle(cause)}
<br>${does}<br><b>Try</b> ${remedy}${proven}${seen.slice(0, 4).map((line) => markup`<br><small>${line}</small>`)}
<br><small>by ${red}</small></p>
${others.slice(0, 2).map((one) => markup`<p class="section">or ${one.code} ${causeTitle(one)}: ${one.does}</p>`)}`;
}

/** Whether a kept environment was as meshproof left it. */
const cleanness = (
  before: NonNullable<RunData['before']>,
): Markup => markup`<p><small>${formatClean(before)}</small></p>
${before.departures.length === 0 ? undefined : markup`<pre class="reason">${before.departures.join('\n')}</pre>`}`;

const headline = ({ verdict }: RunData): string =>
  verdict === 'passed'
    ? 'The mesh holds'
    : verdict === 'failed'
      ? 'The mesh does not hold'
      : 'The run did not come to a verdict';

/** Which run it was, of which builds. */
function builds({ run, startedAt, clusters, versions, pinnedByUser = [] }: RunData): string {
  const { kubernetes = '?', istio = '?', edition = '?' } = versions ?? {};
  const pinned =
    pinnedByUser.length === 0 ? '' : `; ${pinnedByUser.length} files and images by hashes of the configuration`;
  const mesh = `Istio ${istio} (${edition}${pinned})`;
  return `run ${run} · ${startedAt} · ${clusters.join(', ')} · Kubernetes ${kubernetes} · ${mesh}`;
}

function scenarioRow({ id, section, claims, seconds, stopped }: ScenarioResult): Markup {
  const verdict = worstOfScenario({ claims, stopped });
  return markup`<tr><td>${section}</td><td><a href="#${id.replaceAll('/', '-')}">${id}</a></td>
<td><span class="sign ${verdict}">${signs[verdict]}</span> ${countVerdicts(claims).passed} of ${claims.length}</td>
<td class="number">${seconds.toFixed(1)} s</td></tr>`;
}
