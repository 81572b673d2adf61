// One finding: a summary line, and all details once it is opened.
const OWN = new Set(['rule', 'level', 'location', 'message', 'expected', 'observed', 'count', 'total', 'sample', 'operation',
  'direction', 'fingerprint', 'reproduce', 'base', 'revision', 'exchange', 'why', 'meaning', 'status', 'media_type', 'accepted',
  'item', 'moved', 'next', 'witnesses', 'places', 'shown', 'change', 'changed', 'detail', 'impact', 'cause']);

function findingItem(finding, index, isOpen = false) {
  const details = el('details.finding', { 'data-level': finding.level, 'data-index': index });
  details.append(el('summary', null,
    el('span.level', null, icon(finding.level), finding.level),
    el('span.what', null, finding.message, finding.accepted ? el('span.accepted', null, `accepted until ${finding.accepted.expires}`) : null),
    el('span.count', null, countOf(finding)),
    el('span.place', null, el('code', null, placeOf(finding)), itemOf(finding), el('code.rule', null, finding.rule)),
    gistOf(finding)));
  details.addEventListener('toggle', () => fill(details, finding));
  details.open = isOpen;
  return el('li', null, details);
}

function fill(details, finding) {
  if (!details.open || details.children.length > 1) return;
  details.append(findingBody(finding));
  for (const mark of details.querySelectorAll('pre > mark')) {
    const pre = mark.parentElement;
    pre.scrollTop = mark.offsetTop - pre.clientHeight / 2;
  }
}

// The list item with the finding, by name and id.
function itemOf({ item }) {
  if (!item) return null;
  const parts = [item.location, item.name === undefined ? '' : `'${item.name}'`, item.id === undefined ? '' : `(${item.id})`];
  return el('span.item', null, parts.filter(Boolean).join(' '));
}

function countOf(finding) {
  if (finding.total) return `${finding.count.toLocaleString('en')} of ${finding.total.toLocaleString('en')}`;
  return finding.count > 1 ? `${finding.count.toLocaleString('en')} ${isDrift(finding) ? 'locations' : 'times'}` : '';
}

function placeOf(finding) {
  if (!isDrift(finding)) {
    const hasSeveral = report.operations && report.operations.length > 1;
    return [hasSeveral || !finding.location ? finding.operation : '', finding.location].filter(Boolean).join(' · ');
  }
  const answer = [finding.status, finding.media_type].filter(Boolean).join(' ');
  return [finding.operation, answer, finding.location].filter(Boolean).join(' · ') || 'the document';
}

function findingBody(finding) {
  const exchange = report.exchanges[finding.exchange];
  return el('div.body', null,
    sideBySide(finding),
    finding.why ? el('p.why', null, finding.why) : null,
    rows(finding, exchange),
    exchange ? exchangeOf(exchange, finding) : null,
    finding.reproduce ? command('Reproduce', finding.reproduce) : null,
    finding.next ? command('Next', finding.next) : null);
}

function rows(finding, exchange) {
  const pairs = [];
  const { accepted } = finding;
  if (accepted) pairs.push(['Accepted', `until ${accepted.expires}: ${accepted.reason}${accepted.where ? ` (${accepted.where})` : ''}`]);
  const sample = finding.sample;
  if (sample && typeof sample === 'object' && sample.location) pairs.push(['For example at', el('code', null, sample.location)]);
  else if (sample !== null && sample !== undefined) pairs.push(['Sample', el('code', null, words(sample))]);
  if (finding.places && finding.places.length > 1) pairs.push(['Locations', finding.places.map((place) => el('div', null, el('code', null, placeOf({ ...place, revision: {} }))))]);
  if (finding.impact) pairs.push(['Your tests', [finding.impact.verdict, ...impactOf(finding)].map((line) => el('div', null, line))]);
  if (finding.shown) pairs.push(['Shown by', shownBy(finding)]);
  if (finding.operation && !exchange) pairs.push(['Operation', el('code', null, finding.operation)]);
  for (const [name, value] of Object.entries(finding)) {
    if (OWN.has(name) || value === null || value === '') continue;
    pairs.push([name.charAt(0).toUpperCase() + name.slice(1).replaceAll('_', ' '), typeof value === 'string' ? value : el('code', null, words(value))]);
  }
  if (finding.fingerprint) pairs.push(['Fingerprint', el('code', null, finding.fingerprint)]);
  if (!pairs.length) return null;
  return el('dl.rows', null, pairs.map(([name, value]) => el('div', null, el('dt', null, name), el('dd', null, value))));
}

const SPECS = { before: 'old', now: 'new' };

function shownBy({ shown }) {
  const other = shown.allowed === 'before' ? 'now' : 'before';
  if (shown.by === 'counterexample') return [el('code', null, words(shown.value)), ` is allowed by the ${SPECS[shown.allowed]} spec and not by the ${SPECS[other]} one${shown.at ? ` (${shown.at})` : ''}`];
  return shown.by === 'proof' ? 'a proof that each value that one spec allows is allowed by the other too' : 'the rule alone';
}

function exchangeOf({ request, response }, finding) {
  const parts = [];
  if (request) {
    parts.push(el('div.message', null, el('h4', null, 'Request'),
      block('Request', `${request.method} ${request.path}`)));
  }
  if (response) {
    const head = response.headers.map(([name, value]) => `${name}: ${value}`);
    const body = response.body === null || response.body === '' ? [] : ['', words(response.body)];
    parts.push(el('div.message', null,
      el('h4', null, 'Response', el('span', null, `${plural(response.size, 'byte')}, shortened`)),
      block('Response', marked([`HTTP ${response.status}`, ...head, ...body].join('\n'), finding.location))));
  }
  return el('div.exchange', null, parts);
}

// The response's innermost line with the property at fault is marked.
function marked(text, location) {
  const name = location.match(/([A-Za-z_][\w-]*)$/);
  if (!name) return text;
  const lines = text.split('\n');
  let found = -1;
  let deepest = 0;
  lines.forEach((line, index) => {
    const indent = line.length - line.trimStart().length;
    if (indent > deepest && line.trimStart().startsWith(`"${name[1]}":`)) { found = index; deepest = indent; }
  });
  if (found < 0) return text;
  const before = lines.slice(0, found).map((line) => `${line}\n`).join('');
  const after = lines.slice(found + 1).map((line) => `\n${line}`).join('');
  const indent = lines[found].slice(0, deepest);
  return [before + indent, el('mark', null, lines[found].slice(deepest)), after];
}

// A block that may scroll can be focused, so that the keyboard can scroll it.
function block(label, ...children) {
  return el('pre', { tabindex: 0, role: 'group', 'aria-label': label }, ...children);
}

function command(title, text) {
  const shown = el('code', null, text);
  return el('div.message', null, el('h4', null, title, copyButton(text, shown)), block('Command', shown));
}
