/**
 * Shows the buttons that copy the text of another element of the page: `data-copy` is its id.
 * Without the script, or where the clipboard is denied, one click selects the text.
 */
export const COPY_SCRIPT = `
for (const button of document.querySelectorAll('button[data-copy]')) {
  const source = document.getElementById(button.dataset.copy);
  const status = button.parentElement.querySelector('[role=status]');
  button.hidden = false;
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(source.textContent);
      status.textContent = status.dataset.text;
    } catch {
      getSelection().selectAllChildren(source);
    }
  });
}
`;
