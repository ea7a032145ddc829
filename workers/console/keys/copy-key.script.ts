/** Shows the button that copies the new key. Without the script the key can be selected. */
export const COPY_KEY_SCRIPT = `
const button = document.getElementById('copy-key');
const key = document.getElementById('key');
const status = document.getElementById('key-copied');

button.hidden = false;
button.addEventListener('click', async () => {
  try {
    await navigator.clipboard.writeText(key.textContent);
    status.textContent = status.dataset.text;
  } catch {
    getSelection().selectAllChildren(key);
  }
});
`;
