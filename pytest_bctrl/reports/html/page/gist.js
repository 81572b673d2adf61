// The gist of a finding in a closed row: observed and expected value, the cause of a change, or the tests that fail.
const GIST = 60;
const SAID_BY_THE_MESSAGE = new Set(['missing', 'null', 'undocumented-property']);

function gistOf(finding) {
  if (finding.moved) return el('span.gist', null, el('span.moved', null, finding.moved));
  if (finding.impact) return el('span.gist', null, el('span.moved', null, finding.impact.verdict), ` ${impactOf(finding)[0] || ''}`);
  if (isDrift(finding) || SAID_BY_THE_MESSAGE.has(finding.kind)) return null;
  const owed = inALine(finding.expected);
  const seen = inALine(finding.observed);
  if (!owed || !seen) return null;
  return el('span.gist.values', null, el('code', null, seen), el('span', null, 'expected'), el('code', null, owed));
}

// The tests of the project that fail with a change, each with the first line of its failure; or why it has its verdict.
function impactOf({ impact }) {
  const failing = impact.tests.map(({ test, line, where }) => `${test}: ${line}${where ? ` (${where})` : ''}`);
  return failing.length || !impact.why ? failing : [impact.why];
}

function inALine(value) {
  if (value === null || value === undefined) return value === null ? 'null' : '';
  if (value === '' || (Array.isArray(value) && !value.length)) return JSON.stringify(value);
  const one = (item) => (typeof item === 'string' ? item : JSON.stringify(item));
  const text = isPlainList(value) ? value.map(one).join(' | ') : one(value);
  return text.length > GIST ? `${text.slice(0, GIST - 1)}…` : text;
}
