// The list: as much of it as a person can look at, and more as they go down.
const CHUNK = 60;
const list = { matching: [], shown: 0, group: null };

function startList(matching) {
  list.matching = matching;
  list.shown = 0;
  list.group = null;
  byId('list').replaceChildren();
  if (!matching.length) {
    byId('list').append(el('p.empty', null, report.findings.length ? 'No finding matches the filter.' : nothingFound()));
    return;
  }
  more(CHUNK);
}

function nothingFound() {
  return report.verdict.status === 'not checked'
    ? 'There are no findings, because too little was looked at.' : 'Nothing was found.';
}

function groupOf(finding) {
  return isDrift(finding) ? 'What changed in the spec' : 'What the API sends';
}

function more(count) {
  const place = byId('list');
  const until = Math.min(list.matching.length, list.shown + count);
  place.querySelector('.more')?.remove();
  for (; list.shown < until; list.shown += 1) {
    const index = list.matching[list.shown];
    const finding = report.findings[index];
    if (groupOf(finding) !== list.group) {
      list.group = groupOf(finding);
      place.append(el(isMixed ? 'h3' : 'h3.unseen', null, list.group));
      place.append(el('ol.findings', { 'aria-label': list.group }));
    }
    place.lastElementChild.append(findingItem(finding, index));
  }
  if (list.shown < list.matching.length) place.append(moreButton());
}

function moreButton() {
  const left = list.matching.length - list.shown;
  const button = el('button.more', { type: 'button' }, `Show more (${left.toLocaleString('en')} left)`);
  button.addEventListener('click', () => {
    const first = list.shown;
    more(CHUNK);
    byId('list').querySelectorAll('summary')[first]?.focus();
  });
  if (watcher) watcher.observe(button);
  return button;
}

// What nears the window is drawn before it gets there.
const watcher = 'IntersectionObserver' in window
  ? new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting && document.activeElement !== entry.target) { watcher.unobserve(entry.target); more(CHUNK); }
    }
  }, { rootMargin: '600px' }) : null;
