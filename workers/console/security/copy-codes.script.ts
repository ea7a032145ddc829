/** A button that copies the recovery codes; without a script it stays hidden and the download is there. */
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
