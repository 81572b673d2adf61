// Elements. Whatever comes from the report becomes a text node or an attribute, never markup.
const byId = (id) => document.getElementById(id);

function el(tag, attributes, ...children) {
  const [name, ...classes] = tag.split('.');
  const made = document.createElement(name);
  if (classes.length) made.className = classes.join(' ');
  for (const [key, value] of Object.entries(attributes || {})) {
    if (typeof value === 'function') made.addEventListener(key, value);
    else if (value === true) made.setAttribute(key, '');
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ''));
  return made;
}

const PATHS = {
  error: 'M6.5 6.5l11 11m0-11l-11 11',
  warning: 'M12 5v9m0 4.4v.4',
  info: 'M12 10.5V19m0-13.9v-.4',
  seen: 'm5 12.5 4.5 4.5L19 7.5',
  partly: 'M5 12h14',
  never: 'M12 12h.01',
  unknown: 'M12 12h.01',
  copy: 'M9 9h10v11H9zM15 9V4H5v11h4',
};

function icon(name) {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('class', `icon ${name}`);
  const path = document.createElementNS(space, 'path');
  path.setAttribute('d', PATHS[name]);
  svg.append(path);
  return svg;
}

function plural(count, one, many) {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many || `${one}s`}`;
}

function show(id, visible = true) {
  byId(id).hidden = !visible;
}

function tell(text) {
  byId('told').textContent = text;
}
