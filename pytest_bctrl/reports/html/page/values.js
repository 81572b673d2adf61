// Values side by side: what was expected and what was observed, with what is only on one side marked.
function words(value) {
  if (value === null || value === undefined) return 'nothing';
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
}

const isPlainList = (value) => Array.isArray(value) && value.every((item) => item === null || typeof item !== 'object');

function chips(list, other, side) {
  const others = new Set(other.map((item) => JSON.stringify(item)));
  return el('ul.chips', null, list.map((item) => {
    const alone = !others.has(JSON.stringify(item));
    const mark = side === 'expected' ? '−' : '+';
    const told = side === 'expected' ? 'only here: ' : 'new here: ';
    return el(alone ? 'li.alone' : 'li', null,
      alone ? [el('span', { 'aria-hidden': 'true' }, mark), el('span.unseen', null, told)] : null,
      el('code', null, typeof item === 'string' ? item : JSON.stringify(item)));
  }));
}

function valueOf(value, other, side) {
  if (isPlainList(value) && isPlainList(other)) return chips(value, other, side);
  if (isPlainList(value) && value.length && value.every((item) => typeof item === 'string')) {
    return el('ul.chips', null, value.map((item) => el('li', null, el('code', null, item))));
  }
  const isNone = value === null || value === undefined;
  return el(isNone ? 'pre.none' : 'pre', { tabindex: 0, role: 'group', 'aria-label': side }, words(value));
}

function side(name, place, value, other) {
  return el(`div.side.${name}`, null,
    el('h4', null, place.title, place.where ? el('span', null, place.where) : null),
    valueOf(value, other, name));
}

function spotOf(spot) {
  return spot && spot.document ? `${shortPath(spot.document)}${spot.line ? `:${spot.line}` : ''}` : '';
}

// Of a path from the root, the last folder and the name.
function shortPath(path) {
  return /^(\/|[A-Za-z]:\\)/.test(path) ? `…/${path.split(/[\\/]/).slice(-2).join('/')}` : path;
}

const WITNESSES = [['vendored', 'Our copy', 'base'], ['upstream', 'Published now', 'revision'], ['observed', 'Observed', '']];

// Vendored, upstream and observed value if the cause of a change is known; else both sides.
function sideBySide(finding) {
  const said = finding.witnesses;
  if (said && typeof said === 'object') {
    return el('div.sides.witnesses', null, WITNESSES.map(([name, title, spot]) => el(`div.side.${name}`, null,
      el('h4', null, title, spot && spotOf(finding[spot]) ? el('span', null, spotOf(finding[spot])) : null),
      el('pre', { tabindex: 0, role: 'group', 'aria-label': title }, words(said[name])))));
  }
  const drift = isDrift(finding);
  // In a response, null is a value; in a document, it means that there is none.
  const observed = finding.observed === null && !drift ? 'null' : finding.observed;
  return el('div.sides', null,
    side('expected', { title: drift ? 'Was' : 'Expected', where: spotOf(finding.base) }, finding.expected, observed),
    side('observed', { title: drift ? 'Is now' : 'Observed', where: spotOf(finding.revision) }, observed, finding.expected));
}

function isDrift(finding) {
  return Boolean(finding.base && finding.revision);
}
