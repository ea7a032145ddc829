/** Shows the button that copies the recovery codes. Without the script they can be downloaded. */
export const COPY_CODES_SCRIPT = `
const button = document.getElementById('copy-codes');
const status = document.getElementById('codes-copied');

button.hidden = false;
button.addEventListener('click', async () => {
  try {
    await navigator.clipboard.writeText(document.getElementById('codes').textContent);
    status.textContent = status.dataset.text;
  } catch {
    getSelection().selectAllChildren(document.getElementById('codes'));
  }
});
`;
