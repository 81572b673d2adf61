// Copies a command; where the clipboard may not be written, it is selected, ready for the keyboard.
function copyButton(text, shown) {
  const label = el('span', null, 'Copy');
  const button = el('button.quiet.copy', { type: 'button', 'aria-label': 'Copy the command' }, icon('copy'), label);
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text);
      label.textContent = 'Copied';
      tell('The command is copied.');
      setTimeout(() => { label.textContent = 'Copy'; }, 2000);
    } catch {
      getSelection().selectAllChildren(shown);
      tell('The command is selected; copy it with the keyboard.');
    }
  });
  return button;
}
