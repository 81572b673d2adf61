// The list: findings of one cause, or about one changed part, are one row that opens. Long lists are drawn in chunks.
const CHUNK = 60;
const list = { groups: [] };

function startList(matching) {
  list.groups = [];
  byId('list').replaceChildren();
  if (!matching.length) {
    byId('list').append(el('p.empty', null, report.findings.length ? 'No finding matches the filter.' : nothingFound()));
    return;
  }
  const groups = groupsOf(matching);
  const isFew = groups.length === 1 || (matching.length < report.findings.length && matching.length <= CHUNK);
  let kind = null;
  for (const indices of groups) {
    if (kindOf(report.findings[indices[0]]) !== kind) {
      kind = kindOf(report.findings[indices[0]]);
      byId('list').append(el(isMixed ? 'h3' : 'h3.unseen', null, kind), el('ol.findings', { 'aria-label': kind }));
    }
    byId('list').lastElementChild.append(indices.length > 1 ? groupItem(indices, isFew)
      : findingItem(report.findings[indices[0]], indices[0], matching.length === 1));
  }
}

function nothingFound() {
  return report.verdict.status === 'not checked'
    ? 'There are no findings, because too little was checked.' : 'No findings.';
}

function kindOf(finding) {
  return isDrift(finding) || finding.impact ? 'What changed in the spec' : 'What the API sends';
}

// In the order of the first of each: the most severe first, and changes of the spec after findings about responses.
function groupsOf(matching) {
  const groups = new Map();
  for (const index of matching) {
    const finding = report.findings[index];
    const key = isChange(finding) ? `changed ${finding.changed}` : `${isDrift(finding)} ${finding.level} ${finding.cause ?? finding.rule}`;
    if (groups.has(key)) groups.get(key).push(index);
    else groups.set(key, [index]);
  }
  return [...groups.values()];
}

function isChange(finding) {
  return finding.changed !== undefined && !finding.moved;
}

function groupItem(indices, isOpen) {
  const findings = indices.map((index) => report.findings[index]);
  const [finding] = findings;
  const name = isChange(finding) ? finding.changed || 'the document' : finding.rule;
  const messages = new Set(findings.map(({ message }) => message));
  const places = [...new Set(findings.flatMap((one) => (isChange(one) ? one.places.map(({ operation }) => operation) : [placeOf(one)])))]
    .filter((place) => place && place !== name);
  const few = places.slice(0, 3).map((place, index) => [index ? ', ' : '', el('code', null, place)]);
  const rows = el('ol.rows-of-rule', { 'aria-label': name });
  const details = el('details.group', { 'data-level': finding.level, open: isOpen }, el('summary', null,
    el('span.level', null, icon(finding.level), finding.level),
    el('code.rule', null, name),
    el('span.count', null, plural(indices.length, isChange(finding) ? 'change' : 'finding')),
    el('span.place', null, el('span', null, messages.size === 1 || !isChange(finding) ? `${finding.message}: ` : changesOf(findings), few,
      places.length > 3 ? ` and ${(places.length - 3).toLocaleString('en')} more` : ''))), rows);
  const group = { indices, rows, drawn: 0 };
  list.groups.push(group);
  details.addEventListener('toggle', () => { if (details.open && !group.drawn) more(group, CHUNK); });
  if (isOpen) more(group, CHUNK);
  return el('li', null, details);
}

// What changed in a group, the most frequent first: each meaning once, with the number of its changes.
function changesOf(findings) {
  if (!isChange(findings[0])) return '';
  const counts = new Map();
  for (const { meaning, rule } of findings) {
    const text = (meaning || rule).replace(/\.$/, '');
    counts.set(text, (counts.get(text) || 0) + 1);
  }
  const texts = [...counts].sort((first, second) => second[1] - first[1])
    .map(([text, count]) => (count > 1 ? `${text} (${count.toLocaleString('en')} times)` : text));
  const rest = texts.length > 2 ? `; and ${(texts.length - 2).toLocaleString('en')} more` : '';
  return `${texts.slice(0, 2).join('; ')}${rest}: `;
}

function more(group, count) {
  group.button?.remove();
  const until = Math.min(group.indices.length, group.drawn + count);
  for (; group.drawn < until; group.drawn += 1) {
    const index = group.indices[group.drawn];
    group.rows.append(findingItem(report.findings[index], index));
  }
  if (until < group.indices.length) group.rows.after(moreButton(group));
}

function moreButton(group) {
  const left = group.indices.length - group.drawn;
  group.button = el('button.more', { type: 'button' }, `Show more (${left.toLocaleString('en')} left)`);
  group.button.addEventListener('click', () => {
    const first = group.drawn;
    more(group, CHUNK);
    group.rows.querySelectorAll('summary')[first]?.focus();
  });
  grows.set(group.button, group);
  if (watcher) watcher.observe(group.button);
  return group.button;
}

// A chunk is drawn shortly before it scrolls into view.
const grows = new WeakMap();
const watcher = 'IntersectionObserver' in window
  ? new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (isIntersecting && document.activeElement !== target) { watcher.unobserve(target); more(grows.get(target), CHUNK); }
    }
  }, { rootMargin: '600px' }) : null;
