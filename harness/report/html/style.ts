/** The page's only style sheet: light and dark by the reader's own setting, and ink on paper. */
export const style = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --paper: #fff; --panel: #f6f8fa;
  --edge: #d0d7de; --good: #1a7f37; --bad: #cf222e; --odd: #9a6700; --accent: #0969da; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9198a1; --paper: #0d1117;
  --panel: #161b22; --edge: #30363d; --good: #3fb950; --bad: #f85149; --odd: #d29922; --accent: #4493f8; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 70rem; padding: 1.5rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0; }
h2 { font-size: 1.2rem; margin: 2rem 0 .6rem; }
h3 { font-size: 1.05rem; margin: 0; }
a { color: var(--accent); }
small, .section { color: var(--soft); font-weight: normal; }
.section { margin: .1rem 0 .6rem; }
.skip { position: absolute; left: -99rem; } .skip:focus { left: 1rem; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--edge); vertical-align: top; }
td.number { text-align: right; white-space: nowrap; }
.sign { display: inline-block; width: 1.2em; text-align: center; font-weight: bold; }
.sign.passed { color: var(--good); }
.sign.failed { color: var(--bad); }
.sign.error, .sign.notSupported { color: var(--odd); }
.sign.notReached { color: var(--soft); }
.scenario { border: 1px solid var(--edge); border-left: 5px solid var(--good); border-radius: 8px;
  padding: .8rem 1rem; margin: 0 0 1rem; }
.scenario.failed { border-left-color: var(--bad); }
.scenario.error, .scenario.notSupported, .scenario.notReached { border-left-color: var(--odd); }
.replaced { margin: .3rem 0; padding: .3rem .6rem; background: var(--panel); border-radius: 6px; font-size: .9em; }
.claims { list-style: none; padding: 0; margin: .5rem 0; } .claim { padding: .25rem 0; }
.path { display: flex; flex-wrap: wrap; gap: .4rem; list-style: none; padding: 0; margin: .3rem 0 .3rem 1.5rem; }
.hop { border: 1px solid var(--good); border-radius: 6px; padding: .2rem .5rem; font-size: .8em;
  max-width: 24rem; overflow-wrap: anywhere; }
.hop.failed { border: 2px solid var(--bad); color: var(--bad); }
.hop + .hop::before { content: "→ "; color: var(--soft); }
details { margin: .3rem 0 .3rem 1.5rem; } summary { cursor: pointer; color: var(--soft); }
.diagnosis { margin: .3rem 0 .3rem 1.5rem; padding: .4rem .7rem; border-left: 3px solid var(--bad);
  background: var(--panel); border-radius: 6px; overflow-wrap: anywhere; }
pre { background: var(--panel); border-radius: 6px; padding: .5rem .7rem; overflow-x: auto;
  white-space: pre-wrap; overflow-wrap: anywhere; font-size: .8em; }
.reason { border-left: 3px solid var(--bad); }
svg { width: 100%; height: auto; }
svg text { fill: var(--ink); font: 13px system-ui, sans-serif; }
.seconds { fill: var(--soft); }
.cluster { fill: var(--panel); stroke: var(--edge); }
.cluster-name { font-weight: bold; }
.proxy { fill: var(--paper); stroke: var(--soft); }
.proxy.failed { stroke: var(--bad); stroke-width: 3; }
.line { fill: none; stroke: var(--good); stroke-width: 2; }
.line.failed { stroke: var(--bad); stroke-dasharray: 6 4; stroke-width: 3; }
.head { fill: var(--soft); }
.bar { fill: var(--accent); }
body:has(#broken:checked) .scenario[data-verdict="passed"] { display: none; }
@media print { body { max-width: none; padding: 0; } .controls { display: none;
  } .scenario { break-inside: avoid; } details > * { display: block; } }
`;
