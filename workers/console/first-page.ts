/**
 * The first page: what this is, and where the API is. It works without a script, says nothing that is
 * not true today, and holds nothing a visitor sent.
 */
import { html } from 'hono/html';

export const STYLE = `
:root { color-scheme: light dark; font: 1.0625rem/1.6 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 40rem; padding: 3rem 1.25rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 1rem; }
h2 { font-size: 1.25rem; margin: 2rem 0 0.5rem; }
code { font: 0.9375em ui-monospace, monospace; overflow-wrap: anywhere; }
`;

export function firstPage(apiUrl: URL | null) {
  const address =
    apiUrl === null
      ? html`<p>Whoever runs this installation gives you the address of its API.</p>`
      : html`<p>The API is at <code>${apiUrl.origin}/v1</code>.</p>`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Farebox</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<main>
<h1>Farebox</h1>
<p>A prepaid gateway to AI models: bring the client you have, change its base URL, and pay for each
call from a balance that never goes below zero. Every call has a bill that states its reason.</p>
<h2>Where the API is</h2>
${address}
<p>It speaks Chat Completions and Anthropic Messages, and takes keys that begin with
<code>fbx_</code>.</p>
<h2>Accounts</h2>
<p>This console has no screens for signing up or signing in yet.</p>
</main>
</body>
</html>
`;
}
