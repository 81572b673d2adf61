// The filter: text, levels, a rule, and a location in the contract. All must match.
const LEVELS = ['error', 'warning', 'info'];
const filter = { text: '', levels: new Set(LEVELS), rule: '', only: null };
const haystacks = [];

function haystack(index) {
  if (haystacks[index] === undefined) {
    const finding = report.findings[index];
    haystacks[index] = [finding.rule, finding.level, finding.operation, finding.location, finding.message, finding.fingerprint,
      words(finding.expected), words(finding.observed), finding.why || '', finding.moved || '', finding.impact ? `${finding.impact.verdict} ${impactOf(finding).join(' ')}` : '', finding.accepted ? `accepted ${finding.accepted.reason}` : '',
      finding.sample && finding.sample.location ? finding.sample.location : ''].join('\n').toLowerCase();
  }
  return haystacks[index];
}

function matching() {
  const terms = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = [];
  for (const index of order) {
    const finding = report.findings[index];
    if (!filter.levels.has(finding.level)) continue;
    if (filter.rule && finding.rule !== filter.rule) continue;
    if (filter.only && !filter.only.indices.has(index)) continue;
    if (terms.length && !terms.every((term) => haystack(index).includes(term))) continue;
    found.push(index);
  }
  return found;
}

function applyFilter() {
  const found = matching();
  startList(found);
  const all = report.findings.length;
  const where = filter.only ? ` at ${filter.only.name}` : '';
  byId('matches').textContent = found.length === all ? plural(all, 'finding')
    : `${found.length.toLocaleString('en')} of ${plural(all, 'finding')}${where}`;
  show('reset', found.length !== all);
}

function only(name, indices) {
  filter.only = { name, indices: new Set(indices) };
  applyFilter();
  byId('findings').scrollIntoView({ block: 'start' });
  byId('findings').focus({ preventScroll: true });
}

function resetFilter() {
  Object.assign(filter, { text: '', levels: new Set(LEVELS), rule: '', only: null });
  byId('text').value = '';
  byId('rule').value = '';
  byId('levels').querySelectorAll('input').forEach((box) => { box.checked = true; });
  applyFilter();
  byId('text').focus();
}

function startFilter() {
  const rules = new Map();
  for (const finding of report.findings) rules.set(finding.rule, (rules.get(finding.rule) || 0) + 1);
  byId('rule').append(el('option', { value: '' }, `All rules (${rules.size})`),
    ...[...rules].sort().map(([rule, count]) => el('option', { value: rule }, `${rule} (${count.toLocaleString('en')})`)));
  for (const level of LEVELS) {
    const count = report.summary[level];
    const box = el('input', { type: 'checkbox', checked: true, disabled: !count, value: level });
    box.addEventListener('change', () => { filter.levels[box.checked ? 'add' : 'delete'](level); applyFilter(); });
    byId('levels').append(el('label', { 'data-level': level }, box, icon(level), ` ${level} `, el('span.number', null, count.toLocaleString('en'))));
  }
  byId('text').addEventListener('input', (event) => { filter.text = event.target.value; applyFilter(); });
  byId('rule').addEventListener('change', (event) => { filter.rule = event.target.value; applyFilter(); });
  byId('reset').addEventListener('click', resetFilter);
  byId('filter').addEventListener('submit', (event) => event.preventDefault());
  document.addEventListener('keydown', (event) => {
    const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
    if (event.key === '/' && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      byId('text').focus();
    }
  });
  show('filter', report.findings.length > 1);
  applyFilter();
}
