// The contract as a tree: what is documented, what was exercised, what broke. Never by colour alone.
const STATES = {
  error: 'broken', warning: 'warning', info: 'remark', seen: 'exercised', partly: 'partly exercised', never: 'not exercised', unknown: 'not observed',
};

function nodeLine(node) {
  const state = STATES[node.state];
  const line = el('span.line', null,
    node.kind === 'operation' ? null : el('span.state', { title: state }, icon(node.state), el('span.unseen', null, `${state}: `)),
    el('span.name', null, node.name),
    node.required ? el('span.required', { title: 'required' }, el('span', { 'aria-hidden': 'true' }, '*'), el('span.unseen', null, ' required')) : null,
    el('span.words', null, node.words));
  if (node.seen !== null && node.kind !== 'operation') line.append(el('span.times', null, node.seen ? `${node.seen.toLocaleString('en')}×` : 'never'));
  return line;
}

function findingsButton(node) {
  if (!node.findings.length) return null;
  const text = plural(node.findings.length, 'finding');
  return el('button.at', { type: 'button', 'data-level': node.state, 'aria-label': `${text} at ${node.name}: show only these`,
    click: () => only(node.name, node.findings) }, text);
}

function neverSeen(node) {
  if (!node.never.length || node.state === 'never') return null;
  return el('p.gaps', null, el('span', null, 'not covered: '), node.never.map((label, index) => [index ? ', ' : '', el('code', null, label)]));
}

function treeNode(node, depth) {
  const children = node.children.length ? el('ul', null, node.children.map((child) => treeNode(child, depth + 1))) : null;
  const isOpen = node.kind === 'operation' || node.below !== '' || node.findings.length > 0 || (node.kind !== 'response' && depth < 4)
    || (node.kind === 'response' && node.status.startsWith('2'));
  const item = el('li', { 'data-state': node.state, 'data-kind': node.kind });
  if (children) {
    item.append(el('details', { open: isOpen }, el('summary', null, nodeLine(node)), findingsButton(node), neverSeen(node), children));
  } else {
    const gaps = neverSeen(node);
    item.append(el('div.leaf', null, nodeLine(node)), findingsButton(node) || '', gaps || '');
  }
  return item;
}

function startOutline() {
  if (!report.outline.length) return;
  const used = new Set();
  const visit = (node) => { if (node.kind !== 'operation') used.add(node.state); node.children.forEach(visit); };
  report.outline.forEach(visit);
  byId('legend').append(...Object.keys(STATES).filter((state) => used.has(state))
    .map((state) => el('li', { 'data-state': state }, icon(state), STATES[state])));
  byId('outline').append(el('ul.tree', null, report.outline.map((node) => treeNode(node, 0))));
  show('contract-column');
}
