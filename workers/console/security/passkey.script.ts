/**
 * Puts the page's question to the browser's passkeys at once, and again by its button. Only the parts
 * that the server verifies are posted (WebAuthn level 3, 5.1), so that a long key fits into a form.
 */
export const PASSKEY_SCRIPT = `
const form = document.getElementById('passkey');
const trouble = document.getElementById('passkey-trouble');

async function answer() {
  const options = JSON.parse(form.dataset.options);
  if (form.dataset.verb === 'create') {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
    return navigator.credentials.create({ publicKey });
  }
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return navigator.credentials.get({ publicKey });
}

async function ask() {
  trouble.hidden = true;
  try {
    const { id, rawId, type, response } = (await answer()).toJSON();
    const { clientDataJSON, attestationObject, transports, authenticatorData, signature } = response;
    const verified = attestationObject === undefined
      ? { clientDataJSON, authenticatorData, signature }
      : { clientDataJSON, attestationObject, transports };
    const sent = { id, rawId, type, clientExtensionResults: {}, response: verified };
    form.elements.response.value = JSON.stringify(sent);
    form.submit();
  } catch {
    trouble.hidden = false;
  }
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  void ask();
});
void ask();
`;
