// Light or dark: as the system has it, until the button says otherwise; remembered where the browser allows it.
function startTheme() {
  const root = document.documentElement;
  const button = byId('theme');
  const system = matchMedia('(prefers-color-scheme: dark)');
  const remembered = () => { try { return localStorage.getItem('bctrl-theme'); } catch { return null; } };
  const isDark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : system.matches);
  const label = () => { button.textContent = isDark() ? 'Light' : 'Dark'; button.setAttribute('aria-label', `Use the ${isDark() ? 'light' : 'dark'} theme`); };
  if (['light', 'dark'].includes(remembered())) root.dataset.theme = remembered();
  button.addEventListener('click', () => {
    root.dataset.theme = isDark() ? 'light' : 'dark';
    try { localStorage.setItem('bctrl-theme', root.dataset.theme); } catch { /* it lasts until the page is closed */ }
    label();
  });
  system.addEventListener('change', label);
  label();
  button.hidden = false;
}
