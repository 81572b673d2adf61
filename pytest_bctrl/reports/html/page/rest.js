// Facts, numbers, tests, remarks.
function facts() {
  const pairs = [];
  const where = { mock: 'the bundled mock', live: report.base_url };
  if (report.target) pairs.push(['Target', where[report.target]]);
  if (report.contract) pairs.push(['Contract', `${report.contract.title} ${report.contract.version}`, report.contract.digest.slice(0, 12)]);
  else {
    const [base, revision] = ['drift', 'impact'].includes(report.report) ? ['Was', 'Is now'] : ['Against', 'Version'];
    if (report.base) pairs.push([base, shortPath(report.base)]);
    if (report.revision) pairs.push([revision, shortPath(report.revision)]);
  }
  if (report.upstream) pairs.push(['Published at', shortPath(report.upstream)]);
  pairs.push(['Fails on', report.fail_on]);
  if (report.started) pairs.push(['Run', `${report.started.slice(0, 16).replace('T', ' ')} UTC`, `${report.seconds.toFixed(report.seconds < 10 ? 1 : 0)} s`]);
  byId('facts').append(...pairs.map(([name, value, more]) => el('div', null, el('dt', null, name),
    el('dd', null, value, more ? el('span', null, ` ${more}`) : null))));
}

function tile(value, label, kind) {
  return el('div.tile', { 'data-kind': kind }, el('span.value', null, value), el('span.label', null, label));
}

function numbers() {
  const tiles = LEVELS.map((level) => {
    const count = report.summary[level];
    const label = level === 'info' ? 'info' : `${level}${count === 1 ? '' : 's'}`;
    return tile(count.toLocaleString('en'), label, count ? level : 'none');
  });
  if (report.tests) {
    const passed = report.tests.filter((test) => test.outcome === 'passed').length;
    tiles.push(tile(`${passed}/${report.tests.length}`, 'tests passed', 'plain'));
    if (report.counts.requests) tiles.push(tile(report.counts.requests.toLocaleString('en'), 'requests', 'plain'));
  }
  if (report.coverage) tiles.push(coverageTile(report.coverage));
  byId('numbers').append(...tiles);
}

function coverageTile({ seen, total, percent }) {
  const made = tile(`${Math.floor(percent)} %`, `of the contract exercised (${seen}/${total})`, 'coverage');
  const bar = el('span.track', { 'aria-hidden': 'true' }, el('span'));
  bar.firstChild.style.width = `${percent}%`;
  made.append(bar);
  return made;
}

function lines(id, texts) {
  byId(`${id}-list`).append(...texts.map((text) => el('li', null, text)));
  show(id, texts.length > 0);
}

const OUTCOMES = { failed: 'error', error: 'error', 'not checked': 'warning', skipped: 'never' };

function testRow(test) {
  return el('li', { 'data-outcome': test.outcome }, el('code', null, test.id.replace(/^bctrl::/, '')),
    el('span.seconds', null, `${test.seconds.toFixed(2)} s`), test.reason ? el('p', null, test.reason) : null);
}

// Failed tests with findings are shown by their findings, and passed tests by their number.
function tests() {
  const isTold = ({ outcome }) => outcome === 'failed' && report.findings.length > 0;
  for (const outcome of Object.keys(OUTCOMES)) {
    const chosen = (report.tests || []).filter((test) => test.outcome === outcome && !isTold(test));
    if (!chosen.length) continue;
    byId('tests-list').append(el('details.tests', { open: outcome !== 'skipped' },
      el('summary', null, icon(OUTCOMES[outcome]), ` ${chosen.length.toLocaleString('en')} ${outcome}`),
      el('ul', null, chosen.map(testRow))));
    show('tests');
  }
}
