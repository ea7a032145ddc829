/** The subject "bare": a pass-through Worker, the minimum cost of a gateway on this platform. */

type Env = Readonly<{ UPSTREAM: string }>;

const bare: ExportedHandler<Env> = {
  async fetch(request, env) {
    const upstream = await fetch(env.UPSTREAM + request.url.slice(request.url.indexOf('/', 8)), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: request.body,
    });
    return new Response(upstream.body, {
      headers: { 'content-type': upstream.headers.get('content-type') ?? '' },
    });
  },
};

export default bare;
