import type { ClaimResult, ScenarioResult, StepResult, Stopped } from '../../scenario/claims.ts';
import { typed, type Action } from '../../scenario/journal.ts';
import { causeTitle } from '../causes.ts';
import { countVerdicts } from '../run-data.ts';
import { signs, worstOfScenario } from '../summary.ts';
import { markup, type Markup } from './markup.ts';
import { workloadOf } from '../workload-name.ts';

/** One scenario: its claims with their paths and evidence, and the steps that led to them. */
export function scenarioSection(scenario: ScenarioResult): Markup {
  const { id, section, seconds, claims, steps, replaced, stopped, causes = [] } = scenario;
  const verdict = worstOfScenario(scenario);
  return markup`<section class="scenario ${verdict}" id="${id.replaceAll('/', '-')}" data-verdict="${verdict}">
<h3><span class="sign ${verdict}">${signs[verdict]}</span> ${id}
<small>${countVerdicts(claims).passed} of ${claims.length} claims hold · ${seconds.toFixed(1)} s</small></h3>
<p class="section">${section}</p>
${causes.slice(0, 1).map((cause) => markup`<p><a href="#why">${cause.code} ${causeTitle(cause)}</a></p>`)}
${stopped === undefined ? undefined : stopItem(stopped, causes.length > 0)}
${replaced.map(({ was, by }) => markup`<p class="replaced"><b>Stands in for</b> ${was}. ${by}</p>`)}
<ul class="claims">${claims.map((claim) => claimItem(claim, causes.length > 0))}</ul>
<details><summary>${steps.length} steps</summary><ol class="steps">${steps.map(stepItem)}</ol></details>
<p><a href="evidence/${id}/">evidence: manifests, exchanges, config dumps, barriers</a></p>
</section>`;
}

/** The step that ended the scenario; the claims behind it say no more than that they were not reached. */
const stopItem = ({ step, verdict, reason, code, diagnosis }: Stopped, caused: boolean): Markup =>
  markup`<p><span class="sign ${verdict}">${signs[verdict]}</span> the step <b>${step}</b> failed</p>
${diagnosisItem(diagnosis, caused)}
${reasonItem(reason, code)}`;

/** Where the path broke, and why; what to try as well, unless the cause that is told above says it better. */
const diagnosisItem = (found: ClaimResult['diagnosis'], caused: boolean): Markup | undefined =>
  found === undefined
    ? undefined
    : markup`<p class="diagnosis"><b>${found.code}</b> at ${found.hop}<br>${found.cause}
${caused ? undefined : markup`<br><b>Try</b> ${found.try}`}</p>`;

const reasonItem = (reason: string | undefined, code: string | undefined): Markup | undefined =>
  reason === undefined
    ? undefined
    : markup`<pre class="reason">${code === undefined ? '' : `${code}\n`}${reason}</pre>`;

function claimItem(claim: ClaimResult, caused: boolean): Markup {
  const { name, verdict, seconds, reason, code, note, diagnosis, hops, actions } = claim;
  return markup`<li class="claim ${verdict}"><span class="sign ${verdict}">${signs[verdict]}</span> ${name}
<small>${note} ${seconds.toFixed(1)} s</small>
${diagnosisItem(diagnosis, caused)}
${verdict === 'notReached' ? markup`<small>not reached</small>` : reasonItem(reason, code)}
${pathOf(hops)}${actionsOf(actions)}</li>`;
}

function stepItem({ title, seconds, actions, hops }: StepResult): Markup {
  return markup`<li>${title} <small>${seconds.toFixed(1)} s</small>${pathOf(hops)}${actionsOf(actions)}</li>`;
}

/** A path hop by hop: green where it was found, red where it broke, with what came nearest. */
function pathOf(hops: ClaimResult['hops']): Markup | undefined {
  if (hops.length === 0) return undefined;
  const items = hops.map(({ proxy, hop, expected, found, nearest }) => {
    const [where, title] = [workloadOf(proxy), found === undefined ? proxy : `${proxy}: ${expected}`];
    const what =
      found === undefined
        ? markup`expected ${expected}<br>nearest: ${nearest.join(' | ') || 'nothing'}`
        : markup`${found}`;
    const verdict = found === undefined ? 'failed' : 'passed';
    return markup`<li class="hop ${verdict}" title="${title}"><b>${where}</b> ${hop}<br>${what}</li>`;
  });
  return markup`<ol class="path">${items}</ol>`;
}

function actionsOf(actions: readonly Action[]): Markup | undefined {
  if (actions.length === 0) return undefined;
  const runs = actions.map((action) => markup`<pre>${typed(action)}\n${action.output}</pre>`);
  return markup`<details><summary>what was run (${actions.length})</summary>${runs}</details>`;
}
