/**
 * Starts the passkey ceremony when the page loads, and again on its button. Posts only the members
 * that the server verifies (WebAuthn level 3, 5.1), so that a long response fits into a form.
 */
export const PASSKEY_SCRIPT = `
const form = document.getElementById('passkey');
const error = document.getElementById('passkey-error');

async function callAuthenticator() {
  const options = JSON.parse(form.dataset.options);
  if (form.dataset.verb === 'create') {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
    return navigator.credentials.create({ publicKey });
  }
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return navigator.credentials.get({ publicKey });
}

async function submitResponse() {
  error.hidden = true;
  try {
    const { id, rawId, type, response } = (await callAuthenticator()).toJSON();
    const { clientDataJSON, attestationObject, transports, authenticatorData, signature } = response;
    const verified = attestationObject === undefined
      ? { clientDataJSON, authenticatorData, signature }
      : { clientDataJSON, attestationObject, transports };
    const credential = { id, rawId, type, clientExtensionResults: {}, response: verified };
    form.elements.response.value = JSON.stringify(credential);
    form.submit();
  } catch {
    error.hidden = false;
  }
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  void submitResponse();
});
void submitResponse();
`;
